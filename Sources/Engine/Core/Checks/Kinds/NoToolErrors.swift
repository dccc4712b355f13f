/// No tool failed. Scores the share of calls that went well.
struct NoToolErrors: Check {
    static let names = ["no_tool_errors"]
    private let tools: [String]

    init(_ fields: inout FieldReader) { tools = fields.strings(anyOf: ["tools"]) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let calls = subject.turnCalls.filter { tools.isEmpty || tools.contains($0.tool) }
        let failed = calls.count { $0.failed }
        return .share(calls.count - failed, of: calls.count, "\(failed) of \(calls.count) calls failed")
    }
}
