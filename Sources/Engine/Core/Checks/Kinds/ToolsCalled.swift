/// Each of these tools was called in the turn. Scores the share that was.
struct ToolsCalled: Check {
    static let names = ["tools_called", "tool_called"]
    private let rule: ToolsCalledRule

    init(_ fields: inout FieldReader) { rule = ToolsCalledRule(&fields) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { rule.judge(subject.turnCalls) }
}
