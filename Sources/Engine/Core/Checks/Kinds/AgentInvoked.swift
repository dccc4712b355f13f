/// Each of these agents was asked. Scores the share that was.
struct AgentInvoked: Check {
    static let names = ["agent_invoked"]
    private let agents: [String]

    init(_ fields: inout FieldReader) { agents = fields.strings(anyOf: ["agents"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let lost = agents.filter { ToolRules.calls(ofAgent: $0, subject.turnCalls).isEmpty }
        return .share(
            agents.count - lost.count, of: agents.count, lost.isEmpty ? "all were asked" : "\(quoted(lost)) not asked")
    }
}
