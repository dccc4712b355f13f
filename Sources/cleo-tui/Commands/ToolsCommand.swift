import Engine
import EngineSystem

/// What the tool servers offer, and calls by hand.
enum ToolsCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        do throws(EngineError) {
            let word = arguments.words.first ?? "list"
            guard let work = verbs[word] else {
                let hint = Suggestion.nearest(to: word, among: verbs.keys.sorted()).map { "did you mean '\($0)'?" }
                throw EngineError(.invalidInput, "'tools \(word)' is not known", hint: hint ?? Command.tools.usage)
            }
            return try work(arguments)
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    private static let verbs: [String: @Sendable (Arguments) throws(EngineError) -> ExitCode] = [
        "list": list, "call": call, "describe": describe, "probe": probe, "prompt": prompt, "read": read,
        "login": login,
    ]

    // MARK: starting

    private struct Started {
        let tools: ToolBox
        let redactor: Redactor
        let specs: [HandlerSpec]
        let config: WorkspaceConfig
        let policies: PolicyBook
        let patterns: any PatternCompiler
        /// Something in the files is wrong.
        let hasErrors: Bool

        /// What an agent's call would be answered with; a person's own call is made all the same.
        func sayWhatAnAgentMayNot(_ call: ToolCall, _ handler: String) {
            let (rule, reason) = config.approval.rule(for: call.tool, handler: handler, arguments: call.arguments)
            guard
                let why = policies.judge(call, handler: handler, patterns: patterns).denied
                    ?? (rule == .deny ? reason : nil)
            else { return }
            Console.err("note: an agent may not make this call: \(why)")
        }

        func out(_ text: String) { Console.out(redactor.clean(text)) }

        func stop() { blocking { await tools.stop() } }
    }

    private static let patience = 15_000

    /// The tool servers of the workspace, started; no pack is needed.
    /// - Parameter whole: waits for what servers offer beside tools, too.
    private static func start(_ arguments: Arguments, whole: Bool = false) throws(EngineError) -> Started {
        let wiring = try Wiring(arguments)
        let loaded = try wiring.tools(arguments)
        Console.report(loaded.diagnostics)
        guard let found = loaded.value else {
            throw EngineError(.invalidInput, "the workspace's files cannot be used")
        }
        let handlers = wiring.handlers(found.handlers, found.config)
        let tools = ToolBox(handlers: handlers, patterns: wiring.patterns, clock: wiring.clock)
        wiring.redactor.add(wiring.secrets(found.handlers))
        blocking {
            await tools.start()
            _ = await tools.waitForStart(milliseconds: patience)
            if whole { await tools.waitForOffers(milliseconds: patience) }
        }
        return Started(
            tools: tools, redactor: wiring.redactor, specs: found.handlers, config: found.config,
            policies: found.policies, patterns: wiring.patterns,
            hasErrors: loaded.diagnostics.contains { $0.severity == .error })
    }

    /// - Parameter what: what the command needs, for people.
    private static func word(_ arguments: Arguments, _ place: Int, _ what: String) throws(EngineError) -> String {
        guard arguments.words.count > place else {
            let verb = arguments.words.first ?? ""
            throw EngineError(.invalidInput, "'tools \(verb)' needs \(what)", hint: Command.tools.usage)
        }
        return arguments.words[place]
    }

    private static func json(_ text: String, _ example: String) throws(EngineError) -> JSONValue {
        do throws(JSONSyntaxError) {
            return try JSONParser.parse(text)
        } catch {
            throw EngineError(
                .invalidInput, "the arguments are not JSON: \(error.message) at character \(error.offset + 1)",
                hint: example)
        }
    }

    // MARK: what there is

    private static func list(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        let started = try start(arguments, whole: true)
        defer { started.stop() }
        let states = blocking { await started.tools.states }
        if arguments.has(.json) {
            started.out(JSONValue.array(states.map { JSONValue(encoding: $0) }).prettyText)
        } else {
            for state in states { started.out(text(of: state)) }
            if states.isEmpty, !started.hasErrors { Console.err("no tools: there is no tools.yaml here") }
        }
        if started.hasErrors { return .usage }
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
        for prompt in state.prompts ?? [] {
            let names = prompt.arguments.map { $0.isRequired ? $0.name : "\($0.name)?" }.joined(separator: ", ")
            lines.append("    prompt \(SafeText.oneLine(prompt.name))(\(names))")
        }
        for resource in state.resources ?? [] { lines.append("    resource \(SafeText.oneLine(resource.uri))") }
        return lines.joined(separator: "\n")
    }

    /// Everything about a tool, or a handler.
    private static func describe(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        let name = try word(arguments, 1, "the name of a tool or a handler")
        let started = try start(arguments, whole: true)
        defer { started.stop() }
        let states = blocking { await started.tools.states }
        var document: JSONObject
        if let state = states.first(where: { $0.handler == name }) {
            document = JSONValue(encoding: state).object ?? JSONObject()
            if let server = try? blocking({ () async throws(EngineError) in try await started.tools.server(name) }),
                let more = blocking({ await server.description })
            {
                document["server"] = more
            }
        } else if let state = states.first(where: { $0.tools.contains { $0.name == name } }),
            let tool = state.tools.first(where: { $0.name == name })
        {
            document = JSONValue(encoding: tool).object ?? JSONObject()
            document["handler"] = .string(state.handler)
        } else {
            let all = states.flatMap { [$0.handler] + $0.tools.map(\.name) }
            throw EngineError(
                .notFound, "there is no tool or handler '\(name)'", hint: Suggestion.hint(for: name, among: all))
        }
        started.out(JSONValue.object(document).prettyText)
        return .done
    }

    /// Whether each server answers, and how fast; changes nothing.
    private static func probe(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        let started = try start(arguments)
        defer { started.stop() }
        let wanted = arguments.words.dropFirst()
        let states = blocking { await started.tools.states }.filter { wanted.isEmpty || wanted.contains($0.handler) }
        for name in wanted where !states.contains(where: { $0.handler == name }) {
            throw EngineError(.notFound, "there is no handler '\(name)'")
        }
        let results = states.map { state in
            (state, blocking { await started.tools.probe(state.handler) })
        }
        if arguments.has(.json) {
            let rows = results.map { state, probe -> JSONValue in
                [
                    "handler": .string(state.handler), "kind": .string(state.kind), "ok": .bool(probe.problem == nil),
                    "milliseconds": .int(probe.milliseconds), "tools": .int(state.tools.count),
                    "detail": .string(probe.problem ?? state.detail ?? ""),
                ]
            }
            started.out(JSONValue.array(rows).prettyText)
        } else {
            for (state, probe) in results {
                let detail = SafeText.oneLine(probe.problem ?? state.detail ?? "", limit: 300)
                started.out(
                    "\(probe.problem == nil ? "●" : "✗") \(state.handler)  \(state.kind)  \(probe.milliseconds) ms  \(detail)"
                )
            }
        }
        return results.contains { $0.1.problem != nil } ? .tool : .done
    }

    // MARK: doing

    private static func call(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        let name = try word(arguments, 1, "the name of a tool")
        guard arguments.words.count <= 3 else {
            throw EngineError(
                .invalidInput, "'tools call' takes one document of arguments", hint: "quote it: '{\"a\": 1}'")
        }
        if !arguments.has(.asMock), arguments[.output] != nil {
            throw EngineError(.invalidInput, "'-o' goes with '--as-mock'", hint: Command.tools.usage)
        }
        let value = try json(
            arguments.words.count > 2 ? arguments.words[2] : "{}", "tools call \(name) '{\"name\": \"value\"}'")
        let call = ToolCall(id: CallID("call"), tool: name, arguments: value)
        let started = try start(arguments)
        defer { started.stop() }
        let tools = started.tools
        if arguments.has(.asOmnia) { return try preview(call, started, arguments) }
        if let found = blocking({ await tools.find(name) }) { started.sayWhatAnAgentMayNot(call, found.handler) }
        if let objection = blocking({ await tools.objection(to: call) }) {
            if objection.code == .notFound {
                // It may be a tool of a server that does not run.
                for state in blocking({ await tools.states }) where state.phase != .ready {
                    let why =
                        state.phase == .starting
                        ? "it has not answered within \(DurationText.text(patience))" : state.phase.rawValue
                    Console.err("✗ \(state.handler): \(SafeText.oneLine(state.detail ?? why, limit: 500))")
                }
            }
            throw objection
        }
        let answer: ToolAnswer
        do throws(EngineError) {
            answer = try blocking { () async throws(EngineError) in try await tools.run(call, host: ConsoleHost()) }
        } catch {
            // Whatever it was, it was the tool.
            Console.err(started.redactor.clean("cleo-tui: " + error.description))
            return .tool
        }
        if let mismatch = answer.attributes["cleo.tool.output.mismatch"]?.string {
            Console.err(
                started.redactor.clean("warning: the answer does not fit the tool's output schema: \(mismatch)"))
        }
        if arguments.has(.asMock) {
            try record(call, answer, started, arguments)
        } else if arguments.has(.json) {
            var document: JSONObject = [
                "tool": .string(call.tool), "error": .bool(answer.isError), "text": .string(answer.text),
                "attributes": .object(answer.attributes),
            ]
            document["structured"] = answer.structured
            started.out(JSONValue.object(document).prettyText)
        } else {
            started.out(answer.text)
        }
        return answer.isError ? .tool : .done
    }

    /// The answer as a tool file that gives it again, whatever it is asked.
    private static func record(
        _ call: ToolCall, _ answer: ToolAnswer, _ started: Started, _ arguments: Arguments
    ) throws(EngineError) {
        guard !answer.isError else {
            throw EngineError(.refused, "the tool failed, and a failure is no mock: \(answer.text)")
        }
        guard let tool = blocking({ await started.tools.find(call.tool)?.tool }) else { return }
        let text = started.redactor.clean(ToolManifest.mock(of: tool, answering: answer)) + "\n"
        guard let file = arguments[.output] else { return Console.out(text) }
        let path = Folders.absolute(file)
        guard arguments.has(.force) || !DiskFiles(root: "/").exists(path) else {
            throw EngineError(.invalidInput, "the file '\(file)' is there already", hint: "--force replaces it")
        }
        try DiskFiles.write(text, to: path, mayReplace: true)
        Console.err(
            "'\(call.tool)' is in \(file); name it first under 'tools:' in cleo.yaml, before the file that serves the real one"
        )
    }

    /// What the call would send from here, and from a cluster.
    private static func preview(
        _ call: ToolCall, _ started: Started, _ arguments: Arguments
    ) throws(EngineError) -> ExitCode {
        let tools = started.tools
        let preview = try blocking { () async throws(EngineError) in try await tools.preview(call) }
        guard !arguments.has(.json) else {
            started.out(
                JSONValue.object([
                    "here": preview.here.json, "cluster": preview.cluster.json,
                    "notes": .array(preview.notes.map { .string($0) }),
                ]).prettyText)
            return .done
        }
        let (here, cluster) = (lines(preview.here), lines(preview.cluster))
        for (title, own, other) in [("here", here, cluster), ("Omnia's runtime", cluster, here)] {
            started.out(title)
            // What the other side does not send.
            for line in own { started.out((other.contains(line) ? "    " : "  ≠ ") + line) }
        }
        for note in preview.notes { started.out("• " + note) }
        return .done
    }

    private static func lines(_ sent: SentCall) -> [String] {
        [SafeText.oneLine("\(sent.method) \(sent.target)", limit: 2_000)]
            + sent.headers.map { SafeText.oneLine("\($0.name): \($0.value)", limit: 500) }
            + (sent.body.map { [SafeText.oneLine($0, limit: 4_000)] } ?? [])
    }

    /// A prompt of a server, filled in.
    private static func prompt(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        let handler = try word(arguments, 1, "a server and the name of its prompt")
        let name = try word(arguments, 2, "the name of a prompt")
        let values = try json(arguments.words.count > 3 ? arguments.words[3] : "{}", #"'{"argument": "value"}'"#)
        var texts: [String: String] = [:]
        for (name, value) in values.object ?? JSONObject() { texts[name] = value.string ?? value.text }
        let filled = texts
        return try use(handler, arguments) { (connection, host) async throws(EngineError) in
            try await connection.prompt(name, filled, host: host)
        }
    }

    /// A resource of a server.
    private static func read(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        let handler = try word(arguments, 1, "a server and the address of its resource")
        let uri = try word(arguments, 2, "the address of a resource")
        return try use(handler, arguments) { (connection, host) async throws(EngineError) in
            try await connection.read(uri, host: host).map(MCPContent.resource).joined(separator: "\n")
        }
    }

    private static func use(
        _ handler: String, _ arguments: Arguments,
        _ work: @escaping @Sendable (MCPConnection, any ToolHost) async throws(EngineError) -> String
    ) throws(EngineError) -> ExitCode {
        let started = try start(arguments)
        defer { started.stop() }
        let host = ConsoleHost()
        let text = try blocking { () async throws(EngineError) in
            try await started.tools.server(handler).use(host) { (connection) async throws(EngineError) in
                try await work(connection, host)
            }
        }
        started.out(text)
        return .done
    }

    /// Signs in to a server, to see that it works: tokens are kept in memory only.
    private static func login(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        let handler = try word(arguments, 1, "the name of a server")
        let started = try start(arguments)
        defer { started.stop() }
        try blocking { () async throws(EngineError) in
            try await started.tools.server(handler).signIn(host: ConsoleHost(waits: true))
        }
        let states = blocking { await started.tools.states }
        for state in states where state.handler == handler { started.out(text(of: state)) }
        return .done
    }
}

/// Standard error and standard input as the host of a tool.
struct ConsoleHost: ToolHost {
    /// Whether an address is only shown, because the answer comes back by itself.
    var waits = false

    func progressed(_ progress: ToolProgress) async {
        guard Console.errIsTerminal, let message = progress.message else { return }
        Console.err(SafeText.oneLine(message, limit: 200))
    }

    func ask(_ question: Question) async -> QuestionReply {
        let isThere = Console.inIsTerminal && Console.errIsTerminal
        if question.kind == .link, waits {
            Console.err("\(SafeText.oneLine(question.from)): open this address in a browser")
            Console.err(SafeText.oneLine(question.url ?? "", limit: 4_096))
            return QuestionReply(.accept)
        }
        guard isThere else { return QuestionReply(.decline, "nobody is there to answer") }
        return Questioner.onErrorOutput.ask(question)
    }

    func sample(_ request: SamplingRequest) async throws(EngineError) -> SamplingAnswer {
        throw EngineError(.refused, "there is no model here")
    }

    func logged(_ message: ServerLog) async {
        Console.err(
            "\(message.level): \(SafeText.oneLine(message.from)): \(SafeText.oneLine(message.text, limit: 2_000))")
    }
}
