/// Every call of this tool meets the conditions, and there is at least one.
struct ToolCallsWithArgs: Check {
    static let names = ["tool_calls_with_args"]
    private let rule: ToolCallRule

    init(_ fields: inout FieldReader) { rule = ToolCallRule(&fields, tool: ["tool_name", "tool"], isRequired: false) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let calls = subject.turnCalls.filter { rule.tool == nil || $0.tool == rule.tool }
        guard !calls.isEmpty else { return .yes(false, "'\(rule.tool ?? "no tool")' was not called") }
        var wrong = 0
        for call in calls where try !rule.isMet(by: call, subject) { wrong += 1 }
        return .yes(
            wrong == 0, wrong == 0 ? "all \(calls.count) calls fit" : "\(wrong) of \(calls.count) calls do not fit")
    }
}
