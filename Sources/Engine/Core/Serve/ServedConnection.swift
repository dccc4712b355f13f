/// One connection of the facade: frames in, frames out, at most one message at a time.
///
/// It does what the original does (AltairaLabs/Omnia, `internal/facade`), but for its traps: every message ends with a
/// `done` or an `error`, and an error leaves nothing behind.
actor ServedConnection {
    private let server: AgentServer
    private let agent: ServedAgent
    /// Of the session, and of the one that this connection was given.
    private var version: ServedAgent.Version
    private let ownVersion: ServedAgent.Version
    private let socket: ServedWebSocket
    /// What this connection was given.
    private let own: String
    /// Whether the client asked for more than the original tells: `?extra=usage,tool_calls`.
    private let extra: ServedExtra?
    /// The server's address, as the client knows it.
    private let base: String
    private var session: String
    private var turn: Task<Void, Never>?
    /// Frames that may come before it is too many, and when that was counted.
    private var allowance: Double
    private var countedAt: Int
    /// Client tools that wait: by the call's name.
    private var waiting: [String: CheckedContinuation<JSONValue?, Never>] = [:]
    private var acknowledged: Set<String> = []
    private var asking: Task<Void, Never>?
    /// Questions of client tools, by the call's name.
    private var open: [QuestionID: String] = [:]
    /// As the original is after an error.
    private var isJammed = false
    private var hasQuirks: Bool { server.settings.hasQuirks }

    /// - Parameter wanted: the variant that was asked for.
    init(
        _ server: AgentServer, _ agent: ServedAgent, _ socket: ServedWebSocket, wanted: String?, base: String,
        extra: ServedExtra?
    ) {
        self.base = base
        self.extra = extra
        self.server = server
        self.agent = agent
        self.socket = socket
        own = server.newSession()
        ownVersion = agent.version(forNew: SessionID(own), wanted: wanted)
        version = ownVersion
        session = own
        countedAt = server.clock.now().milliseconds
        allowance = Double(server.settings.frameBurst)
    }

    func run(_ first: [UInt8]) async {
        greet()
        await socket.run(first, beat: { [weak self] in await self?.leaveIfDrained() }) { await take($0) }
        // Who leaves in the middle is not answered.
        turn?.cancel()
        for question in open.keys { withdraw(question) }
        await turn?.value
        socket.close()
    }

    private func leaveIfDrained() {
        if server.isDraining, turn == nil { socket.leave(1_001, "server shutdown") }
    }

    // MARK: frames

    private func send(_ type: String, session: String?, _ fields: JSONObject = [:]) {
        var frame: JSONObject = ["type": .string(type)]
        frame["session_id"] = session.map { .string($0) }
        for (name, value) in fields { frame[name] = value }
        frame["timestamp"] = .string(server.clock.now().utcText)
        agent.counters.sent()
        socket.send(.object(frame))
    }

    private func fail(_ code: String, _ message: String, session: String?) {
        send("error", session: session, ["error": ["code": .string(code), "message": .string(message)]])
    }

    private func greet() {
        let capabilities: JSONValue = [
            "binary_frames": false, "max_payload_size": .int(16 << 20), "protocol_version": 1,
        ]
        send("connected", session: session, ["connected": ["capabilities": capabilities]])
    }

    private func take(_ event: WebSocketEvent) async {
        switch event {
        case .ping, .pong, .close: break
        case .binary(let bytes):
            guard isWithinRate() else { return }
            do throws(EngineError) {
                let frame = try FacadeBinary(bytes)
                if frame.kind == 2 {
                    fail("INVALID_MESSAGE", "binary upload not yet implemented", session: nil)
                } else {
                    fail("MEDIA_NOT_ENABLED", "audio not supported", session: session)
                }
            } catch {
                fail("INVALID_MESSAGE", "invalid binary frame: \(error.message)", session: nil)
            }
        case .text(let bytes):
            agent.counters.received()
            guard isWithinRate() else { return }
            guard let frame = try? JSONParser.parse(bytes), case .object = frame else {
                return fail("INVALID_MESSAGE", "invalid message format", session: nil)
            }
            await take(frame)
        }
    }

    private func isWithinRate() -> Bool {
        let now = server.clock.now().milliseconds
        let settings = server.settings
        allowance = min(
            Double(settings.frameBurst), allowance + Double(now - countedAt) / 1_000 * Double(settings.framesPerSecond))
        countedAt = now
        guard allowance >= 1 else {
            fail("RATE_LIMITED", "rate limit exceeded", session: nil)
            return false
        }
        allowance -= 1
        return true
    }

    private func take(_ frame: JSONValue) async {
        let type = frame["type"]?.string
        if hasQuirks, ServedQuirks.isTakenForMessage(type, frame) { return await message(frame) }
        switch type {
        case "tool_call_ack":
            if let call = frame["tool_call_ack"]?["call_id"]?.string, waiting[call] != nil { acknowledged.insert(call) }
        case "tool_call_nack":
            let nack = frame["tool_call_nack"]
            answered(nack?["call_id"]?.string, ["error": .string(nack?["reason"]?.string ?? "refused")])
        case "tool_result":
            let result = frame["tool_result"]
            guard answered(result?["call_id"]?.string, result ?? [:]) else {
                return fail("INVALID_MESSAGE", "no pending tool call", session: session)
            }
        case "upload_request": prepare(frame["upload_request"])
        case "hangup": break
        case "message": await message(frame)
        case let type:
            fail(
                "INVALID_MESSAGE", "there are no frames of the type '\(SafeText.oneLine(type ?? "", limit: 60))'",
                session: session)
        }
    }

    @discardableResult private func answered(_ call: String?, _ result: JSONValue) -> Bool {
        guard let call, let waiter = waiting.removeValue(forKey: call) else { return false }
        waiter.resume(returning: result)
        return true
    }

    private func prepare(_ wanted: JSONValue?) {
        if let words = ServedUploads.objection(wanted) {
            return fail("INVALID_MESSAGE", words, session: session)
        }
        let id = server.newSession().filter { $0 != "-" }
        guard let wanted,
            let ready = server.uploads.prepare(wanted, session: session, id: id, base: base, now: server.clock.now())
        else {
            return fail("UPLOAD_FAILED", "failed to prepare upload: too many files wait already", session: session)
        }
        send("upload_ready", session: session, ["upload_ready": ready])
    }

    // MARK: a message

    private func message(_ frame: JSONValue) async {
        let wanted = frame["session_id"]?.string
        guard turn == nil else {
            return fail("RATE_LIMITED", "too many in-flight requests", session: wanted ?? session)
        }
        guard !server.isFull else {
            return fail("RATE_LIMITED", "too many conversations at once", session: wanted ?? session)
        }
        var text = frame["content"]?.string ?? ""
        // Text may stand in the parts alone; here it is heard there, too.
        if text.isEmpty, !hasQuirks {
            text = AgentServer.text(of: frame["parts"])
        }
        let parts: MessageParts
        do throws(MessageParts.Refusal) {
            parts = try MessageParts(frame["parts"], server.uploads, now: server.clock.now())
        } catch {
            return fail(error.code, error.message, session: wanted ?? session)
        }
        text += parts.more
        guard hasQuirks || !text.isEmpty || !parts.attachments.isEmpty else {
            return fail("INVALID_MESSAGE", "the message holds no text", session: wanted ?? session)
        }
        if let wanted, wanted == own {
            version = ownVersion
        } else if let wanted, wanted != session {
            let log = (try? await server.store.events(of: SessionID(wanted), after: 0)) ?? []
            guard let known = agent.version(of: log) else {
                return fail("SESSION_EXPIRED", "session context has expired; start a new session", session: wanted)
            }
            version = known
        }
        session = wanted ?? session
        if wanted == nil { greet() }
        let id = SessionID(session)
        agent.counters.began()
        turn = Task {
            let began = server.clock.now().milliseconds
            let isWell = await self.answer(text, parts.attachments, id)
            agent.counters.ended(
                isWell ? "success" : "error", seconds: Double(server.clock.now().milliseconds - began) / 1_000)
            if self.hasQuirks { await self.linger(isWell) }
            self.turn = nil
        }
    }

    /// - Returns: whether it ended with `done`.
    private func answer(_ text: String, _ attachments: [Attachment], _ id: SessionID) async -> Bool {
        let name = id.rawValue
        var last = ""
        var extra = extra
        do throws(EngineError) {
            let turn = ServedTurn(server: server, client: version.client, session: id)
            let ending = try await turn.run(
                text, attachments, asks: { take($0, $1, id) }, answered: { withdraw($0) },
                each: { event throws(EngineError) in
                    extra?.apply(event)
                    switch event.body {
                    case .messageDelta(let delta) where delta.channel == .text:
                        send("chunk", session: name, ["content": .string(delta.text)])
                    case .messageCompleted(let message): last = message.text
                    default: break
                    }
                })
            switch ending {
            case .turnFinished(let finished):
                var fields: JSONObject = last.isEmpty ? [:] : ["content": .string(last)]
                fields["extra"] = extra?.json
                send("done", session: name, fields)
                return finished.reason == .completed
            case .turnFailed(let error):
                guard hasQuirks else {
                    fail("INTERNAL_ERROR", "\(error.code): \(error.message)", session: name)
                    return false
                }
                let words = ServedQuirks.words(of: error)
                isJammed = words != nil
                words.map { fail("INTERNAL_ERROR", $0, session: name) }
                return false
            default: return false
            }
        } catch {
            fail(error.code == .busy ? "RATE_LIMITED" : "INTERNAL_ERROR", error.message, session: name)
            return false
        }
    }

    /// The original lets go of a message a moment after its end; after an error, after two minutes.
    private func linger(_ isWell: Bool) async {
        guard isJammed else {
            if isWell { try? await server.clock.sleep(milliseconds: ServedQuirks.release) }
            return
        }
        try? await server.clock.sleep(milliseconds: server.settings.jamMilliseconds)
        isJammed = false
        if !Task.isCancelled { fail("INTERNAL_ERROR", ServedQuirks.secondError, session: session) }
    }

    // MARK: client tools

    /// - Returns: whether it is a client tool's, which is asked of the other side.
    private func take(_ question: Question, _ call: ToolCall?, _ id: SessionID) -> Bool {
        guard question.kind == .answer, let call, waiting[call.id.rawValue] == nil else { return false }
        let before = asking
        open[question.id] = call.id.rawValue
        asking = Task {
            // One at a time.
            await before?.value
            if self.open[question.id] != nil { await self.ask(question, call, id) }
        }
        return true
    }

    /// A screen has answered it, or nobody needs the answer any more.
    private func withdraw(_ question: QuestionID) {
        guard let call = open.removeValue(forKey: question) else { return }
        waiting.removeValue(forKey: call)?.resume(returning: nil)
    }

    /// The other side answers, or the time does.
    private func ask(_ question: Question, _ call: ToolCall, _ id: SessionID) async {
        let name = call.id.rawValue
        var frame: JSONObject = ["id": .string(name), "name": .string(call.tool), "arguments": call.arguments]
        frame["consent_message"] = question.consent.map { .string($0) }
        frame["categories"] = question.categories.map { .array($0.map { .string($0) }) }
        acknowledged.remove(name)
        send("tool_call", session: id.rawValue, ["tool_call": .object(frame)])
        let settings = server.settings
        let watch = Task { [clock = server.clock] in
            try? await clock.sleep(milliseconds: settings.toolAckMilliseconds)
            if !Task.isCancelled, !self.acknowledged.contains(name) {
                self.answered(name, ["error": "client did not acknowledge tool call within timeout"])
                return
            }
            try? await clock.sleep(milliseconds: settings.toolResultMilliseconds)
            if !Task.isCancelled { self.answered(name, ["error": "the client gave no result in time"]) }
        }
        let result = await withCheckedContinuation { waiting[name] = $0 }
        watch.cancel()
        acknowledged.remove(name)
        // Somebody else did.
        guard open.removeValue(forKey: question.id) != nil else { return }
        var reply = QuestionReply(.cancel)
        if let words = result?["error"]?.string, !words.isEmpty {
            reply = QuestionReply(.decline, .string(words))
        } else if let value = result?["result"] {
            reply = QuestionReply(.accept, value)
        }
        try? await version.client.submit(.answerQuestion(id, question.id, reply))
    }
}
