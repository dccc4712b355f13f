import Engine

/// Prints a turn while it happens: the answer to standard output, everything else to standard error.
struct TurnPrinter {
    let isQuiet: Bool
    private var hasOpenLine = false
    /// What was printed of the answer that is coming.
    private var said = ""

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    mutating func print(_ event: EngineEvent) {
        switch event.body {
        case .messageDelta(let delta) where delta.channel == .text:
            say(delta.text)
            said += delta.text
        case .messageCompleted(let message): complete(message)
        case .toolCallStarted(let started):
            note("▸ \(started.call.tool) \(SafeText.oneLine(started.call.arguments.text, limit: 300))")
        case .toolCallFinished(let outcome): note("  \(PlainText.ending(of: outcome))")
        case .diagnostic(let diagnostic): note(diagnostic.description)
        case .modelRetried(let retry): note(retry.text)
        case .turnFinished(let finished) where finished.reason != .completed: note("(\(finished.reason.rawValue))")
        default: if let notice = Transcript.notice(of: event.body) { note(notice.text) }
        }
    }

    private mutating func say(_ text: String) {
        guard !text.isEmpty else { return }
        Console.out(text, terminator: "")
        hasOpenLine = !text.hasSuffix("\n")
    }

    /// A guardrail may have put something else in the place of what came.
    private mutating func complete(_ message: Message) {
        if message.text.hasPrefix(said) {
            say(String(message.text.dropFirst(said.count)))
        } else {
            endLine()
            say(message.text)
        }
        said = ""
        endLine()
    }

    mutating func endLine() {
        if hasOpenLine { Console.out("") }
        hasOpenLine = false
    }

    private mutating func note(_ text: String) {
        endLine()
        if !isQuiet { Console.err(text) }
    }
}
