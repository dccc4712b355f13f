/// How wide characters are, and the clusters that are on the screen: what the terminal and the layout must agree on.
///
/// Widths are those of wcwidth(3), which ncurses uses; nothing else may be used for layout. What the terminal cannot
/// be trusted with is taken apart here: of a ZWJ sequence the first element is shown, selectors and skin tones are
/// dropped, controls become pictures. Concurrency: the screen's thread owns it.
package final class TextMetrics {
    private let table: [Int8]
    private var indices: [[UInt32]: UInt32] = [:]
    /// By index; the screen tells the terminal of new ones.
    package private(set) var clusters: [[UInt32]] = []

    private static let tableSize = 0x20000
    /// What CTerminal keeps; beyond it marks are left out.
    private static let clusterLimit = 4_000

    /// - Parameter width: wcwidth(3).
    package init(width: (UInt32) -> Int) {
        table = (0..<UInt32(Self.tableSize)).map { Int8(clamping: width($0)) }
    }

    private func width(_ scalar: UInt32) -> Int {
        if scalar < 0x7F { return 1 }
        if scalar < Self.tableSize { return Int(table[Int(scalar)]) }
        return (0x20000...0x3FFFD).contains(scalar) ? 2 : 1
    }

    /// Columns that a text of one line takes.
    package func width(of text: some StringProtocol) -> Int {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text.utf8.count }
        return text.reduce(0) { $0 + width(of: $1) }
    }

    package func width(of character: Character) -> Int {
        if let ascii = character.asciiValue, ascii >= 0x20, ascii < 0x7F { return 1 }
        var sum = 0
        pieces(of: character) { _, _, width in sum += width }
        return sum
    }

    /// The cells of a character: most have one.
    package func cells(of character: Character, style: Style, _ body: (Cell) -> Void) {
        if let ascii = character.asciiValue, ascii >= 0x20, ascii < 0x7F {
            return body(Cell(UInt32(ascii), style: style))
        }
        pieces(of: character) { base, marks, width in
            guard !marks.isEmpty, let index = intern([base] + marks) else {
                return body(Cell(base, style: style, width: UInt8(width)))
            }
            body(Cell(index, style: style, width: UInt8(width), isCluster: true))
        }
    }

    private func intern(_ scalars: [UInt32]) -> UInt32? {
        if let known = indices[scalars] { return known }
        guard clusters.count < Self.clusterLimit else { return nil }
        let index = UInt32(clusters.count)
        clusters.append(scalars)
        indices[scalars] = index
        return index
    }

    /// Takes a character apart into what one cell each can hold.
    private func pieces(of character: Character, _ body: (_ base: UInt32, _ marks: [UInt32], _ width: Int) -> Void) {
        var base: UInt32?
        var marks: [UInt32] = []
        var columns = 1
        func finish() {
            if let base { body(base, marks, columns) }
            base = nil
            marks = []
        }
        for scalar in character.unicodeScalars {
            let value = scalar.value
            if value == 0x200D { break }
            if Self.isDropped(value), base != nil || !(0x1F3FB...0x1F3FF).contains(value) { continue }
            let shown = Self.shown(value)
            let width = shown == value ? self.width(value) : 1
            if width == 0, base != nil {
                if marks.count < 4 { marks.append(value) }
                continue
            }
            finish()
            // A mark without a letter stands on a space; what has no width of its own is unknown.
            base = width == 0 ? 0x20 : width < 0 ? 0xFFFD : shown
            if width == 0 { marks = [value] }
            columns = max(width, 1)
        }
        finish()
    }

    private static func shown(_ value: UInt32) -> UInt32 {
        switch value {
        case 0..<0x20: 0x2400 + value
        case 0x7F: 0x2421
        case 0x80...0x9F: 0xFFFD
        default: value
        }
    }

    private static func isDropped(_ value: UInt32) -> Bool {
        switch value {
        case 0xAD, 0x61C, 0x180E, 0x200B...0x200C, 0x200E, 0x200F, 0x202A...0x202E, 0x2060...0x206F, 0xFE00...0xFE0F,
            0xFEFF, 0xFFF9...0xFFFB, 0x1F3FB...0x1F3FF, 0xE0000...0xE0FFF:
            true
        default: false
        }
    }
}
