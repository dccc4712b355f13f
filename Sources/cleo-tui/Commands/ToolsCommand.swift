import Engine

/// What the tool servers offer, and calls by hand.
enum ToolsCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        do throws(EngineError) {
            switch arguments.words.first {
            case "list", nil: return try list(arguments)
            case "call": return try call(arguments)
            case .some(let word):
                throw EngineError(.invalidInput, "'tools \(word)' is not known", hint: Command.tools.usage)
            }
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    /// The tool servers of the workspace, started; no pack is needed.
    private static func start(_ arguments: Arguments) throws(EngineError) -> (tools: ToolBox, redactor: Redactor) {
        let wiring = try Wiring(arguments)
        let loaded = try wiring.tools(arguments)
        Console.report(loaded.diagnostics)
        guard let found = loaded.value else {
            throw EngineError(.invalidInput, "the tools file cannot be used")
        }
        let handlers = wiring.handlers(found.handlers, found.network)
        let tools = ToolBox(handlers: handlers, patterns: wiring.patterns, clock: wiring.clock)
        return (tools, Redactor(wiring.secrets(found.handlers)))
    }

    private static func list(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        let (tools, redactor) = try start(arguments)
        let states = blocking {
            await tools.start()
            _ = await tools.waitForStart(milliseconds: 15_000)
            let states = await tools.states
            await tools.stop()
            return states
        }
        if arguments.has(.json) {
            Console.out(redactor.clean(JSONValue.array(states.map { JSONValue(encoding: $0) }).prettyText))
        } else {
            for state in states { Console.out(redactor.clean(text(of: state))) }
            if states.isEmpty { Console.err("no tools: there is no tools.yaml here") }
        }
        return states.contains { $0.phase != .ready } ? .tool : .done
    }

    private static func text(of state: HandlerState) -> String {
        let mark = state.phase == .ready ? "●" : "✗"
        var lines = [
            "\(mark) \(state.handler)  \(state.kind)  \(SafeText.oneLine(state.detail ?? state.phase.rawValue))"
        ]
        for tool in state.tools {
            let arguments = tool.inputSchema["properties"]?.object?.keys.joined(separator: ", ") ?? ""
            let readOnly = tool.readOnly ? "" : "  [asks first]"
            lines.append("    \(tool.name)(\(arguments))\(readOnly)")
            if !tool.description.isEmpty { lines.append("        \(SafeText.oneLine(tool.description))") }
        }
        return lines.joined(separator: "\n")
    }

    private static func call(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        guard arguments.words.count >= 2 else {
            throw EngineError(.invalidInput, "'tools call' needs the name of a tool", hint: Command.tools.usage)
        }
        let text = arguments.words.count > 2 ? arguments.words[2] : "{}"
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONParser.parse(text)
        } catch {
            throw EngineError(
                .invalidInput, "the arguments are not JSON: \(error.message) at character \(error.offset + 1)",
                hint: "tools call \(arguments.words[1]) '{\"name\": \"value\"}'")
        }
        let call = ToolCall(id: CallID("call"), tool: arguments.words[1], arguments: value)
        let (tools, redactor) = try start(arguments)
        defer { blocking { await tools.stop() } }
        try blocking { () async throws(EngineError) in
            await tools.start()
            _ = await tools.waitForStart(milliseconds: 15_000)
            if let objection = await tools.objection(to: call) { throw objection }
        }
        let answer: ToolAnswer
        do throws(EngineError) {
            answer = try blocking { () async throws(EngineError) in try await tools.run(call) { _ in } }
        } catch {
            // Whatever it was, it was the tool.
            Console.err(redactor.clean("cleo-tui: " + error.description))
            return .tool
        }
        if arguments.has(.json) {
            let document: JSONValue = [
                "tool": .string(call.tool), "error": .bool(answer.isError), "text": .string(answer.text),
                "attributes": .object(answer.attributes),
            ]
            Console.out(redactor.clean(document.prettyText))
        } else {
            Console.out(redactor.clean(answer.text))
        }
        return answer.isError ? .tool : .done
    }
}
