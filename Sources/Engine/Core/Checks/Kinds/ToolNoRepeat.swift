/// A tool is not called again and again without another between.
struct ToolNoRepeat: Check {
    static let names = ["tool_no_repeat"]
    private let tools: [String]
    private let limit: Int

    init(_ fields: inout FieldReader) {
        tools = fields.strings(anyOf: ["tools"])
        limit = fields.int("max_repeats", atLeast: 1) ?? 1
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        var last = ""
        var run = 0
        for call in subject.turnCalls {
            run = call.tool == last ? run + 1 : 1
            last = call.tool
            if run > limit, tools.isEmpty || tools.contains(last) {
                return .yes(false, "'\(last)' was called \(run) times in a row")
            }
        }
        return .yes(true, "no tool was repeated")
    }
}
