/// An agent's answer holds this text.
struct AgentResponseContains: Check {
    static let names = ["agent_response_contains"]
    private let agent: String
    private let text: String

    init(_ fields: inout FieldReader) {
        agent = fields.string("agent", required: true) ?? ""
        text = fields.string("contains", required: true) ?? ""
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let answers = ToolRules.calls(ofAgent: agent, subject.turnCalls).map(\.result)
        let fits = answers.contains { $0.range(ofIgnoringCase: text) != nil }
        return .yes(fits, answers.isEmpty ? "'\(agent)' was not asked" : fits ? "it is there" : "it is not there")
    }
}
