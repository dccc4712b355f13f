/// A provider that judges.
package struct ProviderJudge: Judge {
    let provider: any Provider

    package init(_ provider: any Provider) { self.provider = provider }

    package func answer(system: String, question: String) async throws(EngineError) -> String {
        let collector = AnswerCollector()
        try await provider.respond(to: Self.request(system, question)) { events in collector.take(events) }
        return collector.answer.text
    }

    static func request(_ system: String, _ question: String) -> ProviderRequest {
        ProviderRequest(
            system: system, messages: [Message(id: MessageID("judge"), role: .user, text: question)],
            parameters: ModelParameters(temperature: 0, maxTokens: 1_024))
    }
}

/// A judge whose questions are in the trace, on the wire and in the cost of the session that asks.
private struct SessionJudge: Judge {
    let session: SessionRuntime
    let provider: any Provider
    let turn: TurnID?
    let span: SpanID?

    func answer(system: String, question: String) async throws(EngineError) -> String {
        try await session.askBeside(
            "judge \(provider.model)", provider, ProviderJudge.request(system, question), turn, span
        ).text
    }
}

extension SessionRuntime {
    /// The judge, for checks that run under this span.
    func judge(_ turn: TurnID?, _ span: SpanID?) -> (any Judge)? {
        guard let judge = agent.judge as? ProviderJudge else { return agent.judge }
        return SessionJudge(session: self, provider: judge.provider, turn: turn, span: span)
    }

    /// A question to a model beside the conversation: in the trace, on the wire, in the cost, under the budget.
    /// - Parameter name: the span's.
    func askBeside(
        _ name: String, _ provider: any Provider, _ request: ProviderRequest, _ turn: TurnID?, _ parent: SpanID?
    ) async throws(EngineError) -> AnswerCollector.Answer {
        var span = openSpan(
            name, .model, parent: parent, turn: turn,
            attributes: [
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": .string(provider.name),
                "gen_ai.request.model": .string(provider.model),
            ])
        let collector = AnswerCollector()
        let id = span.id
        do throws(EngineError) {
            try await checkBudget(request, provider.identity, turn)
            try await provider.respond(to: request) { events in
                collector.take(events)
                await self.observe(events, turn, id)
            }
        } catch {
            close(&span, turn: turn, error: error)
            throw error
        }
        let answer = collector.answer
        spend(
            report(
                answer.usage, answer.cost, answer.identity ?? provider.identity, request, answer.text,
                answer.reasoning), turn)
        if let usage = answer.usage { Self.describe(usage, in: &span) }
        close(&span, turn: turn)
        return answer
    }
}
