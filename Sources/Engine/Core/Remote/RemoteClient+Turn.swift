extension RemoteClient {
    /// The next message that waits.
    func next() async {
        guard turn == nil, isUp, !queue.isEmpty else { return }
        let first = queue.removeFirst()
        await begin(first.text, first.attachments)
    }

    func begin(_ text: String, _ attachments: [Attachment]) async {
        let id = TurnID(ids.next("turn"))
        let span = TraceSpan(
            id: SpanID(ids.next("span")), parent: nil, name: "turn", category: .turn, started: clock.now(),
            attributes: ["cleo.source": "client", "session.id": .string(remote ?? "")])
        let chat = TraceSpan(
            id: SpanID(ids.next("span")), parent: span.id, name: "facade", category: .model, started: clock.now(),
            attributes: ["cleo.source": "client"])
        turn = OpenTurn(
            id: id, text: text, attachments: attachments, message: MessageID(ids.next("m")), span: span, chat: chat)
        journal.emit(
            .turnStarted(TurnStarted(message: MessageID(ids.next("m")), text: text, attachments: attachments)), id)
        turns = turns.suffix(200) + [(id, span.started, span.id)]
        journal.emit(.spanOpened(span), id)
        journal.emit(.spanOpened(chat), id)
        said.append(("user", text))
        watch()
        if isUp { await transmit() }
    }

    /// Sends the open turn's message, or leaves it for the next connection.
    func transmit(seed: String? = nil) async {
        guard let open = turn, let session = remote else { return }
        var parts: [JSONValue] = []
        for attachment in open.attachments {
            guard let part = await part(of: attachment) else { return }
            parts.append(part)
        }
        guard turn?.id == open.id else { return }
        let content = seed.map { $0 + open.text } ?? open.text
        let request = FacadeRequest.message(session: session, content: content, parts: parts)
        var tap = WireTap(
            HTTPRequest(url: address.url, method: "WS", headers: [], body: request.json.bytes),
            id: ids.next("wire"), provider: address.name, model: "", format: "omnia-facade", clock: clock,
            redactor: redactor, keyName: nil, limit: 1 << 20)
        tap.switched()
        turn?.tap = tap
        turn?.heardAt = clock.now().milliseconds
        turn?.wasSent = await link.send(request.json)
        journal.emit(.wire(tap.exchange), open.id)
    }

    func wire(_ text: String) {
        guard turn?.tap != nil else { return }
        if turn?.tap?.chunk(Array(text.utf8) + [0x0A]) == true, let exchange = turn?.tap?.exchange {
            journal.emit(.wire(exchange), turn?.id)
        }
    }

    // MARK: frames

    func take(_ event: FacadeEvent) async {
        switch event.body {
        case .connected: break
        case .chunk(let text, let isSpeech, let parts):
            guard !isSpeech else { return note(.note, "heard: \(text)") }
            stream(text)
            for part in parts { show(part) }
        case .done(let text, let parts): await done(text, parts)
        case .toolCall(let call): await toolCall(call)
        case .toolResult(let call, let result, let error): toolResult(call, result, error)
        case .error(let code, let message): await failed(code, message)
        case .uploadReady(let upload): uploadReady(upload)
        case .uploadComplete: break
        case .media(let chunk): take(chunk)
        case .unknown(let type):
            let name = SafeText.oneLine(type, limit: 80)
            note(.note, "the server sent a frame of the type '\(name)', which is not known here")
        }
    }

    /// Bytes of one answer's text.
    private static let answerLimit = 8 << 20

    private func stream(_ text: String) {
        guard let (id, message, started) = turn.map({ ($0.id, $0.message, $0.chat.started) }), !text.isEmpty else {
            return
        }
        if turn?.hasBegun == false {
            turn?.hasBegun = true
            turn?.chat.attributes["cleo.first_chunk_ms"] = .int(clock.now().milliseconds - started.milliseconds)
        }
        let length = turn?.streamed.utf8.count ?? 0
        guard length + text.utf8.count <= Self.answerLimit else {
            if turn?.saidTooLong == false {
                turn?.saidTooLong = true
                note(.warning, "the answer is longer than \(Self.answerLimit >> 20) MiB; the rest of it is dropped")
            }
            return
        }
        // In place: a copy of the turn in hand would make each piece copy all that came before.
        turn?.streamed += text
        turn?.hasSegment = true
        journal.emit(.messageDelta(MessageDelta(message: message, channel: .text, text: text)), id)
    }

    private func done(_ text: String?, _ parts: [FacadePart]) async {
        guard turn != nil else { return }
        // It repeats the last segment; where nothing was streamed since the last tool, it is the segment.
        if turn?.hasSegment == false, let text { stream(text) }
        for part in parts {
            if part.type == "text", turn?.hasSegment == false, let text = part.text {
                stream(text)
            } else {
                show(part)
            }
        }
        hasHistory = true
        endTurn(.completed)
        await next()
    }

    // MARK: the end of a turn

    func endTurn(_ reason: TurnFinished.Reason) {
        guard let open = turn else { return }
        if !open.streamed.isEmpty {
            journal.emit(
                .messageCompleted(
                    Message(
                        id: open.message, role: .assistant, text: open.streamed,
                        interrupted: reason == .cancelled || reason == .interrupted)), open.id)
            said.append(("assistant", open.streamed))
        }
        if archive == nil {
            // What the client can count; the protocol says nothing of it.
            let usage = TokenUsage(
                input: TokenEstimate.tokens(open.text), output: TokenEstimate.tokens(open.streamed))
            journal.emit(
                .usageReported(
                    UsageReport(
                        provider: address.name, model: "remote", usage: usage, source: .estimated, cost: nil,
                        priceSource: nil, contextWindow: nil)), open.id)
        }
        let status: TraceSpan.Status = reason == .completed ? .ok : .cancelled
        close(status)
        journal.emit(.turnFinished(TurnFinished(reason: reason)), open.id)
        turn = nil
        lookItUp()
        watching?.cancel()
    }

    func failTurn(_ code: String, _ message: String, hint: String?) {
        guard let open = turn else { return }
        if !open.streamed.isEmpty {
            journal.emit(
                .messageCompleted(Message(id: open.message, role: .assistant, text: open.streamed, interrupted: true)),
                open.id)
        }
        turn?.chat.attributes["error.type"] = .string(code)
        close(.error)
        journal.emit(.turnFailed(ErrorInfo(code: code, message: message, hint: hint)), open.id)
        turn = nil
        lookItUp()
        watching?.cancel()
        dropCalls("the turn failed")
    }

    /// What the turn did is asked of the archive.
    private func lookItUp() {
        guard let archive, let remote else { return }
        Task { await archive.look(at: remote) }
    }

    private func close(_ status: TraceSpan.Status) {
        guard var open = turn else { return }
        if var tap = open.tap {
            tap.end(nil)
            journal.emit(.wire(tap.exchange), open.id)
        }
        for path in [\OpenTurn.chat, \OpenTurn.span] {
            open[keyPath: path].ended = clock.now()
            open[keyPath: path].status = status
            journal.emit(.spanClosed(open[keyPath: path]), open.id)
        }
    }

    // MARK: trouble

    private func failed(_ code: String, _ message: String) async {
        if upload != nil, ["MEDIA_NOT_ENABLED", "UPLOAD_FAILED", "INVALID_MESSAGE"].contains(code) {
            return uploadRefused(EngineError(.refused, message))
        }
        guard let open = turn else {
            return note(.warning, "the server reports \(code): \(message)")
        }
        switch code {
        case "RATE_LIMITED" where message.contains("in-flight"): await busy(open)
        case "RATE_LIMITED" where open.busyRetries < patience.busyRetries:
            turn?.busyRetries += 1
            await again(after: 1_000)
        case "SESSION_EXPIRED": await expired()
        default:
            failTurn(code, message.isEmpty ? code : message, hint: Self.hint(code))
            // The connection would be jammed: whoever comes next has a new one.
            isUp = false
            await link.reconnect()
        }
    }

    /// The turn before has not quite left its place; or it jams the connection.
    private func busy(_ open: OpenTurn) async {
        if open.busyRetries < patience.busyRetries {
            turn?.busyRetries += 1
            return await again(after: patience.busyRetry << open.busyRetries)
        }
        guard !open.isSecondConnection else {
            failTurn(
                "RATE_LIMITED", "the server still works on another message of this session",
                hint: Self.hint("RATE_LIMITED"))
            return
        }
        turn?.isSecondConnection = true
        turn?.busyRetries = 0
        turn?.wasSent = false
        isUp = false
        await link.reconnect()
    }

    private func again(after milliseconds: Int) async {
        let id = turn?.id
        try? await clock.sleep(milliseconds: milliseconds)
        guard let id, turn?.id == id else { return }
        await transmit()
    }

    private func expired() async {
        guard let own else { return }
        // Nothing was kept there that could be lost.
        if !hasHistory, turn?.isSecondSession != true {
            turn?.isSecondSession = true
            remote = own
            return await transmit()
        }
        guard turn?.isSecondSession != true else {
            return failTurn(
                "SESSION_EXPIRED", "the server does not know the session that it gave itself",
                hint: Self.hint("SESSION_EXPIRED"))
        }
        let id = turn?.id
        let words = said.dropLast().map { "\($0.role): \($0.text)" }.joined(separator: "\n")
        let reply = await ask(
            Question(
                .confirm, from: address.name,
                message:
                    "The server no longer knows this conversation. Shall a new one begin, and be told what was said here (\(said.count - 1) messages)?"
            ))
        guard turn?.id == id else { return }
        guard reply.action == .accept else {
            return failTurn(
                "SESSION_EXPIRED", "the server no longer knows this conversation", hint: Self.hint("SESSION_EXPIRED"))
        }
        turn?.isSecondSession = true
        remote = self.own ?? own
        hasHistory = false
        handler(.ready, "session \(remote ?? "")")
        await transmit(seed: words.isEmpty ? nil : "What was said before, in another session:\n\(words)\n\nNow:\n")
    }

    private static func hint(_ code: String) -> String {
        switch code {
        case "SESSION_EXPIRED", "SESSION_NOT_FOUND": "begin a new session: /new"
        case "RATE_LIMITED": "wait a moment, then say it again"
        case "AGENT_UNAVAILABLE", "CONNECTION_REFUSED", "AGENT_NOT_FOUND", "CONNECTION_ERROR", "CONNECTION_TIMEOUT":
            "the agent's pod does not answer: is it running?"
        case "MEDIA_NOT_ENABLED": "the agent takes no files"
        case "UPLOAD_FAILED": "the agent's storage did not take the file"
        case "UNSATISFIABLE_FORMAT": "the agent cannot work with this kind of medium"
        case "INVALID_MESSAGE": "the server did not understand the message; the Wire pane shows what was sent"
        default: "the reason is only in the runtime's log: a provider, a tool or a policy; say it again with Alt-r"
        }
    }

    /// Watches for silence.
    private func watch() {
        watching?.cancel()
        let clock = clock
        watching = Task { [weak self] in
            while !Task.isCancelled {
                guard (try? await clock.sleep(milliseconds: 1_000)) != nil else { return }
                await self?.lookForSilence()
            }
        }
    }

    private func lookForSilence() async {
        guard let open = turn, open.wasSent, calls.isEmpty, questions.isEmpty else { return }
        let silent = clock.now().milliseconds - open.heardAt
        if silent >= patience.silenceEnd {
            failTurn(
                "TIMED_OUT", "the server said nothing for \(DurationText.text(silent))",
                hint: "some runtimes end a turn without a word; the session goes on with the next message")
            isUp = false
            await link.reconnect()
        } else if silent >= patience.silenceNotice, !open.saidSilence {
            turn?.saidSilence = true
            note(
                .note,
                "nothing has come for \(DurationText.text(silent)): the server may be working, or have ended the turn without a word; Esc gives up"
            )
        }
    }
}
