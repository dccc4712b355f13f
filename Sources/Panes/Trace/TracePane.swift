import Engine

/// The spans of a turn as a waterfall.
struct TracePane {
    private var tree = TraceTree()
    /// The turn that is shown; nil: the newest.
    private var turn: Int?
    private var selection = Selection()
    private var detail = Detail()
    private var lastHeight = 10
    private var lastWidth = 40

    mutating func apply(_ event: EngineEvent) {
        tree.apply(event)
        if case .turnStarted = event.body, turn == nil { selection = Selection() }
    }

    private var shown: TraceTree.Turn? {
        guard let last = tree.turns.indices.last else { return nil }
        return tree.turns[min(turn ?? last, last)]
    }

    // MARK: Keys

    mutating func handle(_ key: Key, look: Look) -> Bool {
        guard let shown else { return false }
        if detail.isOpen {
            return detail.handle(key, count: detailLines(look, lastWidth).count, page: lastHeight)
        }
        switch (key.code, key.modifiers) {
        case (.enter, []): detail.open()
        case (.left, []), (.character("h"), []), (.character("["), []): show((turn ?? tree.turns.count - 1) - 1)
        case (.right, []), (.character("l"), []), (.character("]"), []): show((turn ?? tree.turns.count - 1) + 1)
        default: return selection.handle(key, count: TraceTree.rows(of: shown).count, page: lastHeight)
        }
        return true
    }

    private mutating func show(_ index: Int) {
        guard tree.turns.indices.contains(index) else { return }
        turn = index == tree.turns.count - 1 ? nil : index
        selection = Selection()
    }

    // MARK: Drawing

    mutating func draw(on canvas: Canvas, isFocused: Bool, look: Look) {
        lastHeight = max(canvas.height - 1, 1)
        lastWidth = canvas.width
        guard let shown else {
            canvas.put(
                canvas.metrics.cut("spans appear here as the agent works", to: canvas.width), row: 0, style: .dim)
            return
        }
        if detail.isOpen { return detail.draw(detailLines(look, canvas.width), on: canvas) }
        let rows = TraceTree.rows(of: shown)
        let number = (turn ?? tree.turns.count - 1) + 1
        header("\(number)/\(tree.turns.count) \(SafeText.oneLine(shown.label, limit: 200))", on: canvas)
        let body = canvas.part(Rect(x: 0, y: 1, width: canvas.width, height: canvas.height - 1))
        let scale = Scale(shown, now: look.now)
        for (place, index) in selection.visible(count: rows.count, height: body.height).enumerated() {
            draw(rows[index], scale, row: place, on: body, look)
            if isFocused, index == selection.row { body.restyle(row: place, .selection) }
        }
    }

    private func header(_ text: String, on canvas: Canvas) {
        canvas.put(canvas.metrics.cut(text, to: canvas.width), row: 0, style: .dim)
    }

    /// Maps times to columns.
    private struct Scale {
        let start: Int
        let length: Int

        init(_ turn: TraceTree.Turn, now: Timestamp) {
            start = turn.spans.map(\.started.milliseconds).min() ?? turn.started.milliseconds
            let end = turn.spans.map { ($0.ended ?? now).milliseconds }.max() ?? start
            length = max(end - start, 1)
        }

        /// The columns of a bar, at least one.
        func columns(_ span: TraceSpan, _ now: Timestamp, width: Int) -> Range<Int> {
            let from = min((span.started.milliseconds - start) * width / length, width - 1)
            let to = ((span.ended ?? now).milliseconds - start) * width / length
            return max(from, 0)..<min(max(to, from + 1), width)
        }
    }

    private func draw(_ row: TraceTree.Row, _ scale: Scale, row place: Int, on canvas: Canvas, _ look: Look) {
        let span = row.span
        let indent = row.depth == 0 ? "" : String(repeating: "  ", count: row.depth - 1) + (row.hasNext ? "├ " : "└ ")
        let duration = Numbers.duration((span.ended ?? look.now).milliseconds - span.started.milliseconds)
        let time = canvas.width >= 24 ? 9 : 0
        let name = max(min(canvas.width * 2 / 5, 30), min(canvas.width - time, 12))
        let style: Style =
            span.ended == nil ? .accent : span.status == .error ? .bad : span.status == .cancelled ? .warning : .plain
        var column = canvas.put(indent, row: place, style: .dim)
        let label = SafeText.oneLine(span.name, limit: 100)
        column = canvas.put(
            canvas.metrics.cut(label, to: max(name - column, 1)), row: place, column: column, style: style)
        let barWidth = canvas.width - name - 1 - time
        if barWidth > 2 {
            let bar = scale.columns(span, look.now, width: barWidth)
            let glyph: Character = span.category == .approval ? "░" : "▇"
            canvas.put(
                String(repeating: glyph, count: bar.count), row: place, column: name + 1 + bar.lowerBound,
                style: span.category == .approval ? .barWaiting : span.status == .error ? .bad : .bar)
        }
        if time > 0 { canvas.putRight(duration, row: place, style: .dim) }
    }

    // MARK: Detail

    private func detailLines(_ look: Look, _ width: Int) -> [Line] {
        guard let shown else { return [] }
        let rows = TraceTree.rows(of: shown)
        guard rows.indices.contains(selection.row) else { return [] }
        let span = rows[selection.row].span
        var lines = look.metrics.wrap(Line(SafeText.oneLine(span.name), .heading), width: width)
        let duration = Numbers.duration((span.ended ?? look.now).milliseconds - span.started.milliseconds)
        let state = span.ended == nil ? "running" : span.status.rawValue
        let offset = span.started.milliseconds - shown.started.milliseconds
        lines.append(
            Line("\(span.category.rawValue) · \(state) · \(duration), begun after \(Numbers.duration(offset))", .dim))
        lines.append(Line())
        for (name, value) in span.attributes { lines += attribute(name, value, look, width) }
        lines.append(Line())
        lines.append(Line("Esc back", .dim))
        return lines
    }

    private func attribute(_ name: String, _ value: JSONValue, _ look: Look, _ width: Int) -> [Line] {
        let text = value.string ?? value.text
        // A text that is JSON is easier to read as JSON.
        let pretty =
            (try? JSONParser.parse(text)).flatMap { $0.object != nil || $0.array != nil ? $0.prettyText : nil } ?? text
        let safe = SafeText.block(pretty).split(separator: "\n", omittingEmptySubsequences: false)
        if safe.count == 1, name.count + safe[0].count + 2 <= width {
            return [Line([Run(SafeText.oneLine(name) + "  ", .dim), Run(String(safe[0]))])]
        }
        return [Line(SafeText.oneLine(name), .dim)]
            + safe.prefix(400).flatMap { look.metrics.wrap(Line("  " + $0), width: width, indent: 2) }
    }
}
