/// The answer is not longer than this. PromptKit counts bytes, and takes a token for four of them.
struct MaxLength: Check {
    static let names = ["max_length", "length"]
    private let limit: Int?
    private let tokens: Int?

    init(_ fields: inout FieldReader) {
        limit = fields.int(anyOf: ["max", "max_characters", "max_chars"], atLeast: 1)
        tokens = fields.int("max_tokens", atLeast: 1)
        if limit == nil, tokens == nil { fields.missing("max_characters") }
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        var score = 1.0
        var words: [String] = []
        if let limit {
            score = min(score, Double(limit) / Double(max(subject.length, 1)))
            words.append("\(subject.length) of \(limit) characters")
        }
        if let tokens {
            let used =
                subject.semantics == .strict ? TokenEstimate.tokens(subject.output) : subject.output.utf8.count / 4
            score = min(score, Double(tokens) / Double(max(used, 1)))
            words.append("about \(used) of \(tokens) tokens")
        }
        return CheckResult(score: min(score, 1), words.joined(separator: ", "))
    }

    var stream: StreamRule? { limit.map { .atMost($0) } }
}
