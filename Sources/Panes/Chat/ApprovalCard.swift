import Engine

/// The question whether a tool may run.
struct ApprovalCard {
    let request: ApprovalRequest
    /// Other questions that wait behind this one.
    let others: Int
    /// The keys without Alt answer too, because nothing is being written.
    let hasPlainKeys: Bool

    /// What a key answers; nil when it is no answer.
    enum Answer { case once, session, deny }

    static func answer(_ key: Key, hasPlainKeys: Bool) -> Answer? {
        guard key.modifiers == .alt || (hasPlainKeys && key.modifiers.isEmpty),
            case .character(let character) = key.code
        else { return nil }
        switch character {
        case "y": return .once
        case "s": return .session
        case "n": return .deny
        default: return nil
        }
    }

    func lines(width: Int, metrics: TextMetrics) -> [Line] {
        let tool = SafeText.oneLine(request.call.tool, limit: 128)
        let handler = request.handler.map { " of " + SafeText.oneLine($0, limit: 64) } ?? ""
        var lines = metrics.wrap(Line([Run("May "), Run(tool, .tool), Run("\(handler) run?")]), width: width)
        let arguments = SafeText.block(request.call.arguments.prettyText).split(separator: "\n")
        lines += arguments.prefix(8).flatMap { metrics.wrap(Line("  " + $0, .code), width: width, indent: 4) }.prefix(
            10)
        if arguments.count > 8 { lines.append(Line("  … \(arguments.count - 8) more lines", .dim)) }
        lines += metrics.wrap(
            Line("asked because: " + SafeText.oneLine(request.reason, limit: 300), .dim), width: width)
        let alt = hasPlainKeys ? "" : "Alt-"
        let keys = Line([
            Run("\(alt)y", .key), Run(" once   "), Run("\(alt)s", .key), Run(" for this session   "),
            Run("\(alt)n", .key),
            Run(" no, and say why"),
        ])
        lines += metrics.wrap(keys, width: width)
        let covers = "for this session means: " + SafeText.oneLine(request.covers, limit: 300)
        lines += metrics.wrap(Line(covers, .dim), width: width)
        if others > 0 {
            lines.append(Line("\(others) more \(others == 1 ? "question waits" : "questions wait")", .warning))
        }
        return lines
    }

}

/// A card over the composer.
enum DecisionCard {
    static func draw(_ lines: [Line], on canvas: Canvas) {
        canvas.fill()
        canvas.box(
            Rect(x: 0, y: 0, width: canvas.width, height: canvas.height), title: "your decision", isFocused: true)
        let inside = canvas.part(Rect(x: 2, y: 1, width: canvas.width - 4, height: canvas.height - 2))
        for (row, line) in lines.enumerated() { inside.put(line, row: row) }
    }
}
