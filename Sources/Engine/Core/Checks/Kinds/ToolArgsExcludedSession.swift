/// No call of this tool in the session had these arguments.
struct ToolArgsExcludedSession: Check {
    static let names = ["tool_args_excluded_session", "tools_not_called_with_args"]
    private let rule: ToolArgumentsRule

    init(_ fields: inout FieldReader) {
        rule = ToolArgumentsRule(&fields, arguments: ["excluded_args", "forbidden_args"])
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let found = rule.present(in: subject.sessionCalls)
        return .yes(found.score == 0, found.explanation)
    }
}
