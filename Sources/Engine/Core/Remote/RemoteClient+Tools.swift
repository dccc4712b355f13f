/// Tools that run here: the agent asks, the person or a program answers.
extension RemoteClient {
    func toolCall(_ wanted: FacadeToolCall) async {
        guard let session = remote, !wanted.id.isEmpty else { return }
        guard let open = turn else {
            // It was given up here.
            _ = await link.send(
                FacadeRequest.toolNack(session: session, call: wanted.id, reason: "no message waits for it here").json)
            return
        }
        // Within five seconds, whatever the answer will be.
        _ = await link.send(FacadeRequest.toolAck(session: session, call: wanted.id).json)
        turn?.hasSegment = false
        let call = ToolCall(id: CallID(wanted.id), tool: wanted.name, arguments: wanted.arguments)
        journal.emit(.toolCallStarted(ToolCallStarted(call: call, handler: address.name)), open.id)
        let began = clock.now().milliseconds
        let task = Task { [weak self] () -> Void in await self?.answer(wanted, call, session, open.id) }
        calls[wanted.id] = (call, began, task)
        askedHere.insert([wanted.id, wanted.name])
    }

    private func answer(_ wanted: FacadeToolCall, _ call: ToolCall, _ session: String, _ turn: TurnID) async {
        let result: FacadeRequest.Result
        if let tool = clientTools[wanted.name] {
            result = await answer(of: tool, call)
        } else {
            result = await personsAnswer(wanted, call)
        }
        // The server may have gone on without us.
        guard calls[wanted.id] != nil else { return }
        _ = await link.send(FacadeRequest.toolResult(session: session, call: wanted.id, result).json)
        self.turn?.heardAt = clock.now().milliseconds
        switch result {
        case .value(let value): finish(wanted.id, .ok, value.string ?? value.text)
        case .error(let words): finish(wanted.id, .denied, "Error: \(words)")
        }
    }

    private func answer(of tool: any ToolHandler, _ call: ToolCall) async -> FacadeRequest.Result {
        do throws(EngineError) {
            let answer = try await withDeadline(
                milliseconds: patience.clientTool, clock: clock, "the program for '\(call.tool)'"
            ) { () async throws(EngineError) in
                try await tool.call(call, host: LonelyHost())
            }
            if answer.isError { return .error(answer.text) }
            return .value((try? JSONParser.parse(answer.text)) ?? .string(answer.text))
        } catch {
            return .error(error.message)
        }
    }

    private func personsAnswer(_ wanted: FacadeToolCall, _ call: ToolCall) async -> FacadeRequest.Result {
        let categories = wanted.categories.isEmpty ? "" : " (\(wanted.categories.joined(separator: ", ")))"
        let arguments = wanted.arguments == [:] ? "" : "\n\(wanted.arguments.prettyText)"
        var question = Question(
            .answer, from: wanted.name, call: call.id,
            message: (wanted.consent ?? "The agent wants an answer from here") + categories + arguments)
        question.until = Timestamp(milliseconds: clock.now().milliseconds + patience.clientTool)
        let reply = await ask(question)
        switch reply.action {
        case .accept:
            let content = reply.content ?? ""
            return .value(content.string.flatMap { try? JSONParser.parse($0) } ?? content)
        case .decline:
            let why = reply.content?.string ?? ""
            return .error(why.isEmpty ? "denied by user" : why)
        case .cancel: return .error("nobody answered in time")
        }
    }

    /// Lays a question before the person. It is taken away when its time is over.
    func ask(_ asked: Question) async -> QuestionReply {
        var question = asked
        question.id = QuestionID(ids.next("question"))
        let id = question.id
        let (clock, until, turn) = (clock, question.until, turn?.id)
        let limit = until.map { until in
            Task { [weak self] in
                try? await clock.sleep(milliseconds: max(0, until.milliseconds - clock.now().milliseconds))
                if !Task.isCancelled { await self?.withdraw(id) }
            }
        }
        let reply = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume(returning: QuestionReply(.cancel)) }
                questions[id] = continuation
                journal.emit(.questionAsked(question), turn)
            }
        } onCancel: {
            Task { await self.withdraw(id) }
        }
        limit?.cancel()
        journal.emit(.questionAnswered(QuestionAnswered(id: id, reply: reply)), turn)
        return reply
    }

    private func withdraw(_ id: QuestionID) {
        questions.removeValue(forKey: id)?.resume(returning: QuestionReply(.cancel))
    }

    private func finish(_ id: String, _ status: ToolOutcome.Status, _ text: String) {
        guard let (call, began, _) = calls.removeValue(forKey: id) else { return }
        journal.emit(
            .toolCallFinished(
                ToolOutcome(
                    call: call.id, tool: call.tool, status: status, text: text,
                    milliseconds: clock.now().milliseconds - began)), turn?.id)
    }

    /// The server answers a call itself, or ends one that waits here.
    func toolResult(_ id: String, _ result: JSONValue?, _ error: String?) {
        guard let open = calls[id] else {
            return note(
                .note,
                "the server answered the call \(id): \(SafeText.oneLine(error ?? result?.text ?? "", limit: 200))")
        }
        finish(id, error == nil ? .ok : .failed, error ?? result?.string ?? result?.text ?? "")
        open.task.cancel()
    }

    func dropCalls(_ why: String) {
        for (id, call) in calls {
            finish(id, .cancelled, "Error: \(why)")
            call.task.cancel()
        }
    }
}
