/// At least one of these texts stands in an answer of the session, whatever its case.
struct ContainsAny: Check {
    static let names = ["contains_any", "content_includes_any"]
    private let patterns: [String]

    init(_ fields: inout FieldReader) { patterns = fields.strings(anyOf: ["patterns", "pattern"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let found = patterns.first { text in subject.answers.contains { $0.range(ofIgnoringCase: text) != nil } }
        return .yes(found != nil, found.map { "'\($0)' is there" } ?? "none of \(quoted(patterns)) is there")
    }
}
