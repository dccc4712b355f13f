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
        var wrapper = Wrapper(metrics: self, width: width, indent: indent < width ? indent : 0)
        for run in line.runs { wrapper.add(run) }
        return wrapper.finish()
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

/// The state of breaking one line.
private struct Wrapper {
    let metrics: TextMetrics
    let width: Int
    let indent: Int
    private var lines: [Line] = []
    private var line = Line()
    private var column = 0
    private var word = Line()
    private var wordWidth = 0
    private var space = Line()

    init(metrics: TextMetrics, width: Int, indent: Int) {
        self.metrics = metrics
        self.width = width
        self.indent = indent
    }

    mutating func add(_ run: Run) {
        for character in run.text {
            if character == " " {
                endWord()
                space.append(" ", run.style)
            } else {
                let columns = metrics.width(of: character)
                if wordWidth + columns > width - (lines.isEmpty ? 0 : indent), wordWidth > 0 { breakLongWord() }
                word.append(String(character), run.style)
                wordWidth += columns
            }
        }
    }

    private var spaceWidth: Int { space.runs.reduce(0) { $0 + $1.text.utf8.count } }

    private mutating func endWord() {
        guard wordWidth > 0 else { return }
        if column + spaceWidth + wordWidth > width, column > 0 { newLine() }
        if column > 0 || lines.isEmpty {
            for run in space.runs { line.append(run.text, run.style) }
            column += spaceWidth
        }
        for run in word.runs { line.append(run.text, run.style) }
        column += wordWidth
        word = Line()
        wordWidth = 0
        space = Line()
    }

    /// A word that is wider than a line begins on one of its own, unless this one is still empty.
    private mutating func breakLongWord() {
        if column + spaceWidth + wordWidth > width, column > (lines.isEmpty ? 0 : indent) { newLine() }
        endWord()
        newLine()
    }

    private mutating func newLine() {
        lines.append(line)
        line = indent > 0 ? Line(String(repeating: " ", count: indent)) : Line()
        column = indent
        space = Line()
    }

    mutating func finish() -> [Line] {
        endWord()
        if column > indent || lines.isEmpty || !(line.text.allSatisfy { $0 == " " }) { lines.append(line) }
        return lines
    }
}
