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
    private var sessions: [SessionID: Open] = [:]
    /// More open sessions than this are too many.
    private var ceiling = keptSessions
    private static let keptSessions = 64

    private struct Open {
        var session: Task<Result<SessionRuntime, EngineError>, Never>
        /// Who is in it now, and how often somebody was.
        var users = 0
        var uses = 0
    }

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
        default:
            let session = try await enter(command.session)
            defer { leave(command.session) }
            try await session.take(command)
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
        for id in Array(sessions.keys) {
            guard let session = try? await enter(id) else { continue }
            await session.agentChanged(lines)
            leave(id)
        }
    }

    package func feed(of id: SessionID, after sequence: Int) async throws(EngineError) -> EventFeed {
        let session = try await enter(id)
        defer { leave(id) }
        return try await session.feed(after: sequence)
    }

    // MARK: Open sessions

    /// The session, opened once; `leave` has to follow.
    private func enter(_ id: SessionID) async throws(EngineError) -> SessionRuntime {
        if sessions.count > ceiling {
            ceiling = .max
            Task { await forgetIdle() }
        }
        var open =
            sessions[id]
            ?? Open(
                session: Task {
                    let session = SessionRuntime(
                        id: id, source: source, tools: tools, store: store, clock: clock, ids: ids, redactor: redactor)
                    do throws(EngineError) {
                        try await session.open()
                        return .success(session)
                    } catch {
                        return .failure(error)
                    }
                })
        open.users += 1
        open.uses += 1
        sessions[id] = open
        let result = await open.session.value
        if case .failure = result, sessions[id]?.session == open.session { sessions[id] = nil }
        return try result.get()
    }

    private func leave(_ id: SessionID) { sessions[id]?.users -= 1 }

    /// Lets go of sessions in which nothing runs and at which nobody looks: all that they know is in the log.
    private func forgetIdle() async {
        var idle: [(id: SessionID, uses: Int)] = []
        for (id, open) in sessions where open.users == 0 {
            guard case .success(let session) = await open.session.value, await session.isIdle else { continue }
            idle.append((id, open.uses))
        }
        await store.flush()
        // Nobody may have come back meanwhile; nor may somebody from here on, so nothing waits any more.
        let gone = idle.filter { sessions[$0.id]?.uses == $0.uses && store.release($0.id) }.map(\.id)
        for id in gone { sessions[id] = nil }
        ceiling = sessions.count + max(Self.keptSessions, sessions.count / 4)
        for id in gone where sessions[id] == nil { await tools.unlisten(id) }
    }

    package var isRunning: Bool {
        get async {
            for open in sessions.values {
                if case .success(let session) = await open.session.value, await session.running != nil { return true }
            }
            return false
        }
    }

    /// Stops every turn and every server, and writes everything down.
    package func close() async {
        await closeSessions()
        await tools.stop()
    }

    /// The same where others use the servers, too.
    package func closeSessions() async {
        for open in sessions.values {
            if case .success(let session) = await open.session.value { await session.close() }
        }
        await store.flush()
    }
}
