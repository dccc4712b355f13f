/// Owns one session: its place in the log, those who look on, and at most one running turn.
///
/// Invariants:
/// 1. `emit` numbers, queues for the disk, folds and publishes a fact in one step without a suspension, so facts
///    cannot swap places and none is seen before it is in the write queue.
/// 2. What a model is sent is `conversation`, a fold over the same events that are on the disk.
/// 3. Nothing is written for a session in which nothing was said.
package actor SessionRuntime {
    package nonisolated let id: SessionID
    private(set) var agent: Agent
    private let source: AgentSource
    private var agentVersion: Int
    nonisolated let tools: ToolBox
    nonisolated let clock: any EngineClock
    nonisolated let ids: any IdentifierSource
    let store: any SessionStore
    private let redactor: Redactor

    private(set) var conversation = Conversation()
    private(set) var log = CheckLog()
    private var handlers = ToolTable()
    private(set) var costs = CostLedger()
    /// What was said once and need not be said again.
    var said: Set<String> = []
    private var sequence = 0
    private var feeds: [EventFeed] = []
    /// Durable events of a session in which nothing was said yet.
    private var held: [EngineEvent]? = []
    private(set) var running: Task<Void, Never>?
    /// Calls that the person made.
    private var byHand: [CallID: Task<Void, Never>] = [:]
    var partial: PartialAnswer?
    /// Pauses between two tries, while they last, by the span of the question.
    var pauses: [SpanID: TraceSpan] = [:]
    /// What the wire said about itself during the running call.
    var notes = JSONObject()
    var approvals = Approvals()
    /// Questions of tools that wait for the person.
    var questions: [QuestionID: CheckedContinuation<QuestionReply, Never>] = [:]
    var asked: [QuestionID: Question] = [:]
    /// What a server is asked about the field that the person writes in.
    var suggesting: Task<Void, Never>?
    /// Prompts whose missing tools were named.
    var reportedPrompts: Set<String> = []
    /// The span of the running turn.
    var turnSpan: SpanID?
    /// Where the workflow goes when the round is over.
    var pendingMove: PendingMove?
    /// The system prompt before the files changed.
    private var promptBefore: String?
    private var checkpointing: Task<Void, Never>?
    /// Another process writes this session; it is followed here.
    package private(set) var isReadOnly = false
    private var following: Task<Void, Never>?

    package init(
        id: SessionID, source: AgentSource, tools: ToolBox, store: any SessionStore, clock: any EngineClock,
        ids: any IdentifierSource, redactor: Redactor
    ) {
        self.id = id
        self.source = source
        (agent, agentVersion) = source.current
        self.tools = tools
        self.store = store
        self.clock = clock
        self.ids = ids
        self.redactor = redactor
    }

    /// Reads the log, ends a turn that a crash left open, and begins to listen to the tool servers.
    package func open() async throws(EngineError) {
        isReadOnly = await !store.claim(id)
        let events = try await store.events(of: id, after: 0)
        for event in events {
            fold(event)
        }
        sequence = events.last?.sequence ?? 0
        if !events.isEmpty { held = nil }
        if isReadOnly { follow() } else { await take() }
    }

    /// This process writes the session from now on.
    private func take() async {
        if let turn = conversation.openTurn { await recover(turn) }
        if conversation.opened != agent.opened { emit(.sessionOpened(agent.opened), nil) }
        await tools.listen(id) { [weak self] state in await self?.handlerChanged(state) }
    }

    /// Publishes what the other process writes, and takes the session when that has left.
    private func follow() {
        following = Task {
            while isReadOnly, !Task.isCancelled {
                try? await clock.sleep(milliseconds: Self.followMilliseconds)
                let isFree = await store.claim(id)
                for event in (try? await store.events(of: id, after: sequence)) ?? [] {
                    sequence = event.sequence
                    fold(event)
                    for feed in feeds { feed.post([event]) }
                }
                guard isFree else { continue }
                isReadOnly = false
                await take()
            }
        }
    }

    private static let followMilliseconds = 300

    private func recover(_ turn: TurnID) async {
        if let checkpoint = try? await store.checkpoint(of: id), checkpoint.turn == turn {
            let reasoning = checkpoint.reasoning.isEmpty ? nil : checkpoint.reasoning
            let message = Message(
                id: checkpoint.message, role: .assistant, text: checkpoint.text, reasoning: reasoning,
                interrupted: true)
            emit(.messageCompleted(message), turn)
            store.checkpoint(id, nil)
        }
        emit(.turnFinished(TurnFinished(reason: .interrupted)), turn)
    }

    private func handlerChanged(_ state: HandlerState) {
        // What the log says already is only published.
        emit(
            .handlerChanged(state), nil,
            isDurable: state.phase != .starting && handlers.state(of: state.handler) != state)
    }

    private func fold(_ event: EngineEvent) {
        conversation.apply(event)
        handlers.apply(event)
        log.apply(event)
        costs.apply(event)
    }

    // MARK: The agent

    /// Takes the agent as the files make it now.
    func takeAgent() {
        let (agent, version) = source.current
        guard version != agentVersion else { return }
        let before = try? system(stage).text
        let oldProvider = self.agent.provider
        self.agent = agent
        agentVersion = version
        reportedPrompts = []
        sayWhatStaysBehind(before: oldProvider)
        if let before, (try? system(stage).text) != before { promptBefore = before }
        if conversation.opened != agent.opened { emit(.sessionOpened(agent.opened), nil) }
        publishPack()
    }

    /// The files, or the values, changed: what they are now is shown, and acts from the next turn on.
    package func agentChanged(_ lines: [Diagnostic]) {
        guard !isReadOnly else { return }
        for line in lines { emit(.diagnostic(line), nil, isDurable: false) }
        if running == nil { takeAgent() } else { publishPack() }
    }

    func publishPack() { emit(.packChanged(packState(before: promptBefore)), nil) }

    // MARK: Facts

    func emit(_ body: TurnEvent, _ turn: TurnID?, isDurable: Bool? = nil) {
        let isDurable = (isDurable ?? body.isDurable) && !isReadOnly
        if isDurable { sequence += 1 }
        let event = EngineEvent(
            sequence: sequence, at: clock.now(), session: id, turn: turn, body: redactor.clean(body))
        if isDurable { write(event) }
        fold(event)
        for feed in feeds { feed.post([event]) }
        feeds.removeAll { $0.isFinished }
    }

    private func write(_ event: EngineEvent) {
        guard var waiting = held else { return store.append(event) }
        waiting.append(event)
        held = waiting
        switch event.body {
        case .turnStarted, .toolCallStarted, .sessionRenamed, .workflowMoved:
            for event in waiting { store.append(event) }
            held = nil
        default: break
        }
    }

    /// What the log holds after `sequence`, then what happens: no gap, no repeat.
    package func feed(after: Int) async throws(EngineError) -> EventFeed {
        // Written events come from the store, and what happens meanwhile waits behind them in `later`.
        let now = sequence
        let unwritten = held ?? []
        let streaming = partial.map { partial in
            let delta = MessageDelta(message: partial.message, channel: .text, text: partial.text)
            return event(.messageDelta(delta), now, turn: partial.turn)
        }
        // The phases of the servers are not in the log.
        let states = handlers.handlers.map { event(.handlerChanged($0), now) }
        let pack = event(.packChanged(packState(before: promptBefore)), now)
        let notes = isReadOnly ? [event(.diagnostic(Self.readOnlyNote), now)] : []
        let later = EventFeed()
        feeds.append(later)
        defer { later.finish() }
        let written = try await store.events(of: id, after: after).filter { $0.sequence <= now }
        let feed = EventFeed()
        let known = max(after, written.last?.sequence ?? 0)
        feed.post(
            written + unwritten.filter { $0.sequence > known } + states + [pack] + notes
                + (streaming.map { [$0] } ?? []))
        feed.post(later.take())
        feeds.append(feed)
        return feed
    }

    /// An event for one reader, which is not part of the log.
    private func event(_ body: TurnEvent, _ sequence: Int, turn: TurnID? = nil) -> EngineEvent {
        EngineEvent(sequence: sequence, at: clock.now(), session: id, turn: turn, body: body)
    }

    private static let readOnlyNote = Diagnostic(
        .note, "another cleo-tui has this session open: it is followed here, and can be written when that one closes",
        file: "")

    // MARK: Commands

    /// Does what is asked of this session.
    func take(_ command: EngineCommand) async throws(EngineError) {
        switch command {
        case .send(_, let text, let attachments): try send(text, attachments)
        case .cancelTurn: cancel()
        case .answerApproval(_, let call, let decision): answer(call, decision)
        case .answerQuestion(_, let question, let reply): try answer(question, reply)
        case .rename(_, let title): try rename(title)
        case .callTool(_, let tool, let arguments): try callTool(tool, arguments)
        case .moveWorkflow(_, let event): try moveByHand(event)
        case .evaluate: try evaluateByHand()
        case .usePrompt(_, let handler, let name, let arguments):
            try await fetch(name, from: handler) { (connection, host) async throws(EngineError) in
                ServerContent(name: name, text: try await connection.prompt(name, arguments, host: host))
            }
        case .readResource(_, let handler, let uri):
            try await fetch(uri, from: handler) { (connection, host) async throws(EngineError) in
                MCPContent.content(of: uri, try await connection.read(uri, host: host))
            }
        case .completeArgument(_, let handler, let prompt, let argument, let value, let chosen):
            try await suggest(handler, prompt, argument, value, chosen)
        case .signIn(_, let handler): try await signIn(to: handler)
        // They change the agent, not the session.
        case .mockTool, .chooseModel, .setParameter, .setVariables: break
        }
    }

    /// Whether nothing runs and nobody looks.
    var isIdle: Bool {
        feeds.removeAll { $0.isFinished }
        return feeds.isEmpty && running == nil && byHand.isEmpty && approvals.granted.isEmpty
            && !isReadOnly
    }

    /// - Throws: `busy` while a turn runs, or when another process has the session.
    package func send(_ text: String, _ attachments: [Attachment] = []) throws(EngineError) {
        try checkWritable()
        guard running == nil else {
            throw EngineError(.busy, "a turn is running", hint: "stop it first, or wait for its end")
        }
        pendingMove = nil
        let turn = TurnID(ids.next("turn"))
        running = Task {
            await self.runTurn(turn, text, attachments)
            self.running = nil
        }
    }

    /// Stops the turn, and the tools that the person called.
    package func cancel() {
        running?.cancel()
        for task in byHand.values { task.cancel() }
    }

    /// Runs a tool for the person; the model never hears of it.
    package func callTool(_ tool: String, _ arguments: JSONValue) throws(EngineError) {
        try checkWritable()
        let call = ToolCall(id: CallID(ids.next("call")), tool: tool, arguments: arguments)
        byHand(call.id) { _ = await self.perform(call, self.stage, turn: nil, parent: nil, asked: true) }
    }

    /// Runs what the person asked for beside the conversation; it can be stopped.
    func byHand(_ id: CallID, _ work: @escaping @Sendable () async -> Void) {
        byHand[id] = Task {
            await work()
            self.byHand[id] = nil
        }
    }

    package func rename(_ title: String) throws(EngineError) {
        try checkWritable()
        emit(.sessionRenamed(SessionRenamed(title: title)), nil)
    }

    func checkWritable() throws(EngineError) {
        guard isReadOnly else { return }
        throw EngineError(
            .busy, "another cleo-tui has this session open; it can only be read here",
            hint: "begin a new session, or close the other program")
    }

    /// Stops the turn and writes everything down.
    package func close() async {
        following?.cancel()
        cancel()
        await running?.value
        for task in byHand.values { await task.value }
        for feed in feeds { feed.finish() }
        await store.flush()
    }

    // MARK: The unfinished message

    /// Keeps the unfinished message within 200 ms.
    func scheduleCheckpoint() {
        guard checkpointing == nil else { return }
        checkpointing = Task {
            try? await clock.sleep(milliseconds: 200)
            self.checkpointing = nil
            guard let partial = self.partial else { return }
            self.store.checkpoint(
                self.id,
                Checkpoint(
                    turn: partial.turn, message: partial.message, text: self.redactor.clean(partial.text),
                    reasoning: self.redactor.clean(partial.reasoning)))
        }
    }

    func dropCheckpoint() {
        partial = nil
        store.checkpoint(id, nil)
    }
}
