/// None of these agents was asked.
struct AgentNotInvoked: Check {
    static let names = ["agent_not_invoked"]
    private let agents: [String]

    init(_ fields: inout FieldReader) { agents = fields.strings(anyOf: ["agents"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let found = agents.filter { !ToolRules.calls(ofAgent: $0, subject.turnCalls).isEmpty }
        return .yes(found.isEmpty, found.isEmpty ? "none was asked" : "\(quoted(found)) was asked")
    }
}
