/// Which row of a list is chosen, and which rows are seen.
package struct Selection: Sendable, Equatable {
    package var row = 0
    private(set) var top = 0

    package init() {}

    /// Moves by a key. Returns false when the key moves nothing.
    package mutating func handle(_ key: Key, count: Int, page: Int) -> Bool {
        guard key.modifiers.isEmpty || key.modifiers == .control else { return false }
        switch key.code {
        case .up, .character("k"): row -= 1
        case .down, .character("j"): row += 1
        case .pageUp: row -= max(page, 1)
        case .pageDown: row += max(page, 1)
        case .home, .character("g"): row = 0
        case .end, .character("G"): row = count - 1
        default: return false
        }
        row = min(max(row, 0), max(count - 1, 0))
        return true
    }

    /// The rows to draw, the chosen one among them.
    package mutating func visible(count: Int, height: Int) -> Range<Int> {
        row = min(max(row, 0), max(count - 1, 0))
        if row < top { top = row }
        if row >= top + height { top = row - height + 1 }
        top = min(max(top, 0), max(count - height, 0))
        return top..<min(top + max(height, 0), count)
    }
}

/// Lines of text in a window that scrolls.
package struct Scroller: Sendable, Equatable {
    private var top = 0

    package init() {}

    package mutating func handle(_ key: Key, count: Int, page: Int) -> Bool {
        switch key.code {
        case .up, .character("k"): top -= 1
        case .down, .character("j"): top += 1
        case .pageUp: top -= max(page, 1)
        case .pageDown, .character(" "): top += max(page, 1)
        case .home, .character("g"): top = 0
        case .end, .character("G"): top = count
        default: return false
        }
        top = min(max(top, 0), max(count - page, 0))
        return true
    }

    package mutating func draw(_ lines: [Line], on canvas: Canvas) {
        top = min(max(top, 0), max(lines.count - canvas.height, 0))
        for (row, line) in lines.dropFirst(top).prefix(canvas.height).enumerated() { canvas.put(line, row: row) }
        if lines.count > top + canvas.height, canvas.height > 0 {
            canvas.putRight(" ↓ \(lines.count - top - canvas.height) more", row: canvas.height - 1, style: .dim)
        }
    }
}
