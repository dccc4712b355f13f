/// Few calls and few errors. Scores what is left of the calls allowed.
struct ToolEfficiency: Check {
    static let names = ["tool_efficiency"]
    private let maxCalls: Int?
    private let maxErrors: Int?
    private let maxErrorRate: Double?

    init(_ fields: inout FieldReader) {
        maxCalls = fields.int("max_calls", atLeast: 0)
        maxErrors = fields.int("max_errors", atLeast: 0)
        maxErrorRate = fields.number("max_error_rate", in: 0...1)
        if maxCalls == nil, maxErrors == nil, maxErrorRate == nil { fields.missing("max_calls") }
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let calls = subject.turnCalls.count
        let errors = subject.turnCalls.count { $0.failed }
        let rate = calls == 0 ? 0 : Double(errors) / Double(calls)
        let words = "\(calls) calls, \(errors) errors"
        if calls > maxCalls ?? .max || errors > maxErrors ?? .max || rate > maxErrorRate ?? 1 {
            return CheckResult(score: 0, words)
        }
        guard let maxCalls, maxCalls > 0 else { return CheckResult(score: 1, words) }
        return CheckResult(score: 1 - Double(calls) / Double(maxCalls), words)
    }
}
