/// Questions that wait for a person, and what was granted for the rest of the session.
struct Approvals {
    private var waiting: [CallID: CheckedContinuation<ApprovalDecision?, Never>] = [:]
    /// A grant is for one handler's tool: another one that takes the name over has none.
    struct Subject: Hashable {
        var handler: String
        var tool: String
    }

    private var subjects: [CallID: Subject] = [:]
    private(set) var granted: Set<Subject> = []

    mutating func wait(
        _ call: ToolCall, _ handler: String, _ continuation: CheckedContinuation<ApprovalDecision?, Never>
    ) {
        waiting[call.id] = continuation
        subjects[call.id] = Subject(handler: handler, tool: call.tool)
    }

    /// Wakes who waits; a grant for the session wakes everyone who waits for the same tool.
    /// - Parameter decision: nil when the turn was cancelled.
    mutating func answer(_ call: CallID, _ decision: ApprovalDecision?) {
        guard let continuation = waiting.removeValue(forKey: call) else { return }
        let subject = subjects.removeValue(forKey: call)
        continuation.resume(returning: decision)
        guard decision == .session, let subject else { return }
        granted.insert(subject)
        for (other, one) in subjects where one == subject { answer(other, .session) }
    }
}

extension SessionRuntime {
    package func answer(_ call: CallID, _ decision: ApprovalDecision) { approvals.answer(call, decision) }

    /// How a call ends that does not run.
    struct Refusal {
        var status: ToolOutcome.Status
        var text: String
        /// Whether the person was asked; else the rules alone said no.
        var wasAsked: Bool
    }

    private enum Verdict { case runs(String), asks(String), denied(String) }

    /// What the rules say to a call, and why.
    private func verdict(
        _ call: ToolCall, _ tool: ToolDescriptor, _ handler: String, _ span: inout TraceSpan
    ) -> Verdict {
        let judgement = agent.policies.judge(call, handler: handler, patterns: agent.patterns)
        if !judgement.audited.isEmpty {
            span.attributes["cleo.policy.audit"] = .string(judgement.audited.joined(separator: "; "))
        }
        if let why = judgement.denied { return .denied(why) }
        if !judgement.headers.isEmpty {
            let names = judgement.headers.map { JSONValue.string($0.name) }
            span.attributes["cleo.policy.headers"] = .array(names)
        }
        let (rule, reason) = agent.approval.rule(for: tool.name, handler: handler, arguments: call.arguments)
        switch rule {
        // A grant does not reach what is forbidden.
        case .deny: return .denied(reason)
        case _ where approvals.granted.contains(Approvals.Subject(handler: handler, tool: tool.name)):
            return .runs("granted for the session")
        case .never: return .runs(reason)
        case .always: return .asks(reason)
        case .ask where tool.readOnly: return .runs("read-only; \(reason)")
        case .ask: return .asks("the tool is not known to be read-only; \(reason)")
        }
    }

    /// Asks the person where the rules say so.
    /// - Returns: nil when the tool may run, else how the call ends.
    func approve(
        _ call: ToolCall, _ tool: ToolDescriptor, handler: String, turn: TurnID?, in toolSpan: inout TraceSpan
    ) async -> Refusal? {
        let parent = toolSpan.id
        let reason: String
        switch verdict(call, tool, handler, &toolSpan) {
        case .runs(let why):
            toolSpan.attributes["cleo.policy.decision"] = .string("runs: \(why)")
            return nil
        case .denied(let why):
            toolSpan.attributes["cleo.policy.decision"] = .string("denied: \(why)")
            return Refusal(
                status: .denied, text: "Error: the policy does not allow this call: \(why)", wasAsked: false)
        case .asks(let why):
            toolSpan.attributes["cleo.policy.decision"] = .string("asks: \(why)")
            reason = why
        }
        var span = openSpan("approval", .approval, parent: parent, turn: turn)
        let request = ApprovalRequest(
            call: call, handler: handler, reason: reason,
            covers: "every call of '\(call.tool)', whatever its arguments, until the program ends")
        let decision: ApprovalDecision? = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume(returning: nil) }
                approvals.wait(call, handler, continuation)
                emit(.approvalRequested(request), turn)
            }
        } onCancel: {
            Task { await self.withdraw(call.id) }
        }
        let answered: ApprovalAnswered
        var refusal: Refusal?
        switch decision {
        case .once: answered = ApprovalAnswered(call: call.id, decision: .once)
        case .session: answered = ApprovalAnswered(call: call.id, decision: .session)
        case .deny(let why):
            answered = ApprovalAnswered(call: call.id, decision: .deny, reason: why.isEmpty ? nil : why)
            let said = why.isEmpty ? "no reason was given" : why
            refusal = Refusal(
                status: .denied, text: "Error: the person did not allow this call: \(said)", wasAsked: true)
        case nil:
            close(&span, turn: turn, status: .cancelled)
            return Refusal(status: .cancelled, text: "Error: cancelled", wasAsked: true)
        }
        span.attributes["cleo.approval.decision"] = .string(answered.decision.rawValue)
        emit(.approvalAnswered(answered), turn)
        close(&span, turn: turn)
        return refusal
    }

    private func withdraw(_ call: CallID) { approvals.answer(call, nil) }
}
