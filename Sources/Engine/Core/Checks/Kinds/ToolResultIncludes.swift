/// The results of so many calls hold all of these texts.
struct ToolResultIncludes: Check {
    static let names = ["tool_result_includes"]
    private let tool: String?
    private let patterns: [String]
    private let occurrence: Int

    init(_ fields: inout FieldReader) {
        tool = fields.string("tool")
        patterns = fields.strings(anyOf: ["patterns", "pattern"], required: true)
        occurrence = fields.int("occurrence", atLeast: 1) ?? 1
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let count = subject.turnCalls.count { call in
            (tool == nil || call.tool == tool)
                && patterns.allSatisfy { call.result.range(ofIgnoringCase: $0) != nil }
        }
        return .yes(count >= occurrence, "\(count) results fit; \(occurrence) needed")
    }
}
