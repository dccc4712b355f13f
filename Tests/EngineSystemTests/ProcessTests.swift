import Engine
import EngineSystem
import Support
import Testing

@Suite struct ProcessTests {
    private func launch(_ script: String) throws(EngineError) -> any ChildProcess {
        try SpawnLauncher().launch(ProcessCommand(arguments: ["/bin/sh", "-c", script]))
    }

    private func all(_ child: any ChildProcess) async -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = await child.output() { bytes += piece }
        return bytes
    }

    @Test func whatIsWrittenComesBack() async throws {
        let child = try launch("head -n 2")
        try await child.write(Array("one\n".utf8))
        try await child.write(Array("two\n".utf8))
        #expect(await all(child) == Array("one\ntwo\n".utf8))
        await child.stop()
        #expect(child.ending == "exited with code 0")
    }

    @Test func theLastWordsAndTheEndAreKept() async throws {
        let child = try launch("for i in $(seq 60); do echo line $i >&2; done; printf last >&2; exit 3")
        #expect(await all(child).isEmpty)
        #expect(await eventually { child.ending == "exited with code 3" })
        #expect(await eventually { child.errorTail.count == 51 })
        #expect(child.errorTail.last == "last")
        await child.stop()
    }

    @Test func aProgramThatIsNotThereIsSaid() {
        let error = #expect(throws: EngineError.self) {
            try SpawnLauncher().launch(ProcessCommand(arguments: ["no-such-program-here"]))
        }
        #expect(error?.code == .notFound)
        #expect(error?.message == "the program 'no-such-program-here' was not found")
    }

    @Test func whoWillNotGoIsMadeToWithItsChildren() async throws {
        let child = try launch("trap '' TERM; (trap '' TERM; echo $$; exec sleep 100) & wait; sleep 100")
        _ = await child.output()
        await child.stop()
        #expect(child.ending == "was ended by signal 9")
    }

    @Test func aDaemonThatKeepsTheOutputOpenHoldsNobodyUp() async throws {
        let child = try launch("setsid sleep 30 & echo started")
        #expect(await child.output() == Array("started\n".utf8))
        await child.stop()
        #expect(await child.output() == nil)
        #expect(child.ending == "exited with code 0")
        _ = shell("pkill -f '^sleep 30$'")
    }

    @Test func aChildThatDoesNotReadCannotBlockItsStop() async throws {
        let child = try launch("exec sleep 100")
        let writing = Task { try await child.write([UInt8](repeating: 65, count: 1 << 20)) }
        try await Task.sleep(for: .milliseconds(50))
        await child.stop()
        await #expect(throws: EngineError.self) { try await writing.value }
    }

    @Test func muchOutputWaitsForItsReader() async throws {
        let child = try launch("head -c 20000000 /dev/zero")
        try await Task.sleep(for: .milliseconds(100))
        #expect(child.ending == nil, "20 MB were taken although nobody read")
        #expect(await all(child).count == 20_000_000)
        await child.stop()
    }

    @Test func onlyWhatIsNamedIsInherited() async throws {
        let child = try SpawnLauncher().launch(
            ProcessCommand(arguments: ["/usr/bin/env"], environment: ["GIVEN": "yes"]))
        let names = String(decoding: await all(child), as: UTF8.self).split(separator: "\n").map {
            $0.prefix { $0 != "=" }
        }
        await child.stop()
        #expect(names.contains("GIVEN") && names.contains("PATH"))
        #expect(!names.contains("SWIFT_BACKTRACE"))
    }
}
