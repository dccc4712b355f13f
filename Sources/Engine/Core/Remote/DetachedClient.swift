import Synchronization

/// An engine in another process, behind `cleo-tui serve`: the same commands, the same events, several screens at once.
///
/// A connection that breaks is made again, and each feed goes on after the last event that came.
package actor DetachedClient: EngineClient, SessionList {
    private struct Followed {
        var session: SessionID
        var after: Int
        var feed: EventFeed
        /// The unfinished message: the engine tells all of it again to who comes back.
        var message: MessageID?
        var isComingBack = false
    }

    /// What the engine says of itself.
    package struct Hello: Sendable {
        package var agent: String
        package var workspace: String
    }

    private let link: RemoteLink
    private let clock: any EngineClock
    private var last = 0
    /// Whether the engine has greeted on this connection.
    private var isUp = false
    private var waiting: [Int: CheckedContinuation<Result<JSONValue, EngineError>, Never>] = [:]
    private var followed: [Int: Followed] = [:]
    /// What of their unfinished messages has come. It is added to in place, so it stands by itself.
    private var streamed: [Int: String] = [:]
    private var greeted: [CheckedContinuation<Result<Hello, EngineError>, Never>] = []
    private var hello: Result<Hello, EngineError>?
    private nonisolated let state = Mutex<(trouble: String?, listener: (@Sendable () -> Void)?)>((nil, nil))

    package init(_ address: RemoteAddress, dialer: any WebSocketDialer, clock: any EngineClock) {
        self.clock = clock
        link = RemoteLink(
            address, dialer: dialer, clock: clock, messageLimit: ScreenProtocol.messageLimit
        ) { message in
            if case .text(let text) = message { text.hasPrefix("{\"hello\"") } else { false }
        }
    }

    /// The URL of a served engine's screens.
    /// - Parameters:
    ///   - server: `http://HOST:PORT` or `https://…`.
    ///   - agent: nil for the first one.
    package static func url(_ server: String, agent: String?) throws(EngineError) -> String {
        guard let address = WebAddress(server), address.scheme == "http" || address.scheme == "https" else {
            throw EngineError(.invalidInput, "'\(server)' is no http or https address", hint: "http://127.0.0.1:8080")
        }
        let query = agent.map { "?agent=\(Encodings.percent($0))" } ?? ""
        return "\(address.scheme == "https" ? "wss" : "ws")://\(address.authority)\(ScreenProtocol.path)\(query)"
    }

    /// Dials, and waits for the engine's word.
    /// - Throws: why there is none, at the first try.
    package func start() async throws(EngineError) -> Hello {
        await link.start { [weak self] news in await self?.take(news) }
        if let hello { return try hello.get() }
        return try await withCheckedContinuation { greeted.append($0) }.get()
    }

    package func stop() async {
        await link.stop()
        lose(EngineError(.cancelled, "the screen is closed"))
        for each in followed.values { each.feed.finish() }
    }

    // MARK: News

    private func take(_ news: RemoteLink.News) async {
        switch news {
        case .message(.text(let text)):
            guard let json = try? JSONParser.parse(text) else { return }
            await take(json)
        case .message: break
        case .lost(let ending):
            let reason = ending.reason.isEmpty ? "" : " (\(SafeText.oneLine(ending.reason, limit: 80)))"
            trouble("the connection to the engine is lost\(reason); what runs there goes on")
            lose(EngineError(.unreachable, "the connection was lost; whether it was done is not known"))
        case .failed(let error, let next):
            // A key that is not there any more says no more than that the engine is not.
            let why = [.unreachable, .timedOut].contains(error.code) ? ": \(error.message)" : ""
            trouble("no engine; again in \(DurationText.text(next))\(why)")
            lose(error)
            greet(.failure(error))
        case .refused(let error):
            trouble(error.message)
            lose(error)
            greet(.failure(error))
        }
    }

    private func take(_ json: JSONValue) async {
        if let words = json["hello"] {
            guard words["protocol"]?.int == ScreenProtocol.version else {
                let program = SafeText.oneLine(words["program"]?.string ?? "?", limit: 40)
                return greet(
                    .failure(
                        EngineError(.protocolViolation, "the engine is cleo-tui \(program), which speaks otherwise")))
            }
            let hello = Hello(
                agent: words["agent"]?.string ?? "", workspace: words["workspace"]?.string ?? "")
            isUp = true
            trouble(nil)
            greet(.success(hello))
            for (id, each) in followed { await ask(id, each) }
            return
        }
        guard let id = json["id"]?.int else { return }
        if let events = json["events"]?.array { return post(events.compactMap { EngineEvent(json: $0) }, id) }
        let answer = waiting.removeValue(forKey: id)
        if trouble == Self.silent { trouble(nil) }
        if let error = json["error"] {
            let error = ScreenProtocol.error(error)
            followed.removeValue(forKey: id)?.feed.finish()
            answer?.resume(returning: .failure(error))
        } else {
            answer?.resume(returning: .success(json))
        }
    }

    private func greet(_ result: Result<Hello, EngineError>) {
        hello = result
        for each in greeted { each.resume(returning: result) }
        greeted = []
    }

    private func lose(_ error: EngineError) {
        for each in waiting.values { each.resume(returning: .failure(error)) }
        waiting = [:]
    }

    private func post(_ events: [EngineEvent], _ id: Int) {
        guard var each = followed[id] else { return }
        let news = events.compactMap { event -> EngineEvent? in
            var event = event
            // What was told before the connection was made anew is not told twice.
            guard !event.body.isDurable || event.sequence > each.after || each.after == 0 else { return nil }
            each.after = max(each.after, event.sequence)
            switch event.body {
            case .messageDelta(var delta) where delta.channel == .text:
                if each.message != delta.message { streamed[id] = nil }
                each.message = delta.message
                // By scalars: the connection may have broken within what is one character.
                if each.isComingBack, let before = streamed[id]?.unicodeScalars,
                    delta.text.unicodeScalars.starts(with: before)
                {
                    delta.text.unicodeScalars.removeFirst(before.count)
                }
                each.isComingBack = false
                streamed[id, default: ""] += delta.text
                guard !delta.text.isEmpty else { return nil }
                event.body = .messageDelta(delta)
            case .messageCompleted: streamed[id] = nil
            default: break
            }
            return event
        }
        each.feed.post(news)
        if each.feed.isFinished {
            followed[id] = nil
            streamed[id] = nil
            Task { _ = try? await request(["leave": .int(id)]) }
        } else {
            followed[id] = each
        }
    }

    // MARK: Requests

    private func request(_ fields: JSONObject) async throws(EngineError) -> JSONValue {
        let id = next()
        var fields = fields
        fields["id"] = .int(id)
        return try await withCheckedContinuation { continuation in
            waiting[id] = continuation
            watch(id)
            Task { [fields] in
                if await !link.send(.object(fields)) {
                    waiting.removeValue(forKey: id)?.resume(
                        returning: .failure(EngineError(.unreachable, "there is no connection to the engine")))
                }
            }
        }.get()
    }

    /// Whether the engine knows the session.
    package func knows(_ session: SessionID) async throws(EngineError) -> Bool {
        try await request(["known": .string(session.rawValue)])["known"]?.bool == true
    }

    private static let silent = "the engine does not answer"
    private static let patience = 5_000

    /// Says so when nothing comes back for a while.
    private func watch(_ id: Int) {
        Task { [clock] in
            try? await clock.sleep(milliseconds: Self.patience)
            if waiting[id] != nil, isUp { trouble(Self.silent) }
        }
    }

    private func next() -> Int {
        last += 1
        return last
    }

    private func ask(_ id: Int, _ each: Followed) async {
        _ = await link.send(["id": .int(id), "follow": .string(each.session.rawValue), "after": .int(each.after)])
    }

    package func submit(_ command: EngineCommand) async throws(EngineError) {
        _ = try await request(["do": JSONValue(encoding: command)])
    }

    package func feed(of session: SessionID, after sequence: Int) async throws(EngineError) -> EventFeed {
        let id = next()
        let each = Followed(session: session, after: sequence, feed: EventFeed())
        followed[id] = each
        if isUp { await ask(id, each) }
        return each.feed
    }

    package func sessions(_ filter: SessionFilter) async throws(EngineError) -> [SessionSummary] {
        let answer = try await request(["sessions": .int(filter.limit)])
        return (try? answer["sessions"]?.decoded()) ?? []
    }

    // MARK: Trouble

    private func trouble(_ words: String?) {
        if words != nil, words != Self.silent {
            isUp = false
            for id in followed.keys { followed[id]?.isComingBack = true }
        }
        state.withLock { state -> (@Sendable () -> Void)? in
            state.trouble = words
            return state.listener
        }?()
    }

    package nonisolated var trouble: String? { state.withLock { $0.trouble } }

    package nonisolated func watchTrouble(_ listener: @escaping @Sendable () -> Void) {
        state.withLock { $0.listener = listener }
    }
}
