/// A call of this tool in the turn had these arguments.
struct ToolArgs: Check {
    static let names = ["tool_args"]
    private let rule: ToolArgumentsRule

    init(_ fields: inout FieldReader) { rule = ToolArgumentsRule(&fields, arguments: ["expected_args"]) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { rule.present(in: subject.turnCalls) }
}
