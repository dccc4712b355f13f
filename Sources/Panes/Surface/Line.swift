/// Text of one style.
package struct Run: Sendable, Equatable {
    package var text: String
    package var style: Style
    package init(_ text: String, _ style: Style = .plain) {
        self.text = text
        self.style = style
    }
}

/// One line of styled text.
package struct Line: Sendable, Equatable {
    package var runs: [Run]

    package init(_ runs: [Run] = []) { self.runs = runs }
    package init(_ text: String, _ style: Style = .plain) { runs = [Run(text, style)] }

    package var text: String { runs.map(\.text).joined() }

    package mutating func append(_ text: String, _ style: Style) {
        guard !text.isEmpty else { return }
        if let last = runs.indices.last, runs[last].style == style {
            runs[last].text += text
        } else {
            runs.append(Run(text, style))
        }
    }
}

extension TextMetrics {
    package func width(of line: Line) -> Int { line.runs.reduce(0) { $0 + width(of: $1.text) } }

    /// Breaks a line at spaces, and words that are too long where they have to be. Nothing but spaces at breaks is
    /// lost.
    /// - Parameters:
    ///   - width: columns, at least 1.
    ///   - indent: spaces before every line but the first.
    package func wrap(_ line: Line, width: Int, indent: Int = 0) -> [Line] {
        let width = max(width, 1)
        if self.width(of: line) <= width { return [line] }
        // Even a wide character has to fit beside it.
        let indent = indent <= width / 2 && width - indent >= 2 ? indent : 0
        let cells = cells(of: line)
        var lines: [Line] = []
        var rest = cells[...]
        while !rest.isEmpty {
            let isFirst = lines.isEmpty
            let piece = Self.head(of: rest, room: isFirst ? width : width - indent)
            lines.append(Self.line(piece, line.runs, indent: isFirst ? 0 : indent))
            rest = rest[piece.endIndex...].drop { $0.isSpace }
        }
        return lines
    }

    /// A character on its way into a line: where it stands in its run's text.
    private struct Cell {
        let run: Int
        let start: String.Index
        let end: String.Index
        let width: Int
        let isSpace: Bool
    }

    private func cells(of line: Line) -> [Cell] {
        var cells: [Cell] = []
        for (number, run) in line.runs.enumerated() {
            let text = run.text
            cells.reserveCapacity(cells.count + text.utf8.count)
            // Most text is ASCII, where every byte is a character of one column.
            let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
            var start = text.startIndex
            while start < text.endIndex {
                let end = isPlain ? text.utf8.index(after: start) : text.index(after: start)
                let width = isPlain ? 1 : self.width(of: text[start])
                cells.append(
                    Cell(run: number, start: start, end: end, width: width, isSpace: text.utf8[start] == 0x20))
                start = end
            }
        }
        return cells
    }

    private static func line(_ cells: ArraySlice<Cell>, _ runs: [Run], indent: Int) -> Line {
        var line = indent == 0 ? Line() : Line(String(repeating: " ", count: indent))
        var rest = cells
        while let first = rest.first {
            let same = rest.prefix { $0.run == first.run }
            guard let last = same.last else { break }
            line.append(String(runs[first.run].text[first.start..<last.end]), runs[first.run].style)
            rest = rest[same.endIndex...]
        }
        return line
    }

    /// As many cells as fit, up to the last space where there is one; at least one.
    private static func head(of cells: ArraySlice<Cell>, room: Int) -> ArraySlice<Cell> {
        var used = 0
        let end = cells.firstIndex { cell in
            used += cell.width
            return used > room
        }
        guard let end else { return cells }
        let whole = cells[..<max(end, cells.startIndex + 1)]
        if !cells[whole.endIndex - 1].isSpace, whole.endIndex < cells.endIndex, cells[whole.endIndex].isSpace {
            return whole
        }
        // Spaces at the very start are an indentation, not a place to break.
        guard let text = whole.firstIndex(where: { !$0.isSpace }),
            let space = whole[text...].lastIndex(where: { $0.isSpace }),
            let last = whole[..<space].lastIndex(where: { !$0.isSpace })
        else { return whole }
        return whole[...last]
    }

    /// As much as fits, ending with `…` where it was cut.
    package func cut(_ text: String, to width: Int) -> String {
        guard self.width(of: text) > width else { return text }
        guard width > 0 else { return "" }
        var result = ""
        var used = 0
        for character in text {
            let columns = self.width(of: character)
            if used + columns > width - 1 { break }
            result.append(character)
            used += columns
        }
        return result + "…"
    }

    /// The text with spaces behind it, or cut, so that it takes exactly so many columns.
    package func fit(_ text: String, to width: Int) -> String {
        let short = cut(text, to: width)
        return short + String(repeating: " ", count: max(0, width - self.width(of: short)))
    }
}
