import Engine

/// One item of the conversation as lines.
struct ChatItem {
    let item: Transcript.Item
    /// Begins what the agent does after the person spoke.
    let isFirstOfAgent: Bool
    let width: Int
    let look: Look

    /// Room for `you` and `agent` before the text; none where it is scarce.
    private var margin: Int { width >= 40 ? 6 : 0 }
    private var textWidth: Int { max(width - margin, 1) }

    func lines(_ streaming: inout StreamingMarkdown) -> [Line] {
        switch item.content {
        case .user(let text):
            let safe = SafeText.block(text)
            let lines = safe.split(separator: "\n", omittingEmptySubsequences: false).flatMap {
                look.metrics.wrap(Line(String($0), .user), width: textWidth)
            }
            return labelled(lines, "you", .user)
        case .assistant(let message, let isStreaming): return assistant(message, isStreaming, &streaming)
        case .tool(let entry): return labelled(tool(entry), isFirstOfAgent ? "agent" : "", .assistant)
        case .notice(let notice): return labelled(self.notice(notice), "", .dim)
        }
    }

    private func labelled(_ lines: [Line], _ label: String, _ style: Style) -> [Line] {
        var lines = indented(lines)
        putLabel(label, style, on: &lines)
        return lines
    }

    private func indented(_ lines: [Line]) -> [Line] {
        guard margin > 0 else { return lines }
        let blank = Run(String(repeating: " ", count: margin))
        return lines.map { Line([blank] + $0.runs) }
    }

    /// On the margin of the first line.
    private func putLabel(_ label: String, _ style: Style, on lines: inout [Line]) {
        guard margin > 0, !label.isEmpty, !lines.isEmpty else { return }
        lines[0].runs[0] = Run(look.metrics.fit(label, to: margin), style)
    }

    // MARK: The agent's words

    private func assistant(
        _ message: Message, _ isStreaming: Bool, _ streaming: inout StreamingMarkdown
    ) -> [Line] {
        var lines = indented(reasoning(message, isStreaming))
        let text = SafeText.block(message.text)
        if isStreaming {
            lines += streaming.lines(of: text, width: textWidth, look: look, finish: indented)
            if message.text.isEmpty, message.reasoning == nil { lines += indented([Line(look.spinner, .dim)]) }
        } else if !text.isEmpty {
            let blocks = look.markdown.parse(text).map(\.block)
            lines += indented(MarkdownLayout.lines(blocks, width: textWidth, metrics: look.metrics))
        }
        if message.interrupted { lines += indented([Line("(interrupted)", .warning)]) }
        putLabel(isFirstOfAgent ? "agent" : "", .assistant, on: &lines)
        return lines
    }

    /// While the model thinks, its last words; afterwards one line.
    private func reasoning(_ message: Message, _ isStreaming: Bool) -> [Line] {
        guard let reasoning = message.reasoning, !reasoning.isEmpty else { return [] }
        let text = SafeText.oneLine(reasoning, limit: 1 << 20)
        guard isStreaming, message.text.isEmpty else {
            return [Line(look.metrics.cut("thought: " + text.prefix(1_000), to: textWidth), .dim)]
        }
        return look.metrics.wrap(Line("thinks: " + text.suffix(2_000), .dim), width: textWidth).suffix(4)
    }

    // MARK: Tools

    private func tool(_ entry: Transcript.ToolEntry) -> [Line] {
        let (ending, style) = ending(of: entry)
        let room = max(textWidth - look.metrics.width(of: ending) - 1, 8)
        let arguments = SafeText.oneLine(entry.call.arguments.text, limit: 2_000)
        let name = SafeText.oneLine(entry.call.tool, limit: 128)
        let call = look.metrics.cut("▸ \(name) \(arguments == "{}" ? "" : arguments)", to: room)
        var head = Line()
        head.append(String(call.prefix(2 + name.count)), .tool)
        head.append(String(call.dropFirst(2 + name.count)), .dim)
        let gap = textWidth - look.metrics.width(of: head) - look.metrics.width(of: ending)
        head.append(String(repeating: " ", count: max(gap, 1)), .plain)
        head.append(ending, style)
        return [head] + details(of: entry)
    }

    private func ending(of entry: Transcript.ToolEntry) -> (String, Style) {
        if entry.approval != nil { return ("waits for you", .warning) }
        guard let outcome = entry.outcome else {
            let elapsed = Numbers.duration(look.now.milliseconds - entry.started.milliseconds)
            return ("\(elapsed) \(look.spinner)", .accent)
        }
        switch outcome.status {
        case .ok where outcome.isMocked == true: return ("mocked ✓", .warning)
        case .ok: return ("\(Numbers.duration(outcome.milliseconds)) ✓", .good)
        case .failed: return ("\(Numbers.duration(outcome.milliseconds)) ✗", .bad)
        case .denied: return ("denied ✗", .warning)
        case .cancelled: return ("cancelled ✗", .warning)
        }
    }

    private func details(of entry: Transcript.ToolEntry) -> [Line] {
        if let outcome = entry.outcome, outcome.status == .failed || outcome.status == .denied {
            let text = SafeText.oneLine(outcome.text, limit: 600)
            return look.metrics.wrap(
                Line("  " + text, outcome.status == .failed ? .bad : .dim), width: textWidth, indent: 2)
        }
        if let outcome = entry.outcome, item.turn == nil { return result(outcome) }
        guard entry.outcome == nil, let progress = entry.progress else { return [] }
        var text = "  "
        if let total = progress.total, total > 0, (progress.progress / total).isFinite {
            let part = min(max(progress.progress / total, 0), 1)
            let full = Int(part * 20)
            text +=
                String(repeating: "▇", count: full) + String(repeating: "░", count: 20 - full) + " \(Int(part * 100))%"
        }
        if let message = progress.message { text += " " + SafeText.oneLine(message, limit: 200) }
        return [Line(look.metrics.cut(text, to: textWidth), .dim)]
    }

    /// What a tool said that the person called: nobody else tells it.
    private func result(_ outcome: ToolOutcome) -> [Line] {
        let value = (try? JSONParser.parse(outcome.text)).flatMap { $0.object != nil || $0.array != nil ? $0 : nil }
        let lines = SafeText.block(value?.prettyText ?? outcome.text).split(separator: "\n", maxSplits: 200)
        let shown = lines.prefix(20).flatMap { look.metrics.wrap(Line("  " + $0, .code), width: textWidth, indent: 4) }
        return shown + (lines.count > 20 ? [Line("  … the rest is in the trace", .dim)] : [])
    }

    private func notice(_ notice: Transcript.Notice) -> [Line] {
        let style: Style =
            switch notice.level {
            case .note: .dim
            case .warning: .warning
            case .error: .bad
            }
        let mark = notice.level == .error ? "✗ " : notice.level == .warning ? "! " : "· "
        let text = SafeText.block(notice.text).split(separator: "\n").joined(separator: " ")
        var lines = look.metrics.wrap(Line(mark + text, style), width: textWidth, indent: 2)
        if let hint = notice.hint {
            lines += look.metrics.wrap(Line("  hint: " + SafeText.oneLine(hint), .dim), width: textWidth, indent: 2)
        }
        return lines
    }
}
