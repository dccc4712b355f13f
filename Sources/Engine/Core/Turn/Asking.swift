/// The answer that a model is giving.
struct PartialAnswer {
    let turn: TurnID
    let message: MessageID
    /// What was shown of it.
    var text = ""
    /// All that came.
    var whole = ""
    var reasoning = ""
    var calls: [ToolCall] = []
    var usage: TokenUsage?
    /// What the server says that it cost.
    var cost: Money?
    var native: NativeAnswer?
    /// Who answers; another than the agent's provider when that failed.
    var identity: ProviderIdentity
    var stop: StopReason?
    var firstToken: Timestamp?
    var watch: StreamGuard?
    /// A guardrail put something else in its place.
    var isGuarded = false
}

/// One question to the model of the conversation.
extension SessionRuntime {
    func ask(
        _ system: String, _ stage: Stage, round: Int, _ turn: TurnID, _ parent: SpanID
    ) async throws(EngineError) -> PartialAnswer {
        let tools = await offered(stage)
        // "required" for every round would never let the model answer.
        let choice = stage.prompt.policy.toolChoice
        let request = ProviderRequest(
            system: system, messages: messages(stage.prompt), tools: tools,
            toolChoice: choice == .required && round > 1 ? .auto : choice,
            parameters: agent.parameters(stage.prompt))
        var span = openSpan(
            "chat \(agent.provider.model)", .model, parent: parent, turn: turn,
            attributes: requestAttributes(request, round))
        let guardrails = Guardrails(stage.prompt, agent.semantics)
        partial = PartialAnswer(
            turn: turn, message: MessageID(ids.next("msg")), identity: agent.provider.identity)
        partial?.watch = StreamGuard(guardrails)
        var failure: EngineError?
        do throws(EngineError) {
            try await checkBudget(request, agent.provider.identity, turn)
            if round == 1 { announce(request, turn) }
            let parent = span.id
            try await agent.provider.respond(to: request) { events in await self.take(events, turn, parent) }
            showRest(turn)
        } catch {
            failure = error
        }
        if Task.isCancelled { failure = failure ?? EngineError(.cancelled, "cancelled") }
        let answer = await settle(failure, request, guardrails, span.id)
        describe(answer, in: &span)
        if let failure {
            close(&span, turn: turn, error: failure)
            throw failure
        }
        close(&span, turn: turn)
        return answer
    }

    /// The conversation as it is sent. PromptKit fills placeholders in it, the person's own words included.
    private func messages(_ prompt: Prompt) -> [Message] {
        let values = agent.messageValues(prompt)
        guard !values.isEmpty else { return conversation.forProvider }
        return conversation.forProvider.map { message in
            var message = message
            message.text = PromptKitRenderer.substitute(message.text, values)
            return message
        }
    }

    func requestAttributes(_ request: ProviderRequest, _ round: Int) -> JSONObject {
        var attributes: JSONObject = [
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": .string(agent.provider.name),
            "gen_ai.request.model": .string(agent.provider.model), "cleo.round": .int(round),
            "cleo.request.messages": .int(request.messages.count), "cleo.request.tools": .int(request.tools.count),
        ]
        for (name, value) in request.parameters.given { attributes["gen_ai.request.\(name)"] = value }
        return attributes
    }

    private func take(_ events: [ProviderEvent], _ turn: TurnID, _ parent: SpanID) {
        observe(events, turn, parent)
        guard !Task.isCancelled, let turn = partial?.turn, let message = partial?.message else { return }
        for event in events {
            switch event {
            case .text(let text):
                partial?.whole += text
                extend(partial?.watch?.take(text) ?? text, .text, message, turn)
            case .reasoning(let text): extend(text, .reasoning, message, turn)
            case .toolCall(let call):
                let call = renamed(call)
                partial?.calls.append(call)
            case .usage(let usage): partial?.usage = usage
            case .cost(let cost): partial?.cost = cost
            case .native(let native): partial?.native = native
            case .answering(let identity): partial?.identity = identity
            case .finished(let stop): partial?.stop = stop
            case .note(let name, let value): notes[name] = value
            case .warning, .retrying, .wire: break
            }
        }
    }

    /// What a guardrail held back until the end of the answer was known.
    private func showRest(_ turn: TurnID) {
        guard let rest = partial?.watch?.finish(), let message = partial?.message else { return }
        extend(rest, .text, message, turn)
    }

    private func extend(_ text: String, _ channel: MessageDelta.Channel, _ message: MessageID, _ turn: TurnID) {
        guard !text.isEmpty else { return }
        if partial?.firstToken == nil { partial?.firstToken = clock.now() }
        switch channel {
        case .text: partial?.text += text
        case .reasoning: partial?.reasoning += text
        }
        scheduleCheckpoint()
        emit(.messageDelta(MessageDelta(message: message, channel: channel, text: text)), turn)
    }

    /// Models that number their calls anew in every answer would answer old calls.
    private func renamed(_ call: ToolCall) -> ToolCall {
        let isTaken =
            call.id.rawValue.isEmpty || conversation.calls.contains(call.id)
            || partial?.calls.contains { $0.id == call.id } == true
        return isTaken
            ? ToolCall(id: CallID(ids.next("call")), tool: call.tool, arguments: call.arguments) : call
    }

    /// Ends the answer: what the guardrails say, the message, what it cost. A broken answer keeps what was shown, but
    /// asks for nothing.
    private func settle(
        _ failure: EngineError?, _ request: ProviderRequest, _ guardrails: Guardrails, _ span: SpanID
    ) async -> PartialAnswer {
        guard var answer = partial else { preconditionFailure("settle, without an answer") }
        if failure == nil {
            await judge(&answer, guardrails, span)
        } else {
            answer.calls = []
            answer.native = nil
        }
        if failure == nil || !answer.text.isEmpty || !answer.reasoning.isEmpty {
            let message = Message(
                id: answer.message, role: .assistant, text: answer.text,
                reasoning: answer.reasoning.isEmpty ? nil : answer.reasoning, toolCalls: answer.calls,
                interrupted: failure != nil, native: answer.native)
            emit(.messageCompleted(message), answer.turn)
        }
        dropCheckpoint()
        let cameBack = answer.firstToken != nil || !answer.calls.isEmpty || answer.usage != nil
        if failure == nil || cameBack {
            spend(
                report(answer.usage, answer.cost, answer.identity, request, answer.whole, answer.reasoning),
                answer.turn)
        }
        return answer
    }

    private func judge(_ answer: inout PartialAnswer, _ guardrails: Guardrails, _ span: SpanID) async {
        answer.text = answer.whole
        guard !answer.whole.isEmpty else { return }
        let verdict = await judge(answer.whole, .output, guardrails, answer.turn, span)
        guard verdict.isChanged else { return }
        answer.text = verdict.text
        answer.calls = []
        answer.native = nil
        answer.isGuarded = true
    }

    /// Lays a text before the guardrails; what fires is an event, and in the trace.
    func judge(
        _ text: String, _ direction: ValidatorSpec.Direction, _ guardrails: Guardrails, _ turn: TurnID?,
        _ parent: SpanID?
    ) async -> Guardrails.Verdict {
        let rules = guardrails.rules(direction)
        guard !rules.isEmpty else { return Guardrails.Verdict(text: text) }
        var span = openSpan(
            "guardrails", .check, parent: parent, turn: turn,
            attributes: [
                "cleo.guardrail.direction": .string(direction.rawValue),
                "cleo.guardrail.types": .array(rules.map { .string($0.spec.type) }),
            ])
        var subject = log.subject(
            text, semantics: agent.semantics, patterns: agent.patterns, judge: judge(turn, span.id))
        // A guardrail judges this text, and not again what was said before.
        subject.messages.removeAll { $0.role == .assistant }
        let verdict = await guardrails.judge(subject, direction)
        for fired in verdict.fired {
            emit(.guardrailFired(fired), turn)
            span.attributes["cleo.guardrail.\(fired.type)"] = .string("\(fired.action.rawValue): \(fired.explanation)")
        }
        close(&span, turn: turn, status: verdict.isChanged ? .error : .ok)
        return verdict
    }

    /// - Parameters:
    ///   - usage: what the provider said; nil: counted here.
    ///   - cost: what the server said that it cost.
    ///   - text: the whole answer, for counting.
    func report(
        _ usage: TokenUsage?, _ cost: Money?, _ identity: ProviderIdentity, _ request: ProviderRequest,
        _ text: String, _ reasoning: String
    ) -> UsageReport {
        let isEstimate = usage == nil || identity.isMock
        let usage = usage ?? estimate(request, text, reasoning)
        return UsageReport(
            provider: identity.name, model: identity.model, usage: usage,
            source: isEstimate ? .estimated : .reported, cost: cost ?? identity.price?.price.cost(of: usage),
            priceSource: cost == nil ? identity.price?.source : "said by the server",
            contextWindow: identity.price?.price.contextWindow)
    }

    private func estimate(_ request: ProviderRequest, _ text: String, _ reasoning: String) -> TokenUsage {
        let thought = TokenEstimate.tokens(reasoning)
        return TokenUsage(
            input: request.estimatedTokens, output: TokenEstimate.tokens(text) + thought, reasoning: thought)
    }

    private func describe(_ answer: PartialAnswer, in span: inout TraceSpan) {
        if let first = answer.firstToken {
            span.attributes["cleo.time_to_first_token_ms"] = .int(first.milliseconds - span.started.milliseconds)
        }
        if let stop = answer.stop { span.attributes["gen_ai.response.finish_reasons"] = [.string(stop.rawValue)] }
        if answer.isGuarded { span.attributes["cleo.guardrail.withheld"] = .string(Self.excerpt(answer.whole)) }
        if let usage = answer.usage { Self.describe(usage, in: &span) }
        for (name, value) in notes { span.attributes[name] = value }
        notes = JSONObject()
    }

    static func describe(_ usage: TokenUsage, in span: inout TraceSpan) {
        span.attributes["gen_ai.usage.input_tokens"] = .int(usage.prompt)
        span.attributes["gen_ai.usage.output_tokens"] = .int(usage.output)
        if usage.cacheRead > 0 { span.attributes["gen_ai.usage.cache_read.input_tokens"] = .int(usage.cacheRead) }
    }
}
