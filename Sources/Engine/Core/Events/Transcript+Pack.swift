/// What guardrails, evals, workflows and compositions did, as lines of the conversation.
extension Transcript {
    /// What an event of a pack is in words; nil for other events, and where there is nothing to say.
    package static func notice(of body: TurnEvent) -> Notice? {
        switch body {
        case .guardrailFired(let fired): notice(fired)
        case .evalCompleted(let result): notice(result)
        case .workflowMoved(let moved): notice(moved)
        case .stepFinished(let step): step.isResult ? nil : notice(step)
        default: nil
        }
    }

    private static func notice(_ fired: GuardrailFired) -> Notice {
        let what: String =
            switch fired.action {
            case .recorded: "fired (recorded only)"
            case .blocked:
                fired.direction == "input" ? "fired: the model was not asked" : "fired: the answer was replaced"
            case .cut: "fired: the answer was cut"
            }
        return Notice(
            level: fired.action == .recorded ? .note : .warning,
            text: "guardrail \(fired.type) \(what): \(fired.explanation)", hint: nil)
    }

    /// Evals that passed, or that have nothing to pass, stay in the trace.
    private static func notice(_ result: EvalResult) -> Notice? {
        if let error = result.error {
            return Notice(level: .warning, text: "eval \(result.eval) could not judge: \(error)", hint: nil)
        }
        guard result.passed == false else { return nil }
        let score = result.score.map { " (\(JSONValue.double(($0 * 1_000).rounded() / 1_000).text))" } ?? ""
        return Notice(
            level: .warning, text: "eval \(result.eval) failed\(score): \(result.message ?? result.explanation)",
            hint: nil)
    }

    private static func notice(_ moved: WorkflowMoved) -> Notice {
        var text = moved.from.map { "\($0) → \(moved.to)" } ?? "workflow begins in \(moved.to)"
        if let event = moved.event { text += " by \(event)" }
        if moved.cause == .person { text += " (by hand)" }
        if let meant = moved.meant { text += "; \(meant) was entered as often as it may be" }
        if moved.isEnd { text += "; the workflow is complete" }
        return Notice(level: .note, text: text, hint: nil)
    }

    private static func notice(_ step: StepFinished) -> Notice {
        let what: String =
            switch step.status {
            case .ok: step.taken.map { "goes to \($0)" } ?? "done"
            case .failed: "failed: \(step.error ?? "")"
            case .skipped: "skipped"
            }
        return Notice(
            level: step.status == .failed ? .error : .note, text: "\(step.composition) ▸ \(step.step) \(what)",
            hint: nil)
    }
}
