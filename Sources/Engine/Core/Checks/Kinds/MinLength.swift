/// The answer is at least this long.
struct MinLength: Check {
    static let names = ["min_length"]
    private let limit: Int

    init(_ fields: inout FieldReader) {
        let found = fields.int(anyOf: ["min", "min_characters", "min_chars"], atLeast: 1)
        if found == nil { fields.missing("min_characters") }
        limit = found ?? 1
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        CheckResult(
            score: min(Double(subject.length) / Double(limit), 1), "\(subject.length) of \(limit) characters")
    }
}
