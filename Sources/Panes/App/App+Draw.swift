import Engine

extension App {
    package func draw(_ size: Size) -> Frame {
        let surface = Surface(size, metrics)
        let canvas = surface.canvas
        let toolRows = tools.table.handlers.reduce(0) { $0 + 1 + $1.tools.count }
        let layout = ScreenLayout(
            size, focused: focus, isZoomed: isZoomed, side: side, toolRows: toolRows, costRows: CostPane.rows)
        if let tabs = layout.tabs { drawTabs(canvas.part(tabs)) }
        for pane in PaneID.allCases {
            if let rect = layout.panes[pane] { draw(pane, rect, canvas, hasBorder: layout.hasBorders) }
        }
        if let status = layout.status { drawStatus(canvas.part(status)) }
        popup?.draw(on: canvas)
        return surface.frame
    }

    private func drawTabs(_ canvas: Canvas) {
        var column = 0
        for pane in PaneID.allCases {
            let waits = pane == .chat && focus != .chat && waitsForPerson
            let label = " \(pane.rawValue + 1) \(pane.title)\(waits ? " !" : "") "
            column = canvas.put(
                label, row: 0, column: column, style: pane == focus ? .selection : waits ? .warning : .dim)
        }
        canvas.putRight(isZoomed && canvas.width >= 100 ? "Alt-z back " : "Tab next ", row: 0, style: .dim)
    }

    private func draw(_ pane: PaneID, _ rect: Rect, _ canvas: Canvas, hasBorder: Bool) {
        let isFocused = pane == focus
        var inside = canvas.part(rect)
        if hasBorder {
            canvas.box(rect, title: title(of: pane), isFocused: isFocused)
            inside = canvas.part(rect.inner)
        }
        switch pane {
        case .chat: drawChat(inside)
        case .trace: trace.draw(on: inside, isFocused: isFocused, look: look)
        case .costs: costs.draw(on: inside)
        case .tools: tools.draw(on: inside, isFocused: isFocused, look: look)
        case .pack: pack.draw(on: inside, look: look)
        case .wire: wire.draw(on: inside, isFocused: isFocused, look: look)
        }
    }

    private func title(of pane: PaneID) -> String {
        guard pane == .chat else { return pane.title }
        return "Chat" + (transcript.title.map { " · " + SafeText.oneLine($0, limit: 60) } ?? "")
    }

    // MARK: Chat

    private func drawChat(_ canvas: Canvas) {
        chatWidth = canvas.width
        let composerRows = composer.rows(width: canvas.width, limit: max(1, canvas.height / 3), metrics: metrics)
        let separator = canvas.height - composerRows >= 3 ? 1 : 0
        let notes = canvas.height >= 6 ? queue.count.signum() : 0
        let images = canvas.height >= 6 ? attachments.count.signum() : 0
        var bottom = canvas.height - composerRows
        composer.draw(
            on: canvas.part(Rect(x: 0, y: bottom, width: canvas.width, height: composerRows)),
            isFocused: focus == .chat && popup == nil)
        bottom -= separator
        if separator > 0 { canvas.fill("─", style: .border, row: bottom) }
        bottom -= notes
        if notes > 0 {
            let more = queue.count > 1 ? " (and \(queue.count - 1) more)" : ""
            let text = "then: " + SafeText.oneLine(queue[0], limit: 200) + more
            canvas.put(metrics.cut(text, to: canvas.width), row: bottom, style: .dim)
        }
        bottom -= images
        if images > 0 {
            let names = attachments.map { "▣ " + SafeText.oneLine($0.name, limit: 60) }.joined(separator: "  ")
            canvas.put(canvas.metrics.cut(names, to: canvas.width), row: bottom, style: .accent)
        }
        bottom -= drawCard(canvas, above: bottom)
        bottom -= drawNotes(canvas, above: bottom)
        let body = canvas.part(Rect(x: 0, y: 0, width: canvas.width, height: bottom))
        if transcript.items.isEmpty { drawWelcome(body) } else { chat.draw(on: body, look: look) }
    }

    /// What waits for the person: approvals first, then questions.
    private func card(width: Int) -> [Line]? {
        let others = transcript.approvals.count + transcript.questions.count - 1
        let hasPlainKeys = composer.isEmpty && composer.purpose == .message
        if let request = approval {
            return ApprovalCard(request: request, others: others, hasPlainKeys: hasPlainKeys)
                .lines(width: width, metrics: metrics)
        }
        return question.map {
            QuestionCard(question: $0, others: others, hasPlainKeys: hasPlainKeys, now: now).lines(
                width: width, metrics: metrics)
        }
    }

    /// - Returns: the rows that the card takes.
    private func drawCard(_ canvas: Canvas, above bottom: Int) -> Int {
        guard bottom >= 3, let lines = card(width: max(canvas.width - 4, 4)) else { return 0 }
        let height = min(lines.count + 2, bottom)
        // Where there is no room for all of it, the keys matter most.
        let shown =
            lines.count + 2 > height
            ? Array(lines.prefix(1)) + lines.filter { $0.runs.contains { $0.style == .key } } : lines
        DecisionCard.draw(shown, on: canvas.part(Rect(x: 0, y: bottom - height, width: canvas.width, height: height)))
        return height
    }

    /// What loading the workspace had to say.
    private func drawNotes(_ canvas: Canvas, above bottom: Int) -> Int {
        var lines: [Line] = []
        for note in notes {
            let style: Style = note.severity == .error ? .bad : note.severity == .warning ? .warning : .dim
            lines += SafeText.block(note.description).split(separator: "\n").flatMap {
                metrics.wrap(Line(String($0), style), width: canvas.width, indent: 2)
            }
        }
        let height = min(lines.count, max(bottom * 2 / 3, 0))
        for (row, line) in lines.prefix(height).enumerated() { canvas.put(line, row: bottom - height + row) }
        return height
    }

    private func drawWelcome(_ canvas: Canvas) {
        guard let opened = transcript.opened else { return }
        var lines = [
            Line([
                Run(SafeText.oneLine("\(opened.pack)@\(opened.packVersion)", limit: 80), .heading),
                Run(" · prompt \(SafeText.oneLine(opened.prompt, limit: 60)) · \(model(opened))", .dim),
            ]), Line(),
        ]
        lines += opened.workspace == "demo" ? demoHints(opened) : [Line("Say something.")]
        lines.append(
            Line([
                Run("^P", .key), Run(" every action   ", .dim), Run("F1", .key), Run(" keys   ", .dim),
                Run("^C ^C", .key), Run(" leaves", .dim),
            ]))
        let wrapped = lines.flatMap { metrics.wrap($0, width: max(canvas.width - 2, 1)) }
        for (row, line) in wrapped.prefix(canvas.height).enumerated() { canvas.put(line, row: row, column: 1) }
    }

    private func demoHints(_ opened: SessionOpened) -> [Line] {
        let first = Line([Run("Type "), Run("where is order 1042?", .key), Run(" and press Enter.")])
        let then = Line([
            Run("Then "), Run("track parcel PX-1042", .key), Run(" and "), Run("cancel order 1043", .key), Run("."),
        ])
        let mock = Line("The model is played by a script; the tools are real. No key, no network.", .dim)
        return [first, then, Line()] + (opened.isMock ? [mock] : [])
    }

    // MARK: Status

    private func model(_ opened: SessionOpened) -> String {
        opened.isMock ? "mock" : SafeText.oneLine(opened.model, limit: 60)
    }

    private func drawStatus(_ canvas: Canvas) {
        if let flash {
            canvas.put(metrics.cut(" " + flash.text, to: canvas.width), row: 0, style: flash.style)
            return
        }
        if let trouble {
            canvas.put(
                metrics.cut(" ✗ " + SafeText.oneLine(trouble, limit: 300), to: canvas.width), row: 0, style: .bad)
            return
        }
        let left = statusParts().joined(separator: " · ")
        let room = canvas.width - metrics.width(of: left) - 4
        canvas.put(metrics.cut(" " + left, to: canvas.width), row: 0, style: .status)
        if let right = statusKeys().first(where: { metrics.width(of: $0) <= room }) {
            canvas.putRight(right + " ", row: 0, style: .dim)
        }
    }

    private func statusParts() -> [String] {
        var parts: [String] = []
        if let started = transcript.turnStarted {
            let waits = waitsForPerson ? "waits for you" : Numbers.duration(now.milliseconds - started.milliseconds)
            parts.append("\(look.spinner) \(waits)")
        }
        if let opened = transcript.opened {
            parts.append((place.map { "\($0) " } ?? "") + workspaceName(opened.workspace))
            parts.append(SafeText.oneLine("\(opened.pack)@\(opened.packVersion)", limit: 60))
            parts.append(model(opened))
            if let way = wayOut { parts.append(way) }
            if pack.state?.semantics == Semantics.promptKit.rawValue { parts.append("as PromptKit") }
            if pack.state?.problems.isEmpty == false { parts.append("✗ files") }
        }
        if costs.ledger.session.calls > 0 { parts.append(costs.ledger.session.text) }
        if let percent = costs.ledger.contextPercent { parts.append(percent == 0 ? "ctx <1%" : "ctx \(percent)%") }
        return parts
    }

    /// Where the workflow stands, and its way out.
    private var wayOut: String? {
        guard let state = pack.state?.states.first(where: \.isCurrent) else { return nil }
        let name = SafeText.oneLine(state.name, limit: 30)
        guard !state.isEnd else { return "\(name) (end)" }
        let events = state.events.keys.sorted().joined(separator: ", ")
        return "\(name) ▸ \(SafeText.oneLine(events, limit: 40))"
    }

    private func workspaceName(_ path: String) -> String {
        SafeText.oneLine(path.split(separator: "/").last.map(String.init) ?? path, limit: 30)
    }

    /// The longest first; one of them fits.
    private func statusKeys() -> [String] {
        if waitsForPerson, focus != .chat { return ["Alt-1 to decide"] }
        let stop = isWorking ? "Esc stop  " : ""
        return [stop + "^P palette  Tab pane  F1 keys", stop + "^P palette  F1 keys", stop + "F1 keys", "F1"]
    }
}
