import Engine

/// The tool servers, and what they offer.
struct ToolsPane {
    private enum Row {
        case handler(HandlerState)
        case tool(HandlerState, ToolSummary)
    }

    private(set) var table = ToolTable()
    private var selection = Selection()
    private var detail = Detail()
    private var lastHeight = 10
    private var lastWidth = 40

    mutating func apply(_ event: EngineEvent) { table.apply(event) }

    /// Names of all tools, for completion.
    var toolNames: [String] { table.handlers.flatMap { $0.tools.map(\.name) } }

    private var rows: [Row] {
        table.handlers.flatMap { handler in [.handler(handler)] + handler.tools.map { .tool(handler, $0) } }
    }

    /// The tool under the cursor.
    var selectedTool: ToolSummary? {
        let rows = rows
        guard rows.indices.contains(selection.row), case .tool(_, let tool) = rows[selection.row] else { return nil }
        return tool
    }

    /// The handler under the cursor, or of the tool under it.
    var selectedHandler: String? {
        let rows = rows
        guard rows.indices.contains(selection.row) else { return nil }
        switch rows[selection.row] {
        case .handler(let handler), .tool(let handler, _): return handler.handler
        }
    }

    mutating func handle(_ key: Key, look: Look) -> Bool {
        if detail.isOpen {
            return detail.handle(key, count: detailLines(look, lastWidth).count, page: lastHeight)
        }
        if key.code == .enter, !rows.isEmpty {
            detail.open()
            return true
        }
        return selection.handle(key, count: rows.count, page: lastHeight)
    }

    mutating func draw(on canvas: Canvas, isFocused: Bool, look: Look) {
        lastHeight = max(canvas.height, 1)
        lastWidth = canvas.width
        let rows = rows
        guard !rows.isEmpty else {
            canvas.put(
                canvas.metrics.cut("no tools: there is no tools.yaml here", to: canvas.width), row: 0, style: .dim)
            return
        }
        if detail.isOpen { return detail.draw(detailLines(look, canvas.width), on: canvas) }
        for (place, index) in selection.visible(count: rows.count, height: canvas.height).enumerated() {
            switch rows[index] {
            case .handler(let handler): draw(handler, row: place, on: canvas, look)
            case .tool(_, let tool): draw(tool, row: place, on: canvas)
            }
            if isFocused, index == selection.row { canvas.restyle(row: place, .selection) }
        }
    }

    private func draw(_ handler: HandlerState, row: Int, on canvas: Canvas, _ look: Look) {
        let (mark, style): (String, Style) =
            switch handler.phase {
            case .ready: ("●", .good)
            case .starting: (look.spinner, .accent)
            case .failed: ("✗", .bad)
            case .stopped: ("○", .dim)
            }
        var column = canvas.put(mark + " ", row: row, style: style)
        column = canvas.put(
            canvas.metrics.cut(SafeText.oneLine(handler.handler, limit: 63), to: 24), row: row, column: column,
            style: .strong)
        column = canvas.put("  \(handler.kind)", row: row, column: column, style: .dim)
        let count = table.counts[handler.handler] ?? ToolTable.Count()
        let calls = Numbers.counted(count.calls, "call")
        let running = count.running > 0 ? "\(count.running) running  " : ""
        let right =
            handler.phase == .failed
            ? "failed" : "\(Numbers.counted(handler.tools.count, "tool"))  \(running)\(calls)  \(count.failures) err"
        if column + right.count + 2 <= canvas.width {
            canvas.putRight(right, row: row, style: count.failures > 0 || handler.phase == .failed ? .warning : .dim)
        }
    }

    private func draw(_ tool: ToolSummary, row: Int, on canvas: Canvas) {
        var column = canvas.put("    \(SafeText.oneLine(tool.name, limit: 64))", row: row, style: .tool)
        if !tool.readOnly { column = canvas.put(" ?", row: row, column: column, style: .warning) }
        let room = canvas.width - column - 2
        guard room > 8 else { return }
        canvas.put(
            canvas.metrics.cut(SafeText.oneLine(tool.description, limit: 300), to: room), row: row, column: column + 2,
            style: .dim)
    }

    private func times(_ handler: HandlerState) -> [Line] {
        guard let count = table.counts[handler.handler], let mean = count.mean else { return [] }
        let words =
            "\(Numbers.counted(count.calls, "call")), \(count.failures) failed; \(Numbers.duration(mean)) on average, "
            + "\(Numbers.duration(count.slowest)) at most"
        return [Line(words, .dim)]
    }

    private func output(_ tool: ToolSummary, _ wrapped: (String, Style) -> [Line]) -> [Line] {
        var lines: [Line] = []
        if let schema = tool.outputSchema {
            lines += [Line(), Line("answer", .dim)] + wrapped(schema.prettyText, .code)
        }
        if let hints = tool.hints?.object, !hints.isEmpty {
            let words = hints.map { "\($0) \($1.scalarText ?? $1.text)" }.joined(separator: ", ")
            lines += [Line()] + wrapped("the server says: \(words)", .dim)
        }
        return lines
    }

    private func detailLines(_ look: Look, _ width: Int) -> [Line] {
        let rows = rows
        guard rows.indices.contains(selection.row) else { return [] }
        func wrapped(_ text: String, _ style: Style = .plain) -> [Line] {
            SafeText.block(text).split(separator: "\n", omittingEmptySubsequences: false).flatMap {
                look.metrics.wrap(Line(String($0), style), width: width, indent: 2)
            }
        }
        switch rows[selection.row] {
        case .handler(let handler):
            let prompts = (handler.prompts ?? []).flatMap { wrapped("prompt \($0.name)  \($0.description)") }
            let resources = (handler.resources ?? []).flatMap { wrapped("resource \($0.uri)") }
            return wrapped(handler.handler, .heading) + wrapped("\(handler.kind) · \(handler.phase.rawValue)", .dim)
                + [Line()] + wrapped(handler.detail ?? "") + times(handler) + prompts + resources
                + [Line(), Line(handler.kind == "mcp/http" ? "l sign in · Esc back" : "Esc back", .dim)]
        case .tool(let handler, let tool):
            let kind = tool.readOnly ? "read-only: runs without asking" : "not known to be read-only: asks first"
            return wrapped(tool.name, .heading) + wrapped("\(handler.handler) · \(kind)", .dim) + [Line()]
                + wrapped(tool.description) + [Line(), Line("arguments", .dim)]
                + wrapped(tool.inputSchema.prettyText, .code) + output(tool) { wrapped($0, $1) }
                + [Line(), Line("c call by hand · m answer for it · Esc back", .dim)]
        }
    }
}
