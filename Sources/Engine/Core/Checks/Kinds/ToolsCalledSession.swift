/// Each of these tools was called in the session.
struct ToolsCalledSession: Check {
    static let names = ["tools_called_session"]
    private let rule: ToolsCalledRule

    init(_ fields: inout FieldReader) { rule = ToolsCalledRule(&fields) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { rule.judge(subject.sessionCalls) }
}
