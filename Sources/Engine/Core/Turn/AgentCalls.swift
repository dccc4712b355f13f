import Synchronization

/// Conversations inside a turn: agents that other prompts ask, steps of a composition. They are in the trace and in
/// the cost, but not in the conversation.
extension SessionRuntime {
    /// How an inner conversation ends.
    struct InnerLimits: Sendable {
        var rounds: Int
        /// The call of this tool ends it.
        var untilTool: String?
        /// Nil: those of the prompt.
        var tools: [String]?
        var step: String?
        /// What the answer has to fit.
        var schema: JSONValue?
        /// How many agents have asked one another to get here.
        var depth = 0
    }

    /// How deep agents may ask agents.
    static let memberDepth = 4

    /// A member of the pack, asked by another.
    func askMember(
        _ name: String, _ query: String, depth: Int, _ turn: TurnID?, _ parent: SpanID
    ) async throws(EngineError) -> String {
        let state = agent.pack.agents?.member(name)?.state.flatMap { agent.pack.workflow?.state($0) }
        guard let prompt = agent.pack.prompt(state?.promptTask ?? name) else {
            throw EngineError(.notFound, "there is no agent '\(SafeText.oneLine(name, limit: 80))'")
        }
        guard depth < Self.memberDepth else {
            throw EngineError(.failed, "agents ask agents \(Self.memberDepth) deep; no deeper")
        }
        let adapted = agent.adapted(prompt)
        return try await converse(
            adapted, query, InnerLimits(rounds: agent.maxRounds(adapted), depth: depth + 1), name: "agent \(name)",
            turn,
            parent)
    }

    /// Asks until the model wants no more tools.
    func converse(
        _ prompt: Prompt, _ text: String, _ limits: InnerLimits, name: String, _ turn: TurnID?, _ parent: SpanID,
        values: [String: JSONValue] = [:]
    ) async throws(EngineError) -> String {
        var span = openSpan(name, .step, parent: parent, turn: turn)
        do throws(EngineError) {
            let answer = try await converse(prompt, text, limits, turn, span.id, values)
            span.attributes["cleo.answer"] = .string(Self.excerpt(answer))
            close(&span, turn: turn)
            return answer
        } catch {
            close(&span, turn: turn, error: error)
            throw error
        }
    }

    private func converse(
        _ prompt: Prompt, _ text: String, _ limits: InnerLimits, _ turn: TurnID?, _ span: SpanID,
        _ values: [String: JSONValue]
    ) async throws(EngineError) -> String {
        var prompt = prompt
        if let tools = limits.tools { prompt.tools = tools }
        let stage = Stage(prompt: prompt, depth: limits.depth)
        let system = try agent.render(prompt, provided: provided.merging(values) { $1 }).text
        var messages = [Message(id: MessageID(ids.next("msg")), role: .user, text: text)]
        var callsLeft = prompt.policy.maxToolCallsPerTurn
        for round in 1...limits.rounds {
            // A step without tools of its own has none: what it may do is written down.
            let hasTools = limits.step == nil || limits.tools != nil
            let offered = hasTools ? await offered(stage) : []
            var request = ProviderRequest(
                system: system, messages: messages, tools: offered,
                toolChoice: round > 1 && prompt.policy.toolChoice == .required ? .auto : prompt.policy.toolChoice,
                parameters: agent.parameters(prompt), step: limits.step)
            if agent.semantics == .strict { request.outputSchema = limits.schema }
            let answer = try await askAside(request, round, turn, span)
            guard !answer.calls.isEmpty else { return await guarded(answer.text, prompt, turn, span) }
            messages.append(
                Message(
                    id: MessageID(ids.next("msg")), role: .assistant, text: answer.text, toolCalls: answer.calls,
                    native: answer.native))
            if round == limits.rounds {
                if !answer.text.isEmpty { return await guarded(answer.text, prompt, turn, span) }
                throw EngineError(.failed, "the model still wanted tools after \(round) rounds")
            }
            let outcomes = await perform(answer.calls, stage, allowed: &callsLeft, turn, span)
            for call in answer.calls {
                let told = outcomes[call.id]?.text ?? "Error: not run"
                messages.append(
                    Message(id: MessageID(call.id.rawValue), role: .tool, text: told, answers: call.id))
            }
            if let last = limits.untilTool, let call = answer.calls.first(where: { $0.tool == last }) {
                return outcomes[call.id]?.text ?? answer.text
            }
            if Task.isCancelled { throw EngineError(.cancelled, "cancelled") }
        }
        throw EngineError(.failed, "the prompt '\(prompt.key)' has no rounds")
    }

    /// The guardrails of an inner prompt.
    private func guarded(
        _ text: String, _ prompt: Prompt, _ turn: TurnID?, _ span: SpanID
    ) async -> String {
        guard !text.isEmpty else { return text }
        return await judge(text, .output, Guardrails(prompt, agent.semantics), turn, span).text
    }

    private struct Aside {
        var text: String
        var calls: [ToolCall]
        var native: NativeAnswer?
    }

    /// One question whose answer nobody sees come.
    private func askAside(
        _ request: ProviderRequest, _ round: Int, _ turn: TurnID?, _ parent: SpanID
    ) async throws(EngineError) -> Aside {
        var span = openSpan(
            "chat \(agent.provider.model)", .model, parent: parent, turn: turn,
            attributes: requestAttributes(request, round))
        let collector = AnswerCollector()
        do throws(EngineError) {
            try await checkBudget(request, agent.provider.identity, turn)
            let parent = span.id
            try await agent.provider.respond(to: request) { events in
                collector.take(events)
                await self.observe(events, turn, parent)
            }
            if Task.isCancelled { throw EngineError(.cancelled, "cancelled") }
        } catch {
            close(&span, turn: turn, error: error)
            throw error
        }
        let answer = collector.answer
        spend(
            report(
                answer.usage, answer.cost, answer.identity ?? agent.provider.identity, request, answer.text,
                answer.reasoning), turn)
        if let usage = answer.usage { Self.describe(usage, in: &span) }
        close(&span, turn: turn)
        let calls = answer.calls.map { ToolCall(id: CallID(ids.next("call")), tool: $0.tool, arguments: $0.arguments) }
        return Aside(text: answer.text, calls: calls, native: answer.native)
    }
}
