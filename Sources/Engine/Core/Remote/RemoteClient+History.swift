/// A session as the archive has it.
extension RemoteClient {
    /// Reads a whole session of the cluster into the log. Nothing is sent to the agent.
    /// - Throws: `notFound` when there is none.
    package func load(_ session: String, opened: SessionOpened) async throws(EngineError) {
        guard let archive else {
            throw EngineError(
                .invalidInput, "sessions are read from the session API, and none is named",
                hint: "--session-api https://HOST/api/v1, or session_api in the context")
        }
        let row = try await archive.get("/sessions/\(Encodings.percent(session))")
        let about = row["session"] ?? row
        var opened = opened
        opened.pack = about["promptPackName"]?.string ?? about["agentName"]?.string ?? opened.pack
        opened.packVersion = about["promptPackVersion"]?.string ?? ""
        remote = session
        isReadOnly = true
        journal.emit(.sessionOpened(opened), at: Self.time(about["createdAt"]))
        learn(.session(about))
        for message in try await archive.messages(session) { learn(message: message) }
        finishLearned()
        // In the order of time, so that what belongs to a turn stands in it.
        var facts: [(at: Timestamp?, fact: RemoteArchive.Fact)] = []
        for call in try await archive.all(session, "provider-calls") {
            facts.append((Self.time(call["createdAt"]), .providerCall(call)))
        }
        for call in try await archive.all(session, "tool-calls") {
            facts.append((Self.time(call["createdAt"]), .toolCall(call)))
        }
        for event in try await archive.all(session, "events") {
            facts.append((Self.time(event["timestamp"]), .runtimeEvent(event)))
        }
        for result in try await archive.all(session, "eval-results") {
            facts.append((Self.time(result["createdAt"]), .evalResult(result)))
        }
        for fact in facts.sorted(by: { ($0.at?.milliseconds ?? 0) < ($1.at?.milliseconds ?? 0) }) { learn(fact.fact) }
        note(.note, "only looked at: the session \(session) as the session API has it")
        handler(.stopped, "read only: the session \(session) as the session API has it")
    }

    /// A row of the archive: what the person said, what the agent said, and what was noted between.
    private func learn(message row: JSONValue) {
        let text = row["content"]?.string ?? ""
        let at = Self.time(row["timestamp"])
        let id = MessageID(row["id"]?.string ?? ids.next("m"))
        switch row["role"]?.string {
        case "user":
            // A turn that was cut has no answer.
            finishLearned()
            let turn = TurnID(ids.next("turn"))
            let span = TraceSpan(
                id: SpanID(ids.next("span")), parent: nil, name: "turn", category: .turn, started: at ?? clock.now(),
                attributes: ["cleo.source": .string(Self.source)])
            turns.append((turn, span.started, span.id))
            learnedTurn = span
            journal.emit(.turnStarted(TurnStarted(message: id, text: text)), turn, at: at)
        case "assistant":
            journal.emit(.messageCompleted(Message(id: id, role: .assistant, text: text)), turns.last?.id, at: at)
            learnedTurn?.ended = at
        default:
            let kind = row["metadata"]?["type"]?.string ?? "system"
            journal.emit(
                .diagnostic(
                    Diagnostic(
                        kind == "error" ? .warning : .note,
                        "\(kind): \(SafeText.oneLine(text, limit: 400)) (\(Self.source))",
                        file: "")), turns.last?.id, at: at)
        }
    }

    private func finishLearned() {
        guard var span = learnedTurn, let turn = turns.last?.id else { return }
        learnedTurn = nil
        let wasAnswered = span.ended != nil
        let at = span.ended ?? span.started
        span.ended = at
        span.status = wasAnswered ? .ok : .cancelled
        journal.emit(.spanClosed(span), turn, at: at)
        let ending: TurnEvent =
            wasAnswered
            ? .turnFinished(TurnFinished(reason: .completed))
            : .turnFailed(ErrorInfo(code: "no_answer", message: "the archive has no answer to this"))
        journal.emit(ending, turn, at: at)
    }
}
