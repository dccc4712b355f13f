/// The agent said something in this state.
struct SpokeInState: Check {
    static let names = ["spoke_in_state"]
    private let state: String

    init(_ fields: inout FieldReader) { state = fields.string("state", required: true) ?? "" }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        guard let workflow = subject.workflow else { return .yes(false, "there is no workflow") }
        return .yes(workflow.spoke.contains(state), "spoke in: \(quoted(workflow.spoke.sorted()))")
    }
}
