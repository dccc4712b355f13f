/// The answer matches a regular expression, or must not. `regex_match` is the name of schema 1.0.
struct RegexMatch: Check {
    static let names = ["regex", "content_matches", "regex_match"]
    private let pattern: String
    private let expected: Bool

    init(_ fields: inout FieldReader) {
        pattern = fields.pattern("pattern", required: true) ?? ""
        expected = fields.bool("expect_match") ?? fields.bool("must_match") ?? true
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let matches = try subject.pattern(pattern).matches(subject.output)
        return .yes(matches == expected, matches ? "'\(pattern)' matches" : "'\(pattern)' does not match")
    }
}
