import Engine

/// Prints a turn while it happens: the answer to standard output, everything else to standard error.
struct TurnPrinter {
    let isQuiet: Bool
    private var hasOpenLine = false

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    mutating func print(_ event: EngineEvent) {
        switch event.body {
        case .messageDelta(let delta) where delta.channel == .text:
            Console.out(delta.text, terminator: "")
            hasOpenLine = !delta.text.hasSuffix("\n")
        case .messageCompleted: endLine()
        case .toolCallStarted(let started):
            note("▸ \(started.call.tool) \(SafeText.oneLine(started.call.arguments.text, limit: 300))")
        case .toolCallFinished(let outcome): note("  \(PlainText.ending(of: outcome))")
        case .diagnostic(let diagnostic): note(diagnostic.description)
        case .turnFinished(let finished) where finished.reason != .completed: note("(\(finished.reason.rawValue))")
        default: break
        }
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
