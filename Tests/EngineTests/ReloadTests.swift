import Engine
import EngineSystem
import Support
import Synchronization
import Testing

@Suite struct ReloadTests {
    private func agent(_ change: (inout PromptPack) -> Void = { _ in }) -> Agent {
        var pack = PromptPack(
            id: "p", name: "P", version: "1.0.0", prompts: [Harness.prompt()], fragments: ["f": "x"],
            tools: [PackTool(name: "t", description: "d", parameters: [:])])
        change(&pack)
        return Agent(
            workspace: "w", pack: pack, prompt: pack.prompts[0], provider: ScriptedProvider([]),
            patterns: PCREPatternCompiler())
    }

    @Test func whatChangedIsNamed() {
        #expect(AgentChange.lines(from: agent(), to: agent()) == [])
        let new = agent { pack in
            pack.version = "1.1.0"
            pack.prompts[0].systemTemplate = "be wise"
            pack.prompts[0].policy.maxRounds = 2
            pack.prompts.append(Prompt(key: "more", id: "more", systemTemplate: "x"))
            pack.fragments = ["f": "y", "g": "z"]
            pack.tools = []
        }
        #expect(
            AgentChange.lines(from: agent(), to: new) == [
                "version 1.0.0 → 1.1.0", "prompt 'main' changed: template, policy", "prompt 'more' is new",
                "fragment 'f' changed", "fragment 'g' is new", "tool 't' is gone",
            ])
    }

    /// A running turn goes on with what it began with; the next one has the new.
    @Test func aChangeActsAtTheNextTurn() async throws {
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "echo", [:])]), ScriptedProvider.says("one"), ScriptedProvider.says("two"),
        ])
        let reached = Mutex<Harness?>(nil)
        let echo = FakeHandler("f", tools: [Harness.tool("echo")]) { _ throws(EngineError) in
            let harness = reached.withLock { $0 }
            await harness?.client.change([Diagnostic(.note, "changed", file: "")]) {
                $0.prompt.systemTemplate = "be wise"
            }
            return ToolAnswer(text: "x")
        }
        let harness = Harness(provider, handlers: [echo])
        reached.withLock { $0 = harness }
        let first = try await harness.say("hi")
        #expect(first.contains { if case .diagnostic(let note) = $0.body { note.message == "changed" } else { false } })
        _ = try await harness.say("again")
        #expect(provider.requests.map(\.system) == ["be kind", "be kind", "be wise"])
        reached.withLock { $0 = nil }
    }

    @Test func handlersAreReplacedAndTheOthersGoOn() async throws {
        let started = Mutex<[String]>([])
        final class Counting: ToolHandler {
            let name: String
            let kindName = "fake"
            let timeout = 1_000
            let tool: String
            let note: @Sendable (String) -> Void
            init(_ name: String, _ tool: String, _ note: @escaping @Sendable (String) -> Void) {
                self.name = name
                self.tool = tool
                self.note = note
            }
            func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
                note("start \(name)")
                await report(HandlerUpdate(.ready, tools: [Harness.tool(tool)]))
            }
            func call(
                _ call: ToolCall, host: any ToolHost
            ) async throws(EngineError) -> ToolAnswer { ToolAnswer(text: tool) }
            func stop() async { note("stop \(name)") }
        }
        func handler(_ name: String, _ tool: String) -> Counting {
            Counting(name, tool) { line in started.withLock { $0.append(line) } }
        }
        let box = ToolBox(
            handlers: [handler("a", "one"), handler("b", "two")], patterns: PCREPatternCompiler(), clock: SystemClock())
        await box.start()
        #expect(await eventually { await box.tools.map(\.name) == ["one", "two"] })
        await box.replace(with: [handler("a", "one"), handler("b", "new"), handler("c", "three")], keeping: ["a"])
        #expect(await eventually { await box.tools.map(\.name) == ["one", "new", "three"] })
        #expect(started.withLock { $0.sorted() } == ["start a", "start b", "start b", "start c", "stop b"])
        await box.replace(with: [], keeping: [])
        #expect(await box.tools.isEmpty)
        await box.stop()
    }

    @Test func aFolderIsWatched() async throws {
        let folder = TemporaryFolder()
        let count = Mutex(0)
        let watch = FolderWatch([folder.path, folder.path + "/nowhere"]) { count.withLock { $0 += 1 } }
        try DiskFiles.write("a", to: folder.path + "/x", mayReplace: true)
        #expect(await eventually { count.withLock { $0 } > 0 })
        let before = count.withLock { $0 }
        // As editors do it: written beside, then moved over.
        try DiskFiles.write("b", to: folder.path + "/y", mayReplace: true)
        #expect(rename(folder.path + "/y", folder.path + "/x"))
        #expect(await eventually { count.withLock { $0 } > before })
        withExtendedLifetime(watch) {}
    }

    @Test func linesAreCompared() {
        #expect(
            LineDiff.lines(from: "a\nb\nc", to: "a\nx\nc\nd") == [
                .same("a"), .removed("b"), .added("x"), .same("c"), .added("d"),
            ])
    }
}
