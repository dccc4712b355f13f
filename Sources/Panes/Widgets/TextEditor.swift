import Engine

/// A text of several lines with a cursor, edited as in readline and Emacs.
package struct TextEditor: Sendable, Equatable {
    private struct State: Sendable, Equatable {
        var characters: [Character] = []
        var cursor = 0
    }

    /// More is not taken in.
    package static let limit = 1 << 20
    private static let undoLimit = 200
    /// Characters of all that can be undone: a long text keeps fewer steps.
    private static let undoCharacters = 4 << 20

    private var state = State()
    private var undone: [State] = []
    private var before: [State] = []
    private var killed: [Character] = []
    /// Typing one character after the other is one step to undo.
    private var isTyping = false
    /// The column that up and down keep.
    private var goal: Int?

    package init(_ text: String = "") {
        state.characters = Array(text)
        state.cursor = state.characters.count
    }

    package var text: String { String(state.characters) }
    package var isEmpty: Bool { state.characters.isEmpty }
    package var cursor: Int { state.cursor }

    /// The text before the cursor.
    package var head: String { String(state.characters[..<state.cursor]) }

    package mutating func set(_ text: String) {
        remember()
        state.characters = Array(text)
        state.cursor = state.characters.count
    }

    package mutating func clear() {
        self = TextEditor()
    }

    private mutating func remember() {
        before.append(state)
        let steps = min(Self.undoLimit, max(Self.undoCharacters / max(state.characters.count, 1), 2))
        if before.count > steps { before.removeFirst(before.count - steps) }
        undone = []
        isTyping = false
        goal = nil
    }

    /// Puts text in as one step; what must not be shown is taken out.
    package mutating func insert(_ text: String) {
        let clean = Array(SafeText.block(text).replacing("\t", with: "    "))
        let room = Self.limit - state.characters.count
        guard room > 0, !clean.isEmpty else { return }
        let continues = isTyping && clean.count == 1
        if !continues { remember() }
        isTyping = clean.count == 1 && clean[0] != " " && clean[0] != "\n"
        goal = nil
        let added = clean.prefix(room)
        // A mark that is typed joins the letter before it.
        let joined =
            state.cursor > 0 && added.count == 1
            ? Array(String(state.characters[state.cursor - 1]) + String(added)) : []
        if joined.count == 1 {
            state.characters[state.cursor - 1] = joined[0]
        } else {
            state.characters.insert(contentsOf: added, at: state.cursor)
            state.cursor += added.count
        }
    }

    private mutating func delete(_ range: Range<Int>, keep: Bool = false) {
        guard !range.isEmpty else { return }
        remember()
        if keep { killed = Array(state.characters[range]) }
        state.characters.removeSubrange(range)
        state.cursor = range.lowerBound
    }

    private mutating func move(to position: Int) {
        state.cursor = min(max(position, 0), state.characters.count)
        isTyping = false
        goal = nil
    }

    private var lineStart: Int { state.characters[..<state.cursor].lastIndex(of: "\n").map { $0 + 1 } ?? 0 }

    private var lineEnd: Int { state.characters[state.cursor...].firstIndex(of: "\n") ?? state.characters.count }

    /// To the end of the line; at the end, over the line break.
    private var killEnd: Int { lineEnd == state.cursor ? min(state.cursor + 1, state.characters.count) : lineEnd }

    private static func isWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private var wordStart: Int {
        var position = state.cursor
        while position > 0, !Self.isWord(state.characters[position - 1]) { position -= 1 }
        while position > 0, Self.isWord(state.characters[position - 1]) { position -= 1 }
        return position
    }

    private var wordEnd: Int {
        var position = state.cursor
        while position < state.characters.count, !Self.isWord(state.characters[position]) { position += 1 }
        while position < state.characters.count, Self.isWord(state.characters[position]) { position += 1 }
        return position
    }

    /// - Parameters:
    ///   - width: columns of the editor, for up and down.
    /// - Returns: false when the key is not for the editor, as up on the first row.
    package mutating func handle(_ key: Key, width: Int, metrics: TextMetrics) -> Bool {
        if case .character(let character) = key.code, key.modifiers.isSubset(of: .shift) {
            insert(String(character))
            return true
        }
        switch (key.code, key.modifiers) {
        case (.enter, .alt), (.enter, .shift), (.character("j"), .control): insert("\n")
        case (.backspace, []): delete(max(state.cursor - 1, 0)..<state.cursor)
        case (.delete, []): delete(state.cursor..<min(state.cursor + 1, state.characters.count))
        case (.character("d"), .control):
            guard !isEmpty else { return false }
            delete(state.cursor..<min(state.cursor + 1, state.characters.count))
        case (.character("w"), .control), (.backspace, .alt): delete(wordStart..<state.cursor, keep: true)
        case (.character("d"), .alt): delete(state.cursor..<wordEnd, keep: true)
        case (.character("u"), .control): delete(lineStart..<state.cursor, keep: true)
        case (.character("k"), .control): delete(state.cursor..<killEnd, keep: true)
        case (.character("y"), .control): insert(String(killed))
        case (.character("_"), .control): undo()
        case (.character("_"), .alt): redo()
        default: return handleMove(key, width, metrics)
        }
        return true
    }

    private mutating func handleMove(_ key: Key, _ width: Int, _ metrics: TextMetrics) -> Bool {
        switch (key.code, key.modifiers) {
        case (.left, []), (.character("b"), .control): move(to: state.cursor - 1)
        case (.right, []), (.character("f"), .control): move(to: state.cursor + 1)
        case (.left, .control), (.left, .alt), (.character("b"), .alt): move(to: wordStart)
        case (.right, .control), (.right, .alt), (.character("f"), .alt): move(to: wordEnd)
        case (.home, []), (.character("a"), .control): move(to: lineStart)
        case (.end, []), (.character("e"), .control): move(to: lineEnd)
        case (.home, .control): move(to: 0)
        case (.end, .control): move(to: state.characters.count)
        case (.up, []): return moveRow(-1, width, metrics)
        case (.down, []): return moveRow(1, width, metrics)
        default: return false
        }
        return true
    }

    private mutating func undo() {
        guard let last = before.popLast() else { return }
        undone.append(state)
        state = last
        isTyping = false
    }

    private mutating func redo() {
        guard let next = undone.popLast() else { return }
        before.append(state)
        state = next
        isTyping = false
    }

    // MARK: Rows

    package struct Layout: Equatable {
        /// Each with the position of its first character.
        package var rows: [(start: Int, text: String)]
        package var cursor: (row: Int, column: Int)

        package static func == (a: Self, b: Self) -> Bool {
            a.rows.elementsEqual(b.rows) { $0 == $1 } && a.cursor == b.cursor
        }
    }

    /// Breaks the text into rows, wherever a row is full.
    package func layout(width: Int, metrics: TextMetrics) -> Layout {
        let width = max(width, 1)
        var rows: [(start: Int, text: String)] = [(0, "")]
        var column = 0
        var place = (row: 0, column: 0)
        for (position, character) in state.characters.enumerated() {
            let columns = character == "\n" ? 0 : metrics.width(of: character)
            if column + columns > width {
                rows.append((position, ""))
                column = 0
            }
            if position == state.cursor { place = (rows.count - 1, column) }
            if character == "\n" {
                rows.append((position + 1, ""))
                column = 0
            } else {
                rows[rows.count - 1].text.append(character)
                column += columns
            }
        }
        if state.cursor == state.characters.count {
            // Behind the last column there is only the next row.
            if column >= width {
                rows.append((state.characters.count, ""))
                column = 0
            }
            place = (rows.count - 1, column)
        }
        return Layout(rows: rows, cursor: place)
    }

    private mutating func moveRow(_ step: Int, _ width: Int, _ metrics: TextMetrics) -> Bool {
        let layout = layout(width: width, metrics: metrics)
        let row = layout.cursor.row + step
        guard layout.rows.indices.contains(row) else { return false }
        let goal = goal ?? layout.cursor.column
        var column = 0
        var position = layout.rows[row].start
        for character in layout.rows[row].text {
            let columns = metrics.width(of: character)
            if column + columns > goal { break }
            column += columns
            position += 1
        }
        let last = row + 1 < layout.rows.count ? layout.rows[row + 1].start - 1 : state.characters.count
        move(to: min(position, max(last, layout.rows[row].start)))
        self.goal = goal
        return true
    }
}
