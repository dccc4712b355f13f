/// The workflow came to an end.
struct WorkflowComplete: Check {
    static let names = ["workflow_complete"]

    init(_ fields: inout FieldReader) {}

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        guard let workflow = subject.workflow else { return .yes(false, "there is no workflow") }
        return .yes(workflow.isComplete, "the state is '\(workflow.state)'")
    }
}
