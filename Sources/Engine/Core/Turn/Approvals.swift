/// Questions that wait for a person, and what was granted for the rest of the session.
struct Approvals {
    private var waiting: [CallID: CheckedContinuation<ApprovalDecision?, Never>] = [:]
    private var tools: [CallID: String] = [:]
    private(set) var granted: Set<String> = []

    mutating func wait(_ call: ToolCall, _ continuation: CheckedContinuation<ApprovalDecision?, Never>) {
        waiting[call.id] = continuation
        tools[call.id] = call.tool
    }

    /// Wakes who waits; a grant for the session wakes everyone who waits for the same tool.
    /// - Parameter decision: nil when the turn was cancelled.
    mutating func answer(_ call: CallID, _ decision: ApprovalDecision?) {
        guard let continuation = waiting.removeValue(forKey: call) else { return }
        let tool = tools.removeValue(forKey: call)
        continuation.resume(returning: decision)
        guard decision == .session, let tool else { return }
        granted.insert(tool)
        for (other, _) in tools where tools[other] == tool { answer(other, .session) }
    }
}

extension SessionRuntime {
    package func answer(_ call: CallID, _ decision: ApprovalDecision) { approvals.answer(call, decision) }

    /// Why a person has to be asked; nil when the tool may run.
    private func reasonToAsk(_ tool: ToolDescriptor) -> String? {
        guard !approvals.granted.contains(tool.name) else { return nil }
        let (rule, reason) = agent.approval.rule(for: tool.name)
        switch rule {
        case .never: return nil
        case .always: return reason
        case .ask: return tool.readOnly ? nil : "the tool is not known to be read-only; \(reason)"
        }
    }

    /// Asks the person where the rules say so.
    /// - Returns: nil when the tool may run, else how the call ends.
    func approve(
        _ call: ToolCall, _ tool: ToolDescriptor, handler: String, turn: TurnID?, parent: SpanID?
    ) async -> (status: ToolOutcome.Status, text: String)? {
        guard let reason = reasonToAsk(tool) else { return nil }
        var span = openSpan("approval", .approval, parent: parent, turn: turn)
        let request = ApprovalRequest(
            call: call, handler: handler, reason: reason,
            covers: "every call of '\(call.tool)', whatever its arguments, until the program ends")
        let decision: ApprovalDecision? = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume(returning: nil) }
                approvals.wait(call, continuation)
                emit(.approvalRequested(request), turn)
            }
        } onCancel: {
            Task { await self.withdraw(call.id) }
        }
        let answered: ApprovalAnswered
        var refusal: (ToolOutcome.Status, String)?
        switch decision {
        case .once: answered = ApprovalAnswered(call: call.id, decision: .once)
        case .session: answered = ApprovalAnswered(call: call.id, decision: .session)
        case .deny(let why):
            answered = ApprovalAnswered(call: call.id, decision: .deny, reason: why.isEmpty ? nil : why)
            let said = why.isEmpty ? "no reason was given" : why
            refusal = (.denied, "Error: the person did not allow this call: \(said)")
        case nil:
            close(&span, turn: turn, status: .cancelled)
            return (.cancelled, "Error: cancelled")
        }
        span.attributes["cleo.approval.decision"] = .string(answered.decision.rawValue)
        emit(.approvalAnswered(answered), turn)
        close(&span, turn: turn)
        return refusal.map { (status: $0.0, text: $0.1) }
    }

    private func withdraw(_ call: CallID) { approvals.answer(call, nil) }
}
