/// The answer that a model is giving.
struct PartialAnswer {
    let turn: TurnID
    let message: MessageID
    var text = ""
    var reasoning = ""
    var calls: [ToolCall] = []
    var usage: TokenUsage?
    var stop: StopReason?
    var firstToken: Timestamp?
}

/// The loop: ask, run the tools that the model asks for, ask again.
extension SessionRuntime {
    func runTurn(_ turn: TurnID, _ text: String) async {
        emit(.turnStarted(TurnStarted(message: MessageID(ids.next("msg")), text: text)), turn)
        var span = openSpan("turn", .turn, parent: nil, turn: turn)
        do throws(EngineError) {
            let reason = try await rounds(turn, span.id)
            close(&span, turn: turn, status: reason == .cancelled ? .cancelled : .ok)
            emit(.turnFinished(TurnFinished(reason: reason)), turn)
        } catch {
            let isCancelled = error.code == .cancelled || Task.isCancelled
            close(&span, turn: turn, error: isCancelled ? EngineError(.cancelled, "cancelled") : error)
            emit(isCancelled ? .turnFinished(TurnFinished(reason: .cancelled)) : .turnFailed(error.info), turn)
        }
    }

    private func rounds(_ turn: TurnID, _ parent: SpanID) async throws(EngineError) -> TurnFinished.Reason {
        let system = try render(turn, parent)
        await waitForTools(turn, parent)
        await reportMissingTools(turn)
        var callsLeft = agent.prompt.policy.maxToolCallsPerTurn
        for round in 1...max(agent.maxRounds, 1) {
            let answer = try await ask(system, round: round, turn, parent)
            if Task.isCancelled { return .cancelled }
            guard !answer.calls.isEmpty else {
                switch answer.stop {
                case .length: return .length
                case .filtered: return .filtered
                default: return .completed
                }
            }
            await perform(answer.calls, allowed: &callsLeft, turn, parent)
            if Task.isCancelled { return .cancelled }
        }
        return .roundLimit
    }

    private func render(_ turn: TurnID, _ parent: SpanID) throws(EngineError) -> String {
        var span = openSpan("render \(agent.prompt.key)", .render, parent: parent, turn: turn)
        do throws(EngineError) {
            let rendered = try agent.render()
            let prompt = PromptRendered(prompt: agent.prompt.key, text: rendered.text, unused: rendered.unused)
            if prompt != conversation.prompt { emit(.promptRendered(prompt), turn) }
            span.attributes["cleo.prompt.passes"] = .int(rendered.passes)
            span.attributes["cleo.prompt.estimated_tokens"] = .int(TokenEstimate.tokens(rendered.text))
            close(&span, turn: turn)
            return rendered.text
        } catch {
            close(&span, turn: turn, error: error)
            throw error
        }
    }

    /// Servers that are still starting get a moment; who is not ready then is not offered.
    private func waitForTools(_ turn: TurnID, _ parent: SpanID) async {
        let started = clock.now()
        guard await tools.waitForStart(milliseconds: 5_000) else { return }
        var span = TraceSpan(
            id: SpanID(ids.next("span")), parent: parent, name: "wait for tools", category: .other, started: started)
        close(&span, turn: turn)
    }

    /// Says, once, which tools the prompt names and nobody serves.
    private func reportMissingTools(_ turn: TurnID) async {
        guard !hasReportedMissingTools, let named = agent.prompt.tools else { return }
        hasReportedMissingTools = true
        let served = await tools.tools.map(\.name)
        let missing = named.filter { !$0.hasSuffix("*") && !served.contains($0) }
        guard !missing.isEmpty else { return }
        let names = missing.map { "'\($0)'" }.joined(separator: ", ")
        emit(
            .diagnostic(
                Diagnostic(
                    .warning, "the prompt '\(agent.prompt.key)' names tools that no handler serves: \(names)",
                    file: agent.prompt.origin?.document.file ?? "",
                    hint: "add a handler to the tools file, or see the Tools pane")), turn)
    }

    /// What the model is told of the tools: the registry's, as far as the prompt allows them; the pack's words win.
    private func offered() async -> [ToolDescriptor] {
        await tools.tools.filter { agent.prompt.allows($0.name) }.map { tool in
            guard let described = agent.pack.tools.first(where: { $0.name == tool.name }) else { return tool }
            var tool = tool
            if !described.description.isEmpty { tool.description = described.description }
            if !described.parameters.isNull { tool.inputSchema = described.parameters }
            return tool
        }
    }

    // MARK: One question to the model

    private func ask(
        _ system: String, round: Int, _ turn: TurnID, _ parent: SpanID
    ) async throws(EngineError) -> PartialAnswer {
        let tools = await offered()
        // "required" for every round would never let the model answer.
        let choice = agent.prompt.policy.toolChoice
        let request = ProviderRequest(
            system: system, messages: conversation.forProvider, tools: tools,
            toolChoice: choice == .required && round > 1 ? .auto : choice, parameters: agent.parameters)
        var span = openSpan(
            "chat \(agent.provider.model)", .model, parent: parent, turn: turn,
            attributes: requestAttributes(request, round))
        partial = PartialAnswer(turn: turn, message: MessageID(ids.next("msg")))
        var failure: EngineError?
        do throws(EngineError) {
            try await agent.provider.respond(to: request) { events in await self.take(events) }
        } catch {
            failure = error
        }
        if Task.isCancelled { failure = failure ?? EngineError(.cancelled, "cancelled") }
        let answer = settle(failure, request)
        describe(answer, in: &span)
        if let failure {
            close(&span, turn: turn, error: failure)
            throw failure
        }
        close(&span, turn: turn)
        return answer
    }

    private func requestAttributes(_ request: ProviderRequest, _ round: Int) -> JSONObject {
        var attributes: JSONObject = [
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": .string(agent.provider.name),
            "gen_ai.request.model": .string(agent.provider.model), "cleo.round": .int(round),
            "cleo.request.messages": .int(request.messages.count), "cleo.request.tools": .int(request.tools.count),
        ]
        if let value = request.parameters.temperature { attributes["gen_ai.request.temperature"] = .double(value) }
        if let value = request.parameters.maxTokens { attributes["gen_ai.request.max_tokens"] = .int(value) }
        if let value = request.parameters.topP { attributes["gen_ai.request.top_p"] = .double(value) }
        return attributes
    }

    private func take(_ events: [ProviderEvent]) {
        guard !Task.isCancelled, let turn = partial?.turn, let message = partial?.message else { return }
        for event in events {
            switch event {
            case .text(let text): extend(text, .text, message, turn)
            case .reasoning(let text): extend(text, .reasoning, message, turn)
            case .toolCall(let call):
                let call = renamed(call)
                partial?.calls.append(call)
            case .usage(let usage): partial?.usage = usage
            case .finished(let stop): partial?.stop = stop
            case .note(let name, let value): notes[name] = value
            case .retrying(let attempt, let milliseconds, let reason):
                let wait = DurationText.text(milliseconds)
                emit(
                    .diagnostic(
                        Diagnostic(.warning, "\(reason); try \(attempt + 1) follows in \(wait)", file: "")), turn)
            }
        }
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

    /// Ends the answer: the message, then what it cost. A broken answer keeps what came, but asks for nothing.
    private func settle(_ failure: EngineError?, _ request: ProviderRequest) -> PartialAnswer {
        guard var answer = partial else { preconditionFailure("settle, without an answer") }
        if failure != nil { answer.calls = [] }
        if failure == nil || !answer.text.isEmpty || !answer.reasoning.isEmpty {
            let message = Message(
                id: answer.message, role: .assistant, text: answer.text,
                reasoning: answer.reasoning.isEmpty ? nil : answer.reasoning, toolCalls: answer.calls,
                interrupted: failure != nil)
            emit(.messageCompleted(message), answer.turn)
        }
        dropCheckpoint()
        let cameBack = answer.firstToken != nil || !answer.calls.isEmpty || answer.usage != nil
        if failure == nil || cameBack { emit(.usageReported(report(answer, request)), answer.turn) }
        return answer
    }

    private func report(_ answer: PartialAnswer, _ request: ProviderRequest) -> UsageReport {
        let usage = answer.usage ?? estimate(answer, request)
        let isEstimate = answer.usage == nil || agent.provider.isMock
        return UsageReport(
            provider: agent.provider.name, model: agent.provider.model, usage: usage,
            source: isEstimate ? .estimated : .reported, cost: agent.price?.price.cost(of: usage),
            priceSource: agent.price?.source, contextWindow: agent.price?.price.contextWindow)
    }

    private func estimate(_ answer: PartialAnswer, _ request: ProviderRequest) -> TokenUsage {
        let sent = request.messages.reduce(TokenEstimate.tokens(request.system)) {
            $0 + TokenEstimate.tokens($1.text) + $1.toolCalls.reduce(0) { $0 + TokenEstimate.tokens($1.arguments.text) }
        }
        let reasoning = TokenEstimate.tokens(answer.reasoning)
        return TokenUsage(input: sent, output: TokenEstimate.tokens(answer.text) + reasoning, reasoning: reasoning)
    }

    private func describe(_ answer: PartialAnswer, in span: inout TraceSpan) {
        if let first = answer.firstToken {
            span.attributes["cleo.time_to_first_token_ms"] = .int(first.milliseconds - span.started.milliseconds)
        }
        if let stop = answer.stop { span.attributes["gen_ai.response.finish_reasons"] = [.string(stop.rawValue)] }
        if let usage = answer.usage {
            span.attributes["gen_ai.usage.input_tokens"] = .int(usage.prompt)
            span.attributes["gen_ai.usage.output_tokens"] = .int(usage.output)
            if usage.cacheRead > 0 { span.attributes["gen_ai.usage.cache_read.input_tokens"] = .int(usage.cacheRead) }
        }
        for (name, value) in notes { span.attributes[name] = value }
        notes = JSONObject()
    }
}
