import Engine

/// The conversation, from its end upwards. Only what is seen is laid out; the lines of an item are kept until it
/// changes.
struct ChatPane {
    private struct Kept {
        var revision: Int
        var width: Int
        var lines: [Line]
    }

    private(set) var transcript = Transcript()
    private var kept: [Int: Kept] = [:]
    private var streaming: (item: Int, width: Int, markdown: StreamingMarkdown, at: Timestamp)?
    /// The last drawing shows a streaming message as it was a moment ago, so that keys are painted at once.
    private(set) var isBehind = false
    /// The first line that is seen; nil follows the end.
    private var top: (item: Int, line: Int)?
    private var lastHeight = 10

    /// Items whose lines are kept; far more than a screen shows.
    private static let keptLimit = 400
    /// Milliseconds between two layouts of a streaming message.
    private static let frame = 15

    mutating func apply(_ event: EngineEvent) { transcript.apply(event) }

    var isFollowing: Bool { top == nil }

    mutating func follow() { top = nil }

    // MARK: Lines

    private mutating func lines(of index: Int, _ width: Int, _ look: Look) -> [Line] {
        let item = transcript.items[index]
        let isLive: Bool =
            switch item.content {
            case .tool(let entry): entry.outcome == nil
            case .assistant(let message, let isStreaming): isStreaming && message.text.isEmpty
            default: false
            }
        if !isLive, let known = kept[index], known.revision == item.revision, known.width == width {
            return known.lines
        }
        let before = streaming.flatMap { $0.item == index && $0.width == width ? $0 : nil }
        if let before, let known = kept[index], known.width == width,
            case .assistant(_, isStreaming: true) = item.content,
            (0..<Self.frame).contains(look.now.milliseconds - before.at.milliseconds)
        {
            isBehind = true
            return known.lines
        }
        var markdown = before?.markdown ?? StreamingMarkdown()
        var lines = ChatItem(item: item, isFirstOfAgent: isFirstOfAgent(index), width: width, look: look)
            .lines(&markdown)
        if case .assistant(_, isStreaming: true) = item.content {
            streaming = (index, width, markdown, look.now)
        } else if streaming?.item == index {
            streaming = nil
        }
        if hasGap(before: index) { lines.insert(Line(), at: 0) }
        if kept.count >= Self.keptLimit { kept.removeAll(keepingCapacity: true) }
        kept[index] = Kept(revision: item.revision, width: width, lines: lines)
        return lines
    }

    /// Nothing of the agent stands between the item and what the person said.
    private func isFirstOfAgent(_ index: Int) -> Bool {
        for item in transcript.items[..<index].reversed() {
            switch item.content {
            case .user: return true
            case .notice: continue
            case .assistant, .tool: return false
            }
        }
        return true
    }

    private func hasGap(before index: Int) -> Bool {
        guard index > 0 else { return false }
        switch (transcript.items[index - 1].content, transcript.items[index].content) {
        case (.tool, .tool), (.notice, .notice): return false
        case (.user, .tool), (.user, .notice): return true
        default: return true
        }
    }

    // MARK: Scrolling

    /// Moves by lines; up is negative.
    mutating func scroll(by amount: Int, width: Int, look: Look) {
        var place = top ?? end(width, lastHeight, look)
        place.line += amount
        while place.line < 0, place.item > 0 {
            place.item -= 1
            place.line += lines(of: place.item, width, look).count
        }
        place.line = max(place.line, 0)
        while place.item < transcript.items.count {
            let count = lines(of: place.item, width, look).count
            if place.line < count { break }
            place.item += 1
            place.line -= count
        }
        let end = end(width, lastHeight, look)
        top = (place.item, place.line) < (end.item, end.line) ? place : nil
    }

    mutating func scrollToStart() { top = transcript.items.isEmpty ? nil : (0, 0) }

    mutating func scrollPage(_ direction: Int, width: Int, look: Look) {
        scroll(by: direction * max(lastHeight - 2, 1), width: width, look: look)
    }

    /// The first line to show so that the last one is at the bottom.
    private mutating func end(_ width: Int, _ height: Int, _ look: Look) -> (item: Int, line: Int) {
        var left = height
        var index = transcript.items.count
        while index > 0 {
            index -= 1
            let count = lines(of: index, width, look).count
            if count >= left { return (index, count - left) }
            left -= count
        }
        return (0, 0)
    }

    // MARK: Drawing

    mutating func draw(on canvas: Canvas, look: Look) {
        lastHeight = canvas.height
        isBehind = false
        guard canvas.height > 0, canvas.width > 0 else { return }
        var place = top ?? end(canvas.width, canvas.height, look)
        var row = 0
        while row < canvas.height, place.item < transcript.items.count {
            for line in lines(of: place.item, canvas.width, look).dropFirst(place.line).prefix(canvas.height - row) {
                canvas.put(line, row: row)
                row += 1
            }
            place = (place.item + 1, 0)
        }
        if place.item < transcript.items.count || !isFollowing {
            canvas.putRight(" ↓ more below (End) ", row: canvas.height - 1, style: .accent)
        }
    }

    /// The last answer of the agent, for the clipboard.
    var lastAnswer: String? {
        for item in transcript.items.reversed() {
            if case .assistant(let message, _) = item.content, !message.text.isEmpty { return message.text }
        }
        return nil
    }

    /// What the person said, oldest first.
    var userTexts: [String] {
        transcript.items.compactMap { if case .user(let text) = $0.content { text } else { nil } }
    }
}
