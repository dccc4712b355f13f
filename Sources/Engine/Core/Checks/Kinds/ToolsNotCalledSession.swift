/// None of these tools was called in the session.
struct ToolsNotCalledSession: Check {
    static let names = ["tools_not_called_session"]
    private let tools: [String]

    init(_ fields: inout FieldReader) { tools = fields.strings(anyOf: ["tool_names", "tools"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        ToolRules.notCalled(tools, subject.sessionCalls)
    }
}
