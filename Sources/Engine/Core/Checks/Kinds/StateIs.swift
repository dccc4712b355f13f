/// The workflow stands in this state.
struct StateIs: Check {
    static let names = ["state_is"]
    private let state: String

    init(_ fields: inout FieldReader) { state = fields.string("state", required: true) ?? "" }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        guard let workflow = subject.workflow else { return .yes(false, "there is no workflow") }
        return .yes(workflow.state == state, "the state is '\(workflow.state)'")
    }
}
