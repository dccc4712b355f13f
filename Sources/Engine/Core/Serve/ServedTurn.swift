/// One turn of the engine for somebody who is served.
struct ServedTurn {
    let server: AgentServer
    let client: any EngineClient
    let session: SessionID

    /// - Parameters:
    ///   - asks: may take a question that a tool asks, and says whether it does; nobody here is asked what it leaves.
    ///   - answered: a question is no longer open.
    ///   - each: gets every event of the turn.
    /// - Returns: its last event, `turnFinished` or `turnFailed`; nil when whoever is served has gone.
    func run(
        _ text: String, _ attachments: [Attachment], asks: (Question, ToolCall?) -> Bool,
        answered: (QuestionID) -> Void, each: (EngineEvent) async throws(EngineError) -> Void
    ) async throws(EngineError) -> TurnEvent? {
        let feed = try await client.feed(of: session, after: .max)
        defer { feed.finish() }
        _ = feed.take()
        try await client.submit(.send(session, text: text, attachments: attachments))
        var own: TurnID?
        var calls: [CallID: ToolCall] = [:]
        var deciding: [CallID: Task<Void, Never>] = [:]
        var declining: [QuestionID: Task<Void, Never>] = [:]
        defer { for task in Array(deciding.values) + Array(declining.values) { task.cancel() } }
        while let events = await feed.next() {
            for event in events {
                // The end of another turn may still be on its way.
                if case .turnStarted = event.body, own == nil { own = event.turn }
                guard let own, event.turn == own else { continue }
                switch event.body {
                case .toolCallStarted(let started): calls[started.call.id] = started.call
                case .approvalRequested(let request):
                    let call = request.call.id
                    deciding[call] = server.whenUnwatched(
                        session, client, .answerApproval(session, call, server.settings.decision))
                case .approvalAnswered(let answer): deciding.removeValue(forKey: answer.call)?.cancel()
                case .questionAsked(let question):
                    guard !asks(question, question.call.flatMap { calls[$0] }) else { break }
                    declining[question.id] = server.whenUnwatched(
                        session, client, .answerQuestion(session, question.id, .unanswered))
                case .questionAnswered(let answer):
                    declining.removeValue(forKey: answer.id)?.cancel()
                    answered(answer.id)
                default: break
                }
                try await each(event)
                switch event.body {
                case .turnFinished, .turnFailed: return event.body
                default: break
                }
            }
        }
        try? await client.submit(.cancelTurn(session))
        return nil
    }
}
