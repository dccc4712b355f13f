package import Engine

/// Lays Markdown out in lines of a width.
package struct MarkdownLayout {
    private let metrics: TextMetrics
    private let width: Int

    package static func lines(_ blocks: [MarkdownBlock], width: Int, metrics: TextMetrics) -> [Line] {
        MarkdownLayout(metrics: metrics, width: max(width, 4)).lines(blocks, isTight: false)
    }

    private func narrower(by columns: Int) -> MarkdownLayout {
        MarkdownLayout(metrics: metrics, width: max(width - columns, 4))
    }

    private func lines(_ blocks: [MarkdownBlock], isTight: Bool) -> [Line] {
        var result: [Line] = []
        for block in blocks {
            if !result.isEmpty, !isTight { result.append(Line()) }
            result += lines(of: block)
        }
        return result
    }

    private func lines(of block: MarkdownBlock) -> [Line] {
        switch block {
        case .paragraph(let inlines): return wrapped(inlines, .plain)
        case .heading(let level, let inlines):
            let lines = wrapped(inlines, .heading)
            guard level == 1, let longest = lines.map({ metrics.width(of: $0) }).max() else { return lines }
            return lines + [Line(String(repeating: "─", count: longest), .dim)]
        case .list(let start, let items): return list(start, items)
        case .quote(let blocks):
            return narrower(by: 2).lines(blocks, isTight: false).map { line in
                Line([Run("│ ", .dim)] + line.runs.map { Run($0.text, $0.style == .plain ? .quote : $0.style) })
            }
        case .code(let language, let text): return code(language, text)
        case .table(let rows): return table(rows)
        case .rule: return [Line(String(repeating: "─", count: min(width, 40)), .dim)]
        case .html(let text): return code("html", text)
        }
    }

    // MARK: Text

    private func wrapped(_ inlines: [MarkdownInline], _ style: Style) -> [Line] {
        lines(of: inlines, style).flatMap { metrics.wrap($0, width: width) }
    }

    /// The lines between hard breaks.
    private func lines(of inlines: [MarkdownInline], _ style: Style) -> [Line] {
        var lines = [Line()]
        add(inlines, style, to: &lines)
        return lines
    }

    private func add(_ inlines: [MarkdownInline], _ style: Style, to lines: inout [Line]) {
        for inline in inlines {
            switch inline {
            case .text(let text): lines[lines.count - 1].append(text, style)
            case .code(let text): lines[lines.count - 1].append(text, .code)
            case .lineBreak: lines.append(Line())
            case .emphasis(let inner): add(inner, style == .plain ? .emphasis : style, to: &lines)
            case .strong(let inner): add(inner, style == .heading ? style : .strong, to: &lines)
            case .strike(let inner): add(inner, .strike, to: &lines)
            case .link(let url, let inner):
                add(inner, .link, to: &lines)
                let text = plain(inner)
                if !url.isEmpty, url != text, url != "mailto:" + text {
                    lines[lines.count - 1].append(" (\(url))", .dim)
                }
            }
        }
    }

    private func plain(_ inlines: [MarkdownInline]) -> String {
        inlines.map { inline in
            switch inline {
            case .text(let text), .code(let text): text
            case .lineBreak: " "
            case .emphasis(let inner), .strong(let inner), .strike(let inner), .link(_, let inner): plain(inner)
            }
        }.joined()
    }

    private func list(_ start: Int?, _ items: [MarkdownItem]) -> [Line] {
        var result: [Line] = []
        let last = (start ?? 0) + items.count - 1
        for (offset, item) in items.enumerated() {
            var marker = "• "
            if let start {
                let number = "\(start + offset). "
                marker = String(repeating: " ", count: max(0, "\(last). ".count - number.count)) + number
            }
            if let task = item.task { marker = task ? "☑ " : "☐ " }
            let indent = metrics.width(of: marker)
            for (row, line) in narrower(by: indent).lines(item.blocks, isTight: true).enumerated() {
                let head = row == 0 ? marker : String(repeating: " ", count: indent)
                result.append(Line([Run(head, .accent)] + line.runs))
            }
        }
        return result
    }

    private func code(_ language: String, _ text: String) -> [Line] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        let body = lines.flatMap { line in
            pieces(String(line).replacing("\t", with: "    "), width - 2).map {
                Line([Run("▏ ", .dim), Run($0, .code)])
            }
        }
        return language.isEmpty ? body : [Line([Run("▏ ", .dim), Run(language, .dim)])] + body
    }

    /// Cuts a line of code into pieces; none of its spaces may go.
    private func pieces(_ text: String, _ width: Int) -> [String] {
        var pieces = [""]
        var used = 0
        for character in text {
            let columns = metrics.width(of: character)
            if used + columns > max(width, 1), used > 0 {
                pieces.append("")
                used = 0
            }
            pieces[pieces.count - 1].append(character)
            used += columns
        }
        return pieces
    }

    // MARK: Tables

    private func table(_ rows: [[[MarkdownInline]]]) -> [Line] {
        let count = rows.map(\.count).max() ?? 0
        guard count > 0 else { return [] }
        let cells = rows.map { row in
            (0..<count).map { $0 < row.count ? lines(of: row[$0], .plain) : [Line()] }
        }
        let widths = columnWidths(cells, count)
        var result: [Line] = []
        for (index, row) in cells.enumerated() {
            let wrapped = zip(row, widths).map { lines, width in lines.flatMap { metrics.wrap($0, width: width) } }
            let isEmptyHead = index == 0 && wrapped.allSatisfy { $0.allSatisfy(\.runs.isEmpty) }
            guard !isEmptyHead else { continue }
            for line in 0..<(wrapped.map(\.count).max() ?? 0) {
                result.append(
                    tableLine(wrapped.map { line < $0.count ? $0[line] : Line() }, widths, isHead: index == 0))
            }
            if index == 0 {
                let bars = widths.map { String(repeating: "─", count: $0) }.joined(separator: "─┼─")
                result.append(Line(metrics.cut(bars, to: width), .dim))
            }
        }
        return result
    }

    /// The widest cell of each column, shrunk where the table would not fit.
    private func columnWidths(_ cells: [[[Line]]], _ count: Int) -> [Int] {
        var widths = (0..<count).map { column in
            max(1, cells.map { $0[column].map { metrics.width(of: $0) }.max() ?? 0 }.max() ?? 0)
        }
        let room = max(width - 3 * (count - 1), count)
        while widths.reduce(0, +) > room, let widest = widths.indices.max(by: { widths[$0] < widths[$1] }),
            widths[widest] > 1
        {
            widths[widest] -= 1
        }
        return widths
    }

    private func tableLine(_ cells: [Line], _ widths: [Int], isHead: Bool) -> Line {
        var line = Line()
        for (column, cell) in cells.enumerated() {
            if column > 0 { line.append(" │ ", .dim) }
            for run in cell.runs { line.append(run.text, isHead && run.style == .plain ? .strong : run.style) }
            if column + 1 < cells.count {
                line.append(String(repeating: " ", count: max(0, widths[column] - metrics.width(of: cell))), .plain)
            }
        }
        return line
    }
}
