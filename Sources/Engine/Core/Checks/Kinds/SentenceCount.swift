/// At most so many sentences. In PromptKit it always passes.
struct SentenceCount: Check {
    static let names = ["sentence_count", "max_sentences"]
    private let limit: Int?

    init(_ fields: inout FieldReader) { limit = fields.int(anyOf: ["max", "max_sentences"], atLeast: 1) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let count = Self.sentences(subject.output)
        guard subject.semantics == .strict, let limit else {
            return CheckResult(score: 1, "\(count) sentences; nothing is required")
        }
        return .yes(count <= limit, "\(count) of at most \(limit) sentences")
    }

    /// Runs of text that end with `.`, `!` or `?` before a space or the end.
    static func sentences(_ text: String) -> Int {
        var count = 0
        var hasWords = false
        var previous: Character = " "
        for character in text + " " {
            if character.isWhitespace, ".!?…。！？".contains(previous), hasWords {
                count += 1
                hasWords = false
            }
            if character.isLetter || character.isNumber { hasWords = true }
            previous = character
        }
        return count + (hasWords ? 1 : 0)
    }
}
