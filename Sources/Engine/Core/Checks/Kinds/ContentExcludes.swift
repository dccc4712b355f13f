/// None of these texts stands in an answer of the session. PromptKit looks for them anywhere while an answer is
/// streaming, even where whole words are asked for.
struct ContentExcludes: Check {
    static let names = ["content_excludes", "banned_words", "content_not_includes"]
    private let forbidden: [ForbiddenText]

    init(_ fields: inout FieldReader) {
        let isWords = fields.object["words"] != nil
        let patterns = fields.strings(anyOf: ["patterns", "words"], required: true)
        let mode = fields.choice("match_mode", of: ["substring", "word_boundary"])
        let asWord = mode.map { $0 == "word_boundary" } ?? isWords
        forbidden = patterns.map { ForbiddenText($0, asWord: asWord) }
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let found = forbidden.first { text in subject.answers.contains { text.range(in: $0) != nil } }
        return .yes(found == nil, found.map { "'\($0.text)' is there" } ?? "none is there")
    }

    var stream: StreamRule? { .forbids(forbidden) }
}
