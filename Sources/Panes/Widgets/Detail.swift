/// A text that covers a list: Enter opens it, Esc closes it.
struct Detail {
    private var scroller: Scroller?

    var isOpen: Bool { scroller != nil }

    mutating func open() { scroller = Scroller() }

    /// - Parameters:
    ///   - count: lines of the text.
    ///   - page: lines that are seen.
    mutating func handle(_ key: Key, count: Int, page: Int) -> Bool {
        if key.code == .escape || key.code == .enter || key == .character("q") {
            scroller = nil
            return true
        }
        return scroller?.handle(key, count: count, page: page) ?? false
    }

    mutating func draw(_ lines: [Line], on canvas: Canvas) { scroller?.draw(lines, on: canvas) }
}
