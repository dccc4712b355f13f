/// An engine in this process.
package actor LocalClient: EngineClient {
    package nonisolated let source: AgentSource
    private let tools: ToolBox
    private let store: any SessionStore
    private let clock: any EngineClock
    private let ids: any IdentifierSource
    private let redactor: Redactor
    /// Keeps the values that a person gave.
    private let remember: @Sendable ([String: JSONValue]) -> Void
    /// Makes the provider that a person names, with the parameters of its file.
    private let chooseProvider: ChooseProvider
    private var sessions: [SessionID: Task<Result<SessionRuntime, EngineError>, Never>] = [:]

    package typealias ChooseProvider =
        @Sendable (String) throws(EngineError) -> (provider: any Provider, parameters: ModelParameters)

    package init(
        agent: Agent, tools: ToolBox, store: any SessionStore, clock: any EngineClock, ids: any IdentifierSource,
        redactor: Redactor = Redactor([]), remember: @escaping @Sendable ([String: JSONValue]) -> Void = { _ in },
        chooseProvider: @escaping ChooseProvider = { _ throws(EngineError) in
            throw EngineError(.refused, "the model cannot be changed here")
        }
    ) {
        source = AgentSource(agent)
        self.remember = remember
        self.chooseProvider = chooseProvider
        self.tools = tools
        self.store = store
        self.clock = clock
        self.ids = ids
        self.redactor = redactor
    }

    package func submit(_ command: EngineCommand) async throws(EngineError) {
        switch command {
        case .send(let id, let text, let attachments): try await session(id).send(text, attachments)
        case .cancelTurn(let id): try await session(id).cancel()
        case .answerApproval(let id, let call, let decision): try await session(id).answer(call, decision)
        case .answerQuestion(let id, let question, let reply): try await session(id).answer(question, reply)
        case .rename(let id, let title): try await session(id).rename(title)
        case .callTool(let id, let tool, let arguments): try await session(id).callTool(tool, arguments)
        case .moveWorkflow(let id, let event): try await session(id).moveByHand(event)
        case .evaluate(let id): try await session(id).evaluateByHand()
        case .usePrompt(let id, let handler, let name, let arguments):
            try await session(id).fetch(name, from: handler) { (connection, host) async throws(EngineError) in
                ServerContent(name: name, text: try await connection.prompt(name, arguments, host: host))
            }
        case .readResource(let id, let handler, let uri):
            try await session(id).fetch(uri, from: handler) { (connection, host) async throws(EngineError) in
                MCPContent.content(of: uri, try await connection.read(uri, host: host))
            }
        case .completeArgument(let id, let handler, let prompt, let argument, let value, let chosen):
            try await session(id).suggest(handler, prompt, argument, value, chosen)
        case .signIn(let id, let handler): try await session(id).signIn(to: handler)
        case .mockTool(_, let tool, let answer):
            try await tools.mock(tool, answer)
            let words = answer.map { "\(tool) answers \($0.text) from now on" } ?? "\(tool) answers for itself again"
            await change([Self.note(words)]) { _ in }
        case .chooseModel(_, let name): try await choose(name)
        case .setParameter(_, let name, let value):
            var overrides = source.current.agent.overrides
            try overrides.set(name, value)
            let set = overrides
            let words = value.isNull ? "\(name) is what the files say" : "\(name) is \(value.text)"
            await change([Self.note("\(words), from the next turn on")]) { $0.overrides = set }
        case .setVariables(_, let values):
            remember(values)
            await change([]) { agent in
                for (name, value) in values { agent.variables[name] = value.isNull ? nil : value }
            }
        }
    }

    private static func note(_ text: String) -> Diagnostic { Diagnostic(.note, text, file: "") }

    private func choose(_ name: String) async throws(EngineError) {
        let (provider, parameters) = try chooseProvider(name)
        await change([Self.note("\(provider.model) (\(provider.name)) answers, from the next turn on")]) { agent in
            agent.provider = provider
            agent.parameters = parameters
        }
    }

    /// Changes the agent of every session, from the next turn on.
    /// - Parameter lines: what the sessions say about it.
    package func change(_ lines: [Diagnostic], _ change: @escaping @Sendable (inout Agent) -> Void) async {
        source.change(change)
        for opening in sessions.values {
            if case .success(let session) = await opening.value { await session.agentChanged(lines) }
        }
    }

    package func feed(of id: SessionID, after sequence: Int) async throws(EngineError) -> EventFeed {
        try await session(id).feed(after: sequence)
    }

    /// The session, opened once.
    private func session(_ id: SessionID) async throws(EngineError) -> SessionRuntime {
        let opening =
            sessions[id]
            ?? Task {
                let session = SessionRuntime(
                    id: id, source: source, tools: tools, store: store, clock: clock, ids: ids, redactor: redactor)
                do throws(EngineError) {
                    try await session.open()
                    return .success(session)
                } catch {
                    return .failure(error)
                }
            }
        sessions[id] = opening
        let result = await opening.value
        if case .failure = result { sessions[id] = nil }
        return try result.get()
    }

    /// Stops every turn and every server, and writes everything down.
    package func close() async {
        for opening in sessions.values {
            if case .success(let session) = await opening.value { await session.close() }
        }
        await tools.stop()
        await store.flush()
    }
}
