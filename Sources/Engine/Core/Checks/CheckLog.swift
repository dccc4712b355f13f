/// What checks need to know of a session, as a fold over its events.
package struct CheckLog: Projection {
    private var messages: [Message] = []
    private var waiting: [CallID: ToolCall] = [:]
    /// Calls of the agent, in the order in which they ended.
    package private(set) var sessionCalls: [CheckSubject.Call] = []
    private var turnCalls: [CheckSubject.Call] = []
    private var guardrails: [CheckSubject.Judged] = []
    private var turnStarted: Timestamp?
    private var now: Timestamp?
    private var ledger = CostLedger()
    private var composition = CompositionRecord()
    private(set) var workflow = WorkflowLog()
    /// Turns that began.
    package private(set) var turns = 0

    package init() {}

    package mutating func apply(_ event: EngineEvent) {
        ledger.apply(event)
        workflow.apply(event)
        now = event.at
        switch event.body {
        case .turnStarted(let started):
            turns += 1
            turnCalls = []
            turnStarted = event.at
            composition = CompositionRecord()
            messages.append(Message(id: started.message, role: .user, text: started.text))
        case .messageCompleted(let message): messages.append(message)
        case .toolCallStarted(let started): if event.turn != nil { waiting[started.call.id] = started.call }
        case .toolCallFinished(let outcome): finish(outcome)
        case .guardrailFired(let fired):
            guardrails.append(
                CheckSubject.Judged(
                    type: fired.type, direction: ValidatorSpec.Direction(rawValue: fired.direction) ?? .output,
                    passed: false))
        case .stepFinished(let step): take(step)
        default: break
        }
    }

    private mutating func finish(_ outcome: ToolOutcome) {
        guard let call = waiting.removeValue(forKey: outcome.call) else { return }
        let record = CheckSubject.Call(
            tool: call.tool, arguments: call.arguments, result: outcome.text, failed: outcome.status != .ok)
        turnCalls.append(record)
        sessionCalls.append(record)
    }

    private mutating func take(_ step: StepFinished) {
        if step.isResult {
            composition.output = step.output
            return
        }
        composition.outputs[step.step] = step.output
        composition.branches[step.step] = step.taken
        if step.kind == "parallel", step.status == .ok { composition.complete.insert(step.step) }
    }

    /// - Parameter output: the text to judge.
    package func subject(
        _ output: String, semantics: Semantics, patterns: any PatternCompiler, judge: (any Judge)?
    ) -> CheckSubject {
        let entry = ledger.session
        return CheckSubject(
            output: output, messages: messages, turnCalls: turnCalls, sessionCalls: sessionCalls,
            milliseconds: turnStarted.flatMap { start in now.map { $0.milliseconds - start.milliseconds } },
            usage: entry.usage, cost: entry.isComplete ? entry.cost : nil, guardrails: guardrails,
            workflow: workflow.state.map {
                WorkflowRecord(
                    state: $0, entered: workflow.entered, isComplete: workflow.isComplete, spoke: workflow.spoke,
                    calls: workflow.calls)
            },
            composition: composition, semantics: semantics, patterns: patterns, judge: judge)
    }
}
