/// The workflow entered this state.
struct TransitionedTo: Check {
    static let names = ["transitioned_to"]
    private let state: String

    init(_ fields: inout FieldReader) { state = fields.string("state", required: true) ?? "" }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        guard let workflow = subject.workflow else { return .yes(false, "there is no workflow") }
        return .yes(
            workflow.entered.dropFirst().contains(state), "entered: \(workflow.entered.joined(separator: " → "))")
    }
}
