/// The loop: ask, run the tools that the model asks for, ask again.
extension SessionRuntime {
    func runTurn(_ turn: TurnID, _ text: String, _ attachments: [Attachment] = []) async {
        takeAgent()
        let started = TurnStarted(message: MessageID(ids.next("msg")), text: text, attachments: attachments)
        emit(.turnStarted(started), turn)
        var span = openSpan("turn", .turn, parent: nil, turn: turn)
        turnSpan = span.id
        defer { turnSpan = nil }
        do throws(EngineError) {
            let wasComplete = log.workflow.isComplete
            startWorkflow(turn)
            let reason = try await answer(text, turn, span.id)
            if reason != .cancelled {
                await evaluateTurn(turn, span.id)
                if log.workflow.isComplete, !wasComplete { await evaluateSession(turn, span.id) }
            }
            let isCancelled = reason == .cancelled || Task.isCancelled
            close(&span, turn: turn, status: isCancelled ? .cancelled : .ok)
            emit(.turnFinished(TurnFinished(reason: isCancelled ? .cancelled : reason)), turn)
        } catch {
            let isCancelled = error.code == .cancelled || Task.isCancelled
            close(&span, turn: turn, error: isCancelled ? EngineError(.cancelled, "cancelled") : error)
            emit(isCancelled ? .turnFinished(TurnFinished(reason: .cancelled)) : .turnFailed(error.info), turn)
        }
    }

    private func answer(
        _ text: String, _ turn: TurnID, _ parent: SpanID
    ) async throws(EngineError) -> TurnFinished.Reason {
        guard await isAllowed(text, turn, parent) else { return .guarded }
        await waitForTools(turn, parent)
        if stage.composition != nil { return try await answerByComposition(text, turn, parent) }
        return try await rounds(turn, parent)
    }

    private func rounds(_ turn: TurnID, _ parent: SpanID) async throws(EngineError) -> TurnFinished.Reason {
        var stage = self.stage
        var system = try render(stage, turn, parent)
        await reportMissingTools(turn, stage.prompt)
        var callsLeft = stage.prompt.policy.maxToolCallsPerTurn
        var round = 0
        while true {
            round += 1
            let answer = try await ask(system, stage, round: round, turn, parent)
            if Task.isCancelled { return .cancelled }
            guard !answer.calls.isEmpty else { return answer.reason }
            let isLast = round >= agent.maxRounds(stage.prompt)
            try boundByBudget(&callsLeft)
            // By PromptKit the tools of the last round run, and the model never sees what they said.
            if isLast, agent.semantics == .strict {
                refuse(answer.calls, "max_rounds allows \(round) rounds", turn: turn)
                return .roundLimit
            }
            await perform(answer.calls, stage, allowed: &callsLeft, turn, parent)
            if Task.isCancelled { return .cancelled }
            if isLast { return .roundLimit }
            guard commitMove(turn) else { continue }
            stage = self.stage
            if stage.composition != nil { return try await answerByComposition(log.workflow.context, turn, parent) }
            system = try render(stage, turn, parent)
        }
    }

    private func render(_ stage: Stage, _ turn: TurnID, _ parent: SpanID) throws(EngineError) -> String {
        var span = openSpan("render \(stage.prompt.key)", .render, parent: parent, turn: turn)
        do throws(EngineError) {
            let rendered = try system(stage)
            if agent.semantics == .promptKit { sayWhatProductionSends(rendered, stage, turn) }
            let prompt = PromptRendered(prompt: stage.prompt.key, text: rendered.text, unused: rendered.unused)
            if prompt != conversation.prompt { emit(.promptRendered(prompt), turn) }
            span.attributes["cleo.prompt.passes"] = .int(rendered.passes)
            span.attributes["cleo.prompt.estimated_tokens"] = .int(rendered.tokens)
            if let state = stage.state { span.attributes["cleo.workflow.state"] = .string(state.name) }
            close(&span, turn: turn)
            return rendered.text
        } catch {
            close(&span, turn: turn, error: error)
            throw error
        }
    }

    /// PromptKit sends something in any case; that it is not what was meant has to be seen.
    private func sayWhatProductionSends(_ rendered: RenderedPrompt, _ stage: Stage, _ turn: TurnID) {
        guard !rendered.isComplete else { return }
        let words =
            rendered.missing.isEmpty
            ? "PromptKit could not fill \(quoted(rendered.unresolved)), so it sends the raw template"
            : "\(quoted(rendered.missing)) is missing, so PromptKit sends a standard sentence instead of the prompt"
        let (file, place) = stage.prompt.origin?.location("system_template") ?? ("", nil)
        emit(.diagnostic(Diagnostic(.warning, words, file: file, place: place, rule: "promptkit")), turn)
    }

    /// The workflow's budget holds inside a state, too. By PromptKit it is looked at only when the state changes.
    private func boundByBudget(_ callsLeft: inout Int) throws(EngineError) {
        guard agent.semantics == .strict, let budget = agent.pack.workflow?.budget else { return }
        if let limit = budget.maxToolCalls { callsLeft = min(callsLeft, max(limit - log.workflow.toolCalls, 0)) }
        var time = Workflow.Budget()
        time.maxWallTimeSeconds = budget.maxWallTimeSeconds
        if let exhausted = exhausted(time) {
            throw EngineError(.failed, "the workflow's budget is used up: \(exhausted)")
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
    private func reportMissingTools(_ turn: TurnID, _ prompt: Prompt) async {
        guard !reportedPrompts.contains(prompt.key), let named = prompt.tools else { return }
        reportedPrompts.insert(prompt.key)
        let served = await tools.tools.map(\.name) + systemTools(stage).map(\.name)
        let members = agent.pack.agents?.members.map(\.name) ?? []
        let missing = named.filter { !$0.hasSuffix("*") && !served.contains($0) && !members.contains($0) }
        guard !missing.isEmpty else { return }
        emit(
            .diagnostic(
                Diagnostic(
                    .warning, "the prompt '\(prompt.key)' names tools that no handler serves: \(quoted(missing))",
                    file: prompt.origin?.document.file ?? "",
                    hint: "add a handler to the tools file, or see the Tools pane")), turn)
    }

    /// What the model is told of the tools: the engine's own, then the registry's, as far as the prompt allows them;
    /// the pack's words win.
    func offered(_ stage: Stage) async -> [ToolDescriptor] {
        let served = await tools.tools.filter { stage.prompt.allows($0.name) || activeSkillTools.contains($0.name) }
        return systemTools(stage)
            + served.map { tool in
                guard let described = agent.pack.tools.first(where: { $0.name == tool.name }) else { return tool }
                var tool = tool
                if !described.description.isEmpty { tool.description = described.description }
                if !described.parameters.isNull { tool.inputSchema = described.parameters }
                return tool
            }
    }

    // MARK: Guardrails of what the person says

    /// - Returns: false when the model must not be asked; what it says instead was said.
    private func isAllowed(_ text: String, _ turn: TurnID, _ parent: SpanID) async -> Bool {
        let guardrails = Guardrails(stage.prompt, agent.semantics)
        let verdict = await judge(text, .input, guardrails, turn, parent)
        guard verdict.isChanged else { return true }
        emit(
            .messageCompleted(Message(id: MessageID(ids.next("msg")), role: .assistant, text: verdict.text)), turn)
        return false
    }
}

extension PartialAnswer {
    /// How a turn ends with this answer.
    var reason: TurnFinished.Reason {
        if isGuarded { return .guarded }
        switch stop {
        case .length: return .length
        case .filtered: return .filtered
        default: return .completed
        }
    }
}
