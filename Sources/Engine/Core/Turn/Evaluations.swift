/// Evals of a turn and of a session.
extension SessionRuntime {
    /// Evals of the prompt, and those of the pack that the prompt does not replace.
    private func evals(_ prompt: Prompt) -> [EvalSpec] {
        let own = Set(prompt.evals.map(\.id))
        return prompt.evals + agent.pack.evals.filter { !own.contains($0.id) }
    }

    /// Runs what is due at the end of a turn.
    func evaluateTurn(_ turn: TurnID, _ parent: SpanID) async {
        let prompt = stage.prompt
        let due = evals(prompt).filter { eval in
            switch EvalSpec.Trigger(rawValue: eval.trigger) {
            case .everyTurn: true
            case .sampleTurns: isSampled(eval, turnIndex: max(log.turns - 1, 0))
            case .onSessionComplete, .sampleSessions, nil: false
            }
        }
        await run(due, turn, parent)
    }

    /// Runs what is due at the end of the session: when the workflow is complete, or when the person asks.
    package func evaluateSession(_ turn: TurnID?, _ parent: SpanID?) async {
        let due = evals(stage.prompt).filter { eval in
            switch EvalSpec.Trigger(rawValue: eval.trigger) {
            case .onSessionComplete: true
            case .sampleSessions: isSampled(eval, turnIndex: 0)
            case .everyTurn, .sampleTurns, nil: false
            }
        }
        await run(due, turn, parent)
    }

    /// Evals of the session, because the person wants to see them.
    package func evaluateByHand() throws(EngineError) {
        try checkWritable()
        guard running == nil else { throw EngineError(.busy, "a turn is running", hint: "wait for its end") }
        guard evals(stage.prompt).contains(where: { $0.enabled && $0.trigger.contains("session") }) else {
            throw EngineError(.notFound, "the pack has no evals of whole sessions")
        }
        byHand(CallID(ids.next("eval"))) { await self.evaluateSession(nil, nil) }
    }

    /// PromptKit's way to choose: the same session and turn give the same answer.
    private func isSampled(_ eval: EvalSpec, turnIndex: Int) -> Bool {
        Double(FNV1a.hash(id.rawValue + String(turnIndex)) % 10_000) < eval.samplePercentage * 100
    }

    private func run(_ evals: [EvalSpec], _ turn: TurnID?, _ parent: SpanID?) async {
        let answer = conversation.forProvider.last { $0.role == .assistant && !$0.text.isEmpty }?.text ?? ""
        await run(evals, on: answer, turn, parent)
    }

    func run(_ evals: [EvalSpec], on text: String, _ turn: TurnID?, _ parent: SpanID?) async {
        let subject = log.subject(
            text, semantics: agent.semantics, patterns: agent.patterns, judge: judge(turn, parent))
        for eval in evals where eval.enabled && !Task.isCancelled {
            var span = openSpan("eval \(eval.id)", .check, parent: parent, turn: turn)
            let result = await judge(eval, subject)
            span.attributes["cleo.eval.type"] = .string(eval.type)
            span.attributes["cleo.eval.explanation"] = .string(result.explanation)
            if let score = result.score { span.attributes["cleo.eval.score"] = .double(score) }
            if let passed = result.passed { span.attributes["cleo.eval.passed"] = .bool(passed) }
            emit(.evalCompleted(result), turn)
            close(&span, turn: turn, status: result.error != nil || result.passed == false ? .error : .ok)
        }
    }

    private func judge(_ eval: EvalSpec, _ subject: CheckSubject) async -> EvalResult {
        var result = EvalResult(
            eval: eval.id, type: eval.type, trigger: eval.trigger, explanation: "", message: eval.message)
        if let reason = unmet(eval.when, subject) {
            result.skipped = reason
            result.explanation = reason
            return result
        }
        guard let check = CheckRegistry.make(eval.type, eval.params) else {
            result.skipped = "the pack's check '\(eval.type)' cannot be used; see 'cleo-tui validate'"
            result.explanation = result.skipped ?? ""
            return result
        }
        do throws(EngineError) {
            let found = try await check.judge(subject)
            result.score = found.score
            result.explanation = found.explanation
            result.skipped = found.skipped
            // PromptKit never looks at a threshold.
            if agent.semantics == .strict, let score = found.score { result.passed = eval.threshold?.passes(score) }
        } catch {
            result.error = error.message
            result.explanation = error.message
        }
        return result
    }

    /// Which condition of `when` is not met; nil when all are.
    private func unmet(_ when: JSONObject?, _ subject: CheckSubject) -> String? {
        guard let when else { return nil }
        let called = subject.turnCalls.map(\.tool)
        if let tool = when["tool_called"]?.string, !called.contains(tool) { return "'\(tool)' was not called" }
        if let pattern = when["tool_called_pattern"]?.string {
            guard let compiled = try? agent.patterns.compile(pattern, ignoringCase: false) else {
                return "'\(pattern)' is no regular expression"
            }
            if !called.contains(where: { compiled.matches($0) }) {
                return "no tool that matches '\(pattern)' was called"
            }
        }
        if when["any_tool_called"]?.bool == true, called.isEmpty { return "no tool was called" }
        if let least = when["min_tool_calls"]?.int, called.count < least {
            return "fewer than \(least) tools were called"
        }
        return nil
    }
}
