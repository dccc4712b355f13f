/// What a short program prints.
package enum CommandOutput {
    private static let limit = 64 << 10

    /// Runs a command to its end.
    /// - Throws: `unauthorized` when it fails, says nothing, or takes longer than the time allows.
    package static func of(
        _ command: ProcessCommand, launcher: any ProcessLauncher, clock: any EngineClock, milliseconds: Int = 30_000
    ) async throws(EngineError) -> String {
        let name = command.arguments.first ?? ""
        let child = try launcher.launch(command)
        let watch = Task {
            try? await clock.sleep(milliseconds: milliseconds)
            if !Task.isCancelled { await child.stop() }
        }
        defer { watch.cancel() }
        var output: [UInt8] = []
        while let piece = await child.output() {
            output += piece
            guard output.count <= limit else {
                await child.stop()
                throw EngineError(.tooLarge, "'\(name)' prints more than a key")
            }
        }
        await child.stop()
        guard child.ending == nil || child.ending == "exited with code 0" else {
            let last = child.errorTail.last.map { ": \($0)" } ?? ""
            throw EngineError(.unauthorized, "the command '\(name)' gave no key: it \(child.ending ?? "")\(last)")
        }
        return String(decoding: output, as: UTF8.self)
    }
}
