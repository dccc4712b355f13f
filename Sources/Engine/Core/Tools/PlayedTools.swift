/// A tool whose answer stands in its file.
package struct MockToolHandler: ToolHandler {
    package let name: String
    package var kindName: String { "mock" }
    package let timeout: Int
    private let spec: MockToolSpec

    package init(name: String, spec: MockToolSpec, timeout: Int) {
        self.name = name
        self.spec = spec
        self.timeout = timeout
    }

    package func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        await report(HandlerUpdate(.ready, tools: [spec.tool], detail: "its answer stands in its file"))
    }

    package func call(
        _ call: ToolCall, host: any ToolHost
    ) async throws(EngineError) -> ToolAnswer {
        guard let template = spec.template else {
            let result = spec.result ?? .null
            return ToolAnswer(text: result.string ?? result.text)
        }
        let text = template.fill(call.arguments)
        guard let value = try? JSONParser.parse(text) else {
            throw EngineError(.failed, "the template of '\(name)' gave no JSON: \(text.prefix(200))")
        }
        return ToolAnswer(text: value.string ?? value.text)
    }

    package func stop() async {}
}

/// A tool that the person at the terminal is.
package struct ClientToolHandler: ToolHandler {
    package let name: String
    package var kindName: String { "client" }
    package let timeout: Int
    private let spec: ClientToolSpec

    package init(name: String, spec: ClientToolSpec, timeout: Int) {
        self.name = name
        self.spec = spec
        self.timeout = timeout
    }

    package func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        // Answering is the consent, so nobody is asked before.
        var tool = spec.tool
        tool.readOnly = true
        await report(HandlerUpdate(.ready, tools: [tool], detail: "you answer"))
    }

    package func call(_ call: ToolCall, host: any ToolHost) async throws(EngineError) -> ToolAnswer {
        let arguments = call.arguments == [:] ? "" : "\n\(call.arguments.prettyText)"
        let message = (spec.message ?? spec.tool.description) + arguments
        var question = Question(.answer, from: call.tool, call: call.id, message: message)
        question.consent = spec.message
        question.categories = spec.categories.isEmpty ? nil : spec.categories
        let reply = await host.ask(question)
        switch reply.action {
        case .accept:
            let content = reply.content ?? ""
            return ToolAnswer(text: content.string ?? content.text, attributes: ["cleo.tool.answered_by": "person"])
        case .decline:
            if reply.isUnanswered { throw EngineError(.refused, "nobody is there to answer") }
            let why = reply.content?.string.map { $0.isEmpty ? "" : ": \($0)" } ?? ""
            throw EngineError(.refused, "the person declined\(why)")
        case .cancel: throw EngineError(.cancelled, "cancelled")
        }
    }

    package func stop() async {}
}

/// A tool that a program answers: `{"args": …}` on its standard input, `{"result"}` or `{"error"}` on its output
/// (PromptKit, runtime/tools, mode `exec`).
package struct ExecToolHandler: ToolHandler {
    package let name: String
    package var kindName: String { "exec" }
    package let timeout: Int
    private let spec: ExecToolSpec
    private let directory: String
    private let launcher: any ProcessLauncher
    private let variables: any VariableSource

    private static let limit = 10 << 20

    /// - Parameter directory: where the program runs, and relative names of programs begin.
    package init(
        name: String, spec: ExecToolSpec, timeout: Int, directory: String, launcher: any ProcessLauncher,
        variables: any VariableSource
    ) {
        self.name = name
        self.spec = spec
        self.timeout = timeout
        self.directory = directory
        self.launcher = launcher
        self.variables = variables
    }

    package func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        let missing = spec.variables.filter { variables.value(of: $0) == nil }
        guard missing.isEmpty else {
            let names = missing.joined(separator: ", ")
            return await report(HandlerUpdate(.failed, tools: [], detail: "its variables are not set: \(names)"))
        }
        await report(HandlerUpdate(.ready, tools: [spec.tool], detail: spec.arguments.joined(separator: " ")))
    }

    package func call(
        _ call: ToolCall, host: any ToolHost
    ) async throws(EngineError) -> ToolAnswer {
        let environment = spec.variables.compactMap { name in variables.value(of: name).map { (name, $0) } }
        let child = try launcher.launch(
            ProcessCommand(
                arguments: spec.arguments, environment: Dictionary(environment) { $1 }, directory: directory))
        let result: Result<ToolAnswer, EngineError> = await withTaskCancellationHandler {
            do throws(EngineError) {
                return .success(try await exchange(child, call))
            } catch {
                return .failure(error)
            }
        } onCancel: {
            Task { await child.stop() }
        }
        await child.stop()
        return try result.get()
    }

    private func exchange(_ child: any ChildProcess, _ call: ToolCall) async throws(EngineError) -> ToolAnswer {
        let input: JSONValue = ["args": call.arguments]
        // A program may answer without asking for what.
        try? await child.write(input.bytes + [0x0A])
        child.endInput()
        var output: [UInt8] = []
        while let piece = await child.output() {
            output += piece
            if output.count > Self.limit {
                throw EngineError(.tooLarge, "'\(name)' printed more than \(Self.limit >> 20) MiB")
            }
        }
        guard let value = try? JSONParser.parse(output) else {
            let words = child.errorTail.last ?? String(decoding: output.prefix(200), as: UTF8.self)
            throw EngineError(
                .failed, "'\(name)' gave no JSON: it \(child.ending ?? "ended")\(words.isEmpty ? "" : ": \(words)")")
        }
        return try answer(value)
    }

    private func answer(_ value: JSONValue) throws(EngineError) -> ToolAnswer {
        if let error = value["error"], !error.isNull {
            return ToolAnswer(text: error.string ?? error.text, isError: true)
        }
        if let pending = value["pending"] {
            throw EngineError(
                .refused, "'\(name)' wants to wait for somebody: \(pending["message"]?.string ?? pending.text)",
                hint: "calls that wait do not act here")
        }
        let result = value["result"] ?? value
        return ToolAnswer(text: result.string ?? result.text)
    }

    package func stop() async {}
}
