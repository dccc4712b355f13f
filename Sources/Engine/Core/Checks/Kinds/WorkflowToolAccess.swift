/// In these states, only these tools were called.
struct WorkflowToolAccess: Check {
    static let names = ["workflow_tool_access"]
    private let rules: [(state: String, allowed: [String])]

    init(_ fields: inout FieldReader) {
        rules = fields.items("rules", required: true) {
            ($0.string("state", required: true) ?? "", $0.strings(anyOf: ["allowed"]))
        }
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        guard let workflow = subject.workflow else { return .yes(false, "there is no workflow") }
        let wrong = workflow.calls.first { call in
            rules.contains { $0.state == call.state && !$0.allowed.contains(call.tool) }
        }
        return .yes(wrong == nil, wrong.map { "'\($0.tool)' was called in '\($0.state)'" } ?? "only what is allowed")
    }
}
