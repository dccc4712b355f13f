import Engine

/// Tokens and money.
struct CostPane {
    private(set) var ledger = CostLedger()

    mutating func apply(_ event: EngineEvent) { ledger.apply(event) }

    /// Rows that it wants.
    static let rows = 5

    func draw(on canvas: Canvas) {
        var lines = lines(canvas.width).flatMap { canvas.metrics.wrap($0, width: canvas.width, indent: 8) }
        if canvas.height > lines.count + 3, ledger.turns.count > 1 { lines += turns }
        for (row, line) in lines.prefix(canvas.height).enumerated() { canvas.put(line, row: row) }
    }

    private func lines(_ width: Int) -> [Line] {
        guard ledger.session.calls > 0 else { return [Line("nothing spent yet", .dim)] }
        var lines = [entry("session", ledger.session)]
        if let turn = ledger.turns.last {
            var line = entry("turn", turn)
            let bars = Numbers.sparkline(ledger.turns.suffix(16).map(\.cost.nanodollars))
            if ledger.turns.count > 1, line.text.count + bars.count + 2 <= width { line.append("  " + bars, .bar) }
            lines.append(line)
        }
        if let last = ledger.last { lines += context(last, width) }
        if ledger.models.count > 1 {
            for (model, spent) in ledger.models.sorted(by: { $0.key < $1.key }) {
                lines.append(entry(SafeText.oneLine(model, limit: 20), spent))
            }
        }
        return lines
    }

    /// Every turn, the newest first, where there is room.
    private var turns: [Line] {
        [Line()]
            + ledger.turns.enumerated().reversed().map { number, turn in entry("turn \(number + 1)", turn) }
    }

    private func entry(_ label: String, _ entry: CostLedger.Entry) -> Line {
        var line = Line()
        line.append(label.count < 8 ? label + String(repeating: " ", count: 8 - label.count) : label + " ", .dim)
        line.append(entry.text, entry.isComplete ? .strong : .warning)
        let cached = entry.usage.cacheRead > 0 ? " (cached \(Numbers.grouped(entry.usage.cacheRead)))" : ""
        line.append(" in ", .dim)
        line.append("\(Numbers.grouped(entry.usage.prompt))\(cached)", .plain)
        line.append(" out ", .dim)
        line.append(Numbers.grouped(entry.usage.output), .plain)
        return line
    }

    private func context(_ last: UsageReport, _ width: Int) -> [Line] {
        var lines: [Line] = []
        if let window = last.contextWindow, let percent = ledger.contextPercent {
            let length = width >= 48 ? 20 : 10
            let full = min(max(percent * length / 100, percent > 0 ? 1 : 0), length)
            var line = Line("context ", .dim)
            line.append(String(repeating: "▇", count: full), percent > 80 ? .warning : .bar)
            line.append(String(repeating: "░", count: length - full), .dim)
            line.append(percent == 0 ? " <1%" : " \(percent)%", .plain)
            line.append(" of \(Numbers.grouped(window))", .dim)
            lines.append(line)
        }
        let source =
            last.priceSource.map { SafeText.oneLine($0, limit: 80) }
            ?? "no price is known for \(SafeText.oneLine(last.model, limit: 60))"
        let kind = last.source == .estimated ? "estimated tokens" : "tokens as reported"
        lines.append(Line("\(kind), \(source)", last.priceSource == nil ? .warning : .dim))
        return lines
    }
}
