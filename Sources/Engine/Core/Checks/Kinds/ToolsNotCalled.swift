/// None of these tools was called in the turn.
struct ToolsNotCalled: Check {
    static let names = ["tools_not_called"]
    private let tools: [String]

    init(_ fields: inout FieldReader) { tools = fields.strings(anyOf: ["tool_names", "tools"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        ToolRules.notCalled(tools, subject.turnCalls)
    }
}
