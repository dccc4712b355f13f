/// So many calls were made in the turn, of one tool or of all.
struct ToolCallCount: Check {
    static let names = ["tool_call_count"]
    private let tool: String?
    private let minimum: Int?
    private let maximum: Int?

    init(_ fields: inout FieldReader) {
        tool = fields.string("tool")
        minimum = fields.int("min", atLeast: 0)
        maximum = fields.int("max", atLeast: 0)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let count = subject.turnCalls.count { tool == nil || $0.tool == tool }
        let fits = count >= (minimum ?? 0) && count <= (maximum ?? .max)
        return .yes(fits, "\(count) calls\(tool.map { " of '\($0)'" } ?? "")")
    }
}
