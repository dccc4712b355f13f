import Engine

/// A conversation as lines of plain text: for pipes, terminals without a screen, and `sessions show`.
enum PlainText {
    static func lines(of item: Transcript.Item) -> [String] {
        switch item.content {
        case .user(let text): ["> " + text]
        case .assistant(let message, _):
            message.text.isEmpty ? [] : [message.text + (message.interrupted ? " […]" : "")]
        case .tool(let entry): [line(of: entry)]
        case .notice(let notice): [notice.text] + (notice.hint.map { ["hint: " + $0] } ?? [])
        }
    }

    static func line(of entry: Transcript.ToolEntry) -> String {
        let call = "▸ \(entry.call.tool) \(SafeText.oneLine(entry.call.arguments.text, limit: 200))"
        guard let outcome = entry.outcome else { return call }
        return call + "  " + ending(of: outcome)
    }

    static func ending(of outcome: ToolOutcome) -> String {
        let time = DurationText.text(outcome.milliseconds)
        switch outcome.status {
        case .ok: return outcome.isMocked == true ? "✓ mocked" : "✓ \(time)"
        case .failed: return "✗ \(time)  \(SafeText.oneLine(outcome.text, limit: 200))"
        case .denied: return "✗ not allowed"
        case .cancelled: return "✗ cancelled"
        }
    }
}
