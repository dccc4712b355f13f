import Engine

/// Prints what the model would be sent.
enum RenderCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        do throws(EngineError) {
            return try render(arguments)
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    private static func render(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        let wiring = try Wiring(arguments)
        var options = try Wiring.options(arguments)
        if let file = arguments.words.first { options.pack = Folders.absolute(file) }
        options.tools = nil
        options.provider = "mock"
        let loaded = WorkspaceLoader.load(
            options, reader: wiring.reader, variables: wiring.variables, patterns: wiring.patterns,
            withTools: false)
        Console.report(loaded.diagnostics)
        guard let workspace = loaded.value else { return .usage }
        let rendered = try PromptRenderer.render(
            workspace.prompt, fragments: workspace.pack.fragments, given: workspace.variables)
        guard arguments.has(.json) else {
            Console.out(rendered.text)
            if !rendered.unused.isEmpty { Console.err("unused: \(rendered.unused.joined(separator: ", "))") }
            return .done
        }
        let document: JSONValue = [
            "pack": .string("\(workspace.pack.id)@\(workspace.pack.version)"),
            "prompt": .string(workspace.prompt.key), "system": .string(rendered.text),
            "estimated_tokens": .int(TokenEstimate.tokens(rendered.text)),
            "used": .array(rendered.used.map { .string($0) }), "unused": .array(rendered.unused.map { .string($0) }),
        ]
        Console.out(document.prettyText)
        return .done
    }
}
