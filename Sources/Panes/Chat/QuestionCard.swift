import Engine

/// What a tool, or its server, asks the person.
struct QuestionCard {
    let question: Question
    /// Other questions that wait behind this one.
    let others: Int
    /// The keys without Alt answer too, because nothing is being written.
    let hasPlainKeys: Bool
    let now: Timestamp

    /// What a key does; nil when it is no answer.
    enum Answer { case accept, decline, copy, paste }

    static func answer(_ key: Key, _ question: Question, hasPlainKeys: Bool) -> Answer? {
        guard key.modifiers == .alt || (hasPlainKeys && key.modifiers.isEmpty),
            case .character(let character) = key.code
        else { return nil }
        switch character {
        case "a": return .accept
        case "n": return .decline
        case "u" where question.kind == .link: return .copy
        case "p" where question.kind == .link: return .paste
        default: return nil
        }
    }

    func lines(width: Int, metrics: TextMetrics) -> [Line] {
        let from = SafeText.oneLine(question.from, limit: 128)
        var lines = metrics.wrap(Line([Run(from, .tool), Run(" asks you")]), width: width)
        let words = SafeText.block(question.message).split(separator: "\n", omittingEmptySubsequences: false)
        lines += words.prefix(12).flatMap { metrics.wrap(Line(String($0)), width: width) }.prefix(14)
        if words.count > 12 { lines.append(Line("… \(words.count - 12) more lines", .dim)) }
        if let url = question.url {
            // All of it, so that nobody is led astray.
            lines += metrics.wrap(Line(SafeText.oneLine(url, limit: 4_096), .code), width: width)
            if let host = WebAddress(url)?.host {
                lines += metrics.wrap(
                    Line([Run("It leads to ", .dim), Run(SafeText.oneLine(host, limit: 200), .strong)]), width: width)
            }
        }
        let alt = hasPlainKeys ? "" : "Alt-"
        lines += metrics.wrap(Line(keys.flatMap { [Run(alt + $0.key, .key), Run(" \($0.words)   ")] }), width: width)
        if let until = question.until {
            let left = max(0, until.milliseconds - now.milliseconds) / 1_000
            lines.append(Line("\(left) s left", left < 15 ? .warning : .dim))
        }
        if others > 0 {
            lines.append(Line("\(others) more \(others == 1 ? "question waits" : "questions wait")", .warning))
        }
        return lines
    }

    private var keys: [(key: String, words: String)] {
        switch question.kind {
        case .answer: [("a", "answer"), ("n", "decline")]
        case .form: [("a", "fill in"), ("n", "decline")]
        case .link: [("a", "I have been there"), ("u", "copy the address"), ("p", "paste where it ended"), ("n", "no")]
        case .model: [("a", "let it ask"), ("n", "no")]
        case .confirm: [("a", "yes"), ("n", "no")]
        }
    }
}
