/// The results of so many calls match a regular expression.
struct ToolResultMatches: Check {
    static let names = ["tool_result_matches"]
    private let tool: String?
    private let pattern: String
    private let occurrence: Int

    init(_ fields: inout FieldReader) {
        tool = fields.string("tool")
        pattern = fields.pattern("pattern", required: true) ?? ""
        occurrence = fields.int("occurrence", atLeast: 1) ?? 1
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let compiled = try subject.pattern(pattern)
        let count = subject.turnCalls.count { (tool == nil || $0.tool == tool) && compiled.matches($0.result) }
        return .yes(count >= occurrence, "\(count) results match; \(occurrence) needed")
    }
}
