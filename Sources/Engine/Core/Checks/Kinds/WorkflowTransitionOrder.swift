/// States were entered in this order. Scores the share that was found in order.
struct WorkflowTransitionOrder: Check {
    static let names = ["workflow_transition_order"]
    private let sequence: [String]

    init(_ fields: inout FieldReader) { sequence = fields.strings(anyOf: ["sequence"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        guard let workflow = subject.workflow else { return .yes(false, "there is no workflow") }
        return ToolRules.sequence(sequence, workflow.entered)
    }
}
