/// The answer came in time.
struct LatencyBudget: Check {
    static let names = ["latency_budget"]
    private let limit: Int

    init(_ fields: inout FieldReader) {
        let found = fields.int("max_ms", atLeast: 1)
        if found == nil { fields.missing("max_ms") }
        limit = found ?? 1
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        guard let milliseconds = subject.milliseconds else { return CheckResult(score: 0, "the time is not known") }
        return CheckResult(
            score: min(1, Double(limit) / Double(max(milliseconds, 1))), "\(milliseconds) of \(limit) ms")
    }
}
