/// Running the tools of one round.
extension SessionRuntime {
    /// Runs the calls side by side, as many at once as the limits say. Calls beyond what the policy allows in one
    /// turn are answered with a refusal.
    @discardableResult
    func perform(
        _ calls: [ToolCall], _ stage: Stage, allowed: inout Int, _ turn: TurnID?, _ parent: SpanID
    ) async -> [CallID: ToolOutcome] {
        let running = calls.prefix(max(allowed, 0))
        allowed -= running.count
        var outcomes: [CallID: ToolOutcome] = [:]
        await withTaskGroup(of: ToolOutcome.self) { group in
            for (position, call) in running.enumerated() {
                if position >= agent.limits.parallelTools, let outcome = await group.next() {
                    outcomes[outcome.call] = outcome
                }
                group.addTask { await self.perform(call, stage, turn: turn, parent: parent, asked: false) }
            }
            for await outcome in group { outcomes[outcome.call] = outcome }
        }
        let budget = agent.pack.workflow?.budget.maxToolCalls.flatMap { log.workflow.toolCalls >= $0 ? $0 : nil }
        let reason =
            budget.map { "the workflow's budget of \($0) tool calls is used up" }
            ?? "the policy allows \(stage.prompt.policy.maxToolCallsPerTurn) tool calls in one turn"
        refuse(Array(calls.dropFirst(running.count)), reason, turn: turn)
        return outcomes
    }

    /// Answers calls that do not run.
    func refuse(_ calls: [ToolCall], _ reason: String, turn: TurnID?) {
        for call in calls { finish(call, .denied, "Error: not run: \(reason)", turn: turn, handler: nil) }
    }

    private func finish(
        _ call: ToolCall, _ status: ToolOutcome.Status, _ text: String, turn: TurnID?, handler: String?
    ) {
        emit(.toolCallStarted(ToolCallStarted(call: call, handler: handler)), turn)
        emit(.toolCallFinished(ToolOutcome(call: call.id, tool: call.tool, status: status, text: text)), turn)
    }

    /// Runs one call to its end. Whatever goes wrong becomes a result that the model can read.
    /// - Parameter asked: the person asked for it, so nobody has to be asked again.
    func perform(
        _ call: ToolCall, _ stage: Stage, turn: TurnID?, parent: SpanID?, asked: Bool
    ) async -> ToolOutcome {
        let isOwn = turn != nil && isSystemTool(call.tool, stage)
        let found = isOwn ? nil : await tools.find(call.tool)
        var span = openSpan(
            call.tool, .tool, parent: parent, turn: turn,
            attributes: [
                "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": .string(call.tool),
                "gen_ai.tool.call.id": .string(call.id.rawValue),
                "gen_ai.tool.call.arguments": .string(Self.excerpt(call.arguments.text)),
            ])
        if let found { span.attributes["cleo.tool.handler"] = .string(found.handler) }
        var outcome =
            isOwn
            ? await outcome(ofOwn: call, stage, turn, span.id)
            : await outcome(of: call, stage, found, turn, &span, asked: asked)
        outcome.milliseconds = clock.now().milliseconds - span.started.milliseconds
        span.attributes["gen_ai.tool.call.result"] = .string(Self.excerpt(outcome.text))
        emit(.toolCallFinished(outcome), turn)
        switch outcome.status {
        case .ok: close(&span, turn: turn)
        case .cancelled: close(&span, turn: turn, status: .cancelled)
        case .failed, .denied: close(&span, turn: turn, status: .error)
        }
        return outcome
    }

    private func outcome(ofOwn call: ToolCall, _ stage: Stage, _ turn: TurnID?, _ span: SpanID) async -> ToolOutcome {
        emit(.toolCallStarted(ToolCallStarted(call: call, handler: nil)), turn)
        do throws(EngineError) {
            return success(of: call, ToolAnswer(text: try await runSystemTool(call, stage, turn, span)))
        } catch {
            return failure(of: call, error)
        }
    }

    private func outcome(
        of call: ToolCall, _ stage: Stage, _ found: (handler: String, tool: ToolDescriptor)?, _ turn: TurnID?,
        _ span: inout TraceSpan, asked: Bool
    ) async -> ToolOutcome {
        if let objection = await objection(to: call, stage, asked: asked) {
            emit(.toolCallStarted(ToolCallStarted(call: call, handler: found?.handler)), turn)
            return failure(of: call, objection)
        }
        if !asked, let found,
            let refusal = await approve(call, found.tool, handler: found.handler, turn: turn, in: &span)
        {
            if !refusal.wasAsked {
                emit(.toolCallStarted(ToolCallStarted(call: call, handler: found.handler)), turn)
            }
            return ToolOutcome(call: call.id, tool: call.tool, status: refusal.status, text: refusal.text)
        }
        emit(.toolCallStarted(ToolCallStarted(call: call, handler: found?.handler)), turn)
        do throws(EngineError) {
            var host = SessionHost(runtime: self, turn: turn, span: span.id)
            if let found {
                host.headers = agent.policies.judge(call, handler: found.handler, patterns: agent.patterns).headers
            }
            let answer = try await tools.run(call, host: host, approved: found?.handler)
            for (name, value) in answer.attributes { span.attributes[name] = value }
            return success(of: call, answer)
        } catch {
            span.attributes["error.type"] = .string(error.code.rawValue)
            return failure(of: call, Task.isCancelled ? EngineError(.cancelled, "cancelled") : error)
        }
    }

    private func objection(to call: ToolCall, _ stage: Stage, asked: Bool) async -> EngineError? {
        let isAllowed = asked || stage.prompt.allows(call.tool) || activeSkillTools.contains(call.tool)
        if !isAllowed, await tools.find(call.tool) != nil {
            return EngineError(.refused, "the prompt '\(stage.prompt.key)' does not allow the tool '\(call.tool)'")
        }
        return await tools.objection(to: call)
    }

    private func success(of call: ToolCall, _ answer: ToolAnswer) -> ToolOutcome {
        let limit = agent.limits.toolResultBytes
        let kept = Self.prefix(answer.text, bytes: limit)
        let cut = answer.text.utf8.count - kept.utf8.count
        var text = cut > 0 ? kept + "\n[\(cut) more bytes were cut]" : kept
        if answer.isError, !text.hasPrefix("Error:") { text = "Error: " + text }
        return ToolOutcome(
            call: call.id, tool: call.tool, status: answer.isError ? .failed : .ok, text: text, cutBytes: cut,
            isMocked: answer.attributes["cleo.tool.mocked"]?.bool)
    }

    private func failure(of call: ToolCall, _ error: EngineError) -> ToolOutcome {
        let hint = error.hint.map { " (\($0))" } ?? ""
        return ToolOutcome(
            call: call.id, tool: call.tool, status: error.code == .cancelled ? .cancelled : .failed,
            text: "Error: \(Self.prefix(error.message, bytes: 4_096))\(hint)")
    }

    /// At most so many bytes, without breaking a character.
    private static func prefix(_ text: String, bytes: Int) -> String {
        guard text.utf8.count > bytes else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: bytes)
        while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        return String(text[..<end])
    }

    /// As much as a trace keeps of an argument or a result.
    static func excerpt(_ text: String) -> String {
        let kept = prefix(text, bytes: 8_192)
        return kept.utf8.count < text.utf8.count ? kept + "…" : kept
    }
}
