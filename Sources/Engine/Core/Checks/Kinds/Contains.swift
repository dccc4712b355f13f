/// All of these texts stand in the answer, whatever their case. Scores the share that does.
struct Contains: Check {
    static let names = ["contains", "content_includes"]
    private let patterns: [String]

    init(_ fields: inout FieldReader) { patterns = fields.strings(anyOf: ["patterns", "pattern"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        guard !patterns.isEmpty else { return CheckResult(score: 0, "no patterns are given") }
        let lost = patterns.filter { subject.output.range(ofIgnoringCase: $0) == nil }
        return .share(
            patterns.count - lost.count, of: patterns.count, lost.isEmpty ? "all are there" : "without \(quoted(lost))")
    }
}
