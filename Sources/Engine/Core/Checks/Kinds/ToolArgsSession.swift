/// A call of this tool in the session had these arguments.
struct ToolArgsSession: Check {
    static let names = ["tool_args_session"]
    private let rule: ToolArgumentsRule

    init(_ fields: inout FieldReader) { rule = ToolArgumentsRule(&fields, arguments: ["expected_args"]) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        rule.present(in: subject.sessionCalls)
    }
}
