/// An agent in a cluster behind the screen: commands become frames of the facade, frames become events.
///
/// What the facade is known to do otherwise than its documents say (AltairaLabs/Omnia, `internal/facade`):
/// 1. A message without `session_id` begins a new session, so every one names it.
/// 2. `done` holds the last segment only; what was streamed is what was said.
/// 3. A message right after `done` may be refused for a moment; it is sent again.
/// 4. After an `error` the connection may be jammed for two minutes; another one is made.
/// 5. A turn may end without a word; its silence is watched.
package actor RemoteClient: EngineClient {
    /// How long things are waited for, in milliseconds.
    package struct Patience: Sendable {
        package var silenceNotice = 30_000
        package var silenceEnd = 130_000
        /// The facade waits 60 s for a client tool.
        package var clientTool = 57_000
        package var busyRetry = 100
        package var busyRetries = 4

        package init() {}
    }

    struct OpenTurn {
        var id: TurnID
        var text: String
        var attachments: [Attachment]
        var message: MessageID
        var span: TraceSpan
        var chat: TraceSpan
        /// Everything that was streamed, and whether some of it came since the last tool.
        var streamed = ""
        var hasSegment = false
        var wasSent = false
        var hasBegun = false
        var busyRetries = 0
        var isSecondConnection = false
        var heardAt = 0
        var saidSilence = false
        var saidTooLong = false
        /// The message was sent for a session that the server has just given.
        var isSecondSession = false
        var tap: WireTap?
    }

    let journal: EventJournal
    let link: RemoteLink
    let address: RemoteAddress
    let clock: any EngineClock
    let ids: any IdentifierSource
    let redactor: Redactor
    let patience: Patience
    /// Programs that answer client tools, by the tool's name.
    let clientTools: [String: any ToolHandler]
    /// Keeps a file that the agent sent, and says where.
    let save: @Sendable (String, [UInt8]) throws(EngineError) -> String
    let uploader: (any RemoteUploader)?
    let archive: RemoteArchive?

    /// The session that messages name; nil before the first greeting.
    var remote: String?
    /// What the connection itself was given.
    var own: String?
    var isUp = false
    /// Whether the remote session holds anything.
    var hasHistory: Bool
    var turn: OpenTurn?
    var queue: [(text: String, attachments: [Attachment])] = []
    var questions: [QuestionID: CheckedContinuation<QuestionReply, Never>] = [:]
    /// Calls of the agent that wait for an answer from here.
    var calls: [String: (call: ToolCall, began: Int, task: Task<Void, Never>)] = [:]
    var media: [String: [UInt8]] = [:]
    var mediaBytes = 0
    var droppedMedia: Set<String> = []
    var saidMediaLimit = false
    /// Who waits for a place in the server's storage.
    var upload: CheckedContinuation<Result<FacadeUpload, EngineError>, Never>?
    var watching: Task<Void, Never>?
    /// The transcript as it is known here, for a new session that is to know it.
    var said: [(role: String, text: String)] = []
    private var failedTries = 0
    /// Turns that have ended, for what is learned of them later.
    var turns: [(id: TurnID, began: Timestamp, span: SpanID)] = []
    /// Calls of the server's own tools that have not ended, by their `callId`.
    var remoteCalls: [String: [ToolCall]] = [:]
    /// Client tools that the facade asked for, by identifier and name: the session API tells of them, too.
    var askedHere: Set<[String]> = []
    /// Only looked at: nothing is sent.
    var isReadOnly = false
    /// The turn that is being read from the archive.
    var learnedTurn: TraceSpan?
    /// What was said last of who serves.
    var learned = ""

    /// - Parameters:
    ///   - session: the local name of the conversation.
    ///   - resume: a session of the server to go on with.
    package init(
        session: SessionID, address: RemoteAddress, resume: String? = nil, dialer: any WebSocketDialer,
        store: any SessionStore, clock: any EngineClock, ids: any IdentifierSource, redactor: Redactor,
        patience: Patience = Patience(), clientTools: [String: any ToolHandler] = [:],
        uploader: (any RemoteUploader)? = nil, archive: RemoteArchive? = nil,
        save: @escaping @Sendable (String, [UInt8]) throws(EngineError) -> String
    ) {
        journal = EventJournal(session, store: store, clock: clock, redactor: redactor)
        link = RemoteLink(address, dialer: dialer, clock: clock, isGreeting: Self.isGreeting)
        self.address = address
        remote = resume
        hasHistory = resume != nil
        self.clock = clock
        self.ids = ids
        self.redactor = redactor
        self.patience = patience
        self.clientTools = clientTools
        self.uploader = uploader
        self.archive = archive
        self.save = save
    }

    /// Begins to connect.
    package func start(_ opened: SessionOpened) async {
        journal.emit(.sessionOpened(opened))
        handler(.starting, "connecting")
        if archive == nil {
            note(
                .note,
                "tokens, cost and the server's own tools are not in this protocol; name 'session_api' to see them")
        }
        await archive?.start { [weak self] fact in await self?.learn(fact) }
        await link.start { [weak self] news in await self?.take(news) }
    }

    package func close() async {
        watching?.cancel()
        for call in calls.values { call.task.cancel() }
        await link.stop()
        if turn != nil { endTurn(.interrupted) }
        await archive?.stop()
        journal.close()
    }

    // MARK: what the person does

    package func feed(of session: SessionID, after sequence: Int) async throws(EngineError) -> EventFeed {
        guard session == journal.session else {
            throw EngineError(
                .refused, "this screen is attached to one session", hint: "leave, and attach again for a new one")
        }
        return try await journal.feed(after: sequence)
    }

    package func submit(_ command: EngineCommand) async throws(EngineError) {
        switch command {
        case .send where isReadOnly:
            throw EngineError(
                .refused, "this session is only looked at", hint: "attach with --session ID --continue to talk in it")
        case .send(_, let text, let attachments):
            guard turn == nil, isUp else {
                queue.append((text, attachments))
                let why = turn != nil ? "the answer before it" : "the connection"
                return note(
                    .note, "kept until \(why) is there (\(queue.count) waiting): \(SafeText.oneLine(text, limit: 80))")
            }
            await begin(text, attachments)
        case .cancelTurn:
            guard turn != nil else { return }
            // There is no frame for it: who leaves is not answered.
            endTurn(.cancelled)
            isUp = false
            await link.reconnect()
        case .answerQuestion(_, let id, let reply):
            questions.removeValue(forKey: id)?.resume(returning: reply)
        case .rename(_, let title): journal.emit(.sessionRenamed(SessionRenamed(title: title)))
        default:
            throw EngineError(
                .refused, "this happens in the cluster, and cannot be changed from here",
                hint: "pull the session and run it locally, where everything can")
        }
    }

    // MARK: what the link says

    func take(_ news: RemoteLink.News) async {
        switch news {
        case .message(let message): await take(message)
        case .lost(let ending): lost(ending)
        case .failed(let error, let next):
            handler(.failed, "\(error.message); again in \(DurationText.text(next))")
            failedTries += 1
            if failedTries == 1 {
                note(.warning, "\(error.message); tried again until it works, and what you write is kept")
            }
        case .refused(let error):
            note(.error, "\(error.message): it is not tried again by itself", hint: error.hint ?? refusalHint(error))
            handler(.failed, error.message)
        }
    }

    private func take(_ message: WebSocketMessage) async {
        func garbage(_ text: String) {
            note(.warning, "the server sent something that is no frame: \(SafeText.oneLine(text, limit: 200))")
        }
        let event: FacadeEvent
        turn?.heardAt = clock.now().milliseconds
        switch message {
        case .text(let text):
            wire(text)
            guard let read = FacadeEvent(text: text) else { return garbage(text) }
            event = read
            if case .connected = event.body, let session = event.session { await up(session) }
        case .binary(let bytes):
            do throws(EngineError) { event = try FacadeEvent(binary: bytes) } catch { return garbage(error.message) }
            wire("<\(bytes.count) bytes>")
        }
        await take(event)
    }

    /// A facade's first frame.
    static func isGreeting(_ message: WebSocketMessage) -> Bool {
        guard case .text(let text) = message, case .connected? = FacadeEvent(text: text)?.body else { return false }
        return true
    }

    private func refusalHint(_ error: EngineError) -> String {
        switch error.status {
        case 401: "is the token right? It goes as 'Authorization: Bearer …'"
        case 403: "the server does not let this address or origin in"
        case 400: "the address needs '?agent=NAME&namespace=NS'"
        default: "see 'cleo-tui doctor --context NAME'"
        }
    }

    private func up(_ session: String) async {
        let isNew = own != session
        own = session
        if remote == nil { remote = session }
        guard isNew || !isUp else { return }
        isUp = true
        if failedTries > 0 { note(.note, "the connection is there again") }
        failedTries = 0
        handler(.ready, "session \(remote ?? session)")
        if turn != nil, turn?.wasSent == false { return await transmit() }
        await next()
    }

    private func lost(_ ending: WebSocketEnding) {
        isUp = false
        let why =
            ending.code == 1_001
            ? "the server shuts down" : ending.reason.isEmpty ? "code \(ending.code)" : ending.reason
        handler(.failed, "the connection is lost: \(why)")
        dropCalls("the connection was lost")
        uploadRefused(EngineError(.unreachable, "the connection was lost"))
        guard let open = turn, open.wasSent else { return }
        failTurn(
            "connection_lost",
            "the connection was lost in the middle of the answer (\(why)): what came after is lost here",
            hint: archive == nil
                ? "Alt-r says it again; the server's session may have the answer"
                : "the archive may have it in a moment")
    }

    // MARK: words

    func note(_ severity: Diagnostic.Severity, _ text: String, hint: String? = nil) {
        journal.emit(.diagnostic(Diagnostic(severity, text, file: "", hint: hint)), turn?.id)
    }

    /// The connection as the Tools pane shows it.
    func handler(_ phase: HandlerState.Phase, _ detail: String) {
        journal.emit(.handlerChanged(HandlerState(handler: address.name, kind: "facade", phase: phase, detail: detail)))
    }
}

/// Brings files to a facade's storage.
package protocol RemoteUploader: Sendable {
    /// - Parameters:
    ///   - url: where the server wants it; its host may be one that only the server knows.
    ///   - progress: from zero to one.
    func put(
        _ bytes: [UInt8], mediaType: String, to url: String, progress: @Sendable (Double) async -> Void
    ) async throws(EngineError)
}
