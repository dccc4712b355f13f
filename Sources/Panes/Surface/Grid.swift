/// One place on the screen. The layout is that of `term_cell` in CTerminal.h.
package struct Cell: Sendable, Equatable {
    /// A scalar, or the index of a cluster where `isCluster`.
    package var character: UInt32
    package var style: UInt16
    /// 1 or 2; 0 is the right half of a wide character.
    package var width: UInt8
    package var flags: UInt8

    package init(_ character: UInt32, style: Style = .plain, width: UInt8 = 1, isCluster: Bool = false) {
        self.character = character
        self.style = style.rawValue
        self.width = width
        flags = isCluster ? 1 : 0
    }

    package var isCluster: Bool { flags & 1 != 0 }

    package static let blank = Cell(0x20)
}

package struct Size: Sendable, Equatable {
    package var columns: Int
    package var rows: Int
    package init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }
}

package struct Rect: Sendable, Equatable {
    package var x: Int
    package var y: Int
    package var width: Int
    package var height: Int

    package init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = max(width, 0)
        self.height = max(height, 0)
    }

    /// The part inside a border.
    package var inner: Rect { Rect(x: x + 1, y: y + 1, width: width - 2, height: height - 2) }
}

/// A screenful of cells.
///
/// Invariant: a cell of width 2 is followed by one of width 0, and a cell of width 0 follows one of width 2.
package struct Grid: Sendable, Equatable {
    package let size: Size
    package private(set) var cells: [Cell]

    package init(_ size: Size) {
        self.size = Size(columns: max(size.columns, 1), rows: max(size.rows, 1))
        cells = Array(repeating: .blank, count: self.size.columns * self.size.rows)
    }

    package subscript(row: Int, column: Int) -> Cell { cells[row * size.columns + column] }

    /// Puts a cell with its right half; what it cuts in two becomes blank.
    package mutating func set(_ cell: Cell, row: Int, column: Int) {
        let index = row * size.columns + column
        if cells[index].width == 0 { blank(index - 1) }
        if cells[index].width == 2 { blank(index + 1) }
        if cell.width == 2, column + 1 >= size.columns {
            cells[index] = Cell(0x20, style: Style(rawValue: cell.style) ?? .plain)
            return
        }
        cells[index] = cell
        guard cell.width == 2 else { return }
        if cells[index + 1].width == 2 { blank(index + 2) }
        cells[index + 1] = cell
        cells[index + 1].width = 0
    }

    private mutating func blank(_ index: Int) { cells[index] = .blank }

    /// Calls `body` for every stretch that differs from an older grid of the same size; stretches with few equal
    /// cells between them are one.
    package func changes(since old: Grid, _ body: (_ row: Int, _ column: Int, _ cells: ArraySlice<Cell>) -> Void) {
        precondition(old.size == size, "Grid.changes, of another size")
        for row in 0..<size.rows {
            let base = row * size.columns
            let end = base + size.columns
            if cells[base..<end] == old.cells[base..<end] { continue }
            var index = base
            while index < end {
                guard cells[index] != old.cells[index] else {
                    index += 1
                    continue
                }
                var start = index
                var last = index + 1
                var equal = 0
                while index < end, equal <= 4 {
                    equal = cells[index] == old.cells[index] ? equal + 1 : 0
                    index += 1
                    if equal == 0 { last = index }
                }
                while start > base, cells[start].width == 0 { start -= 1 }
                if last < end, cells[last].width == 0 { last += 1 }
                body(row, start - base, cells[start..<last])
            }
        }
    }
}

/// What is to be on the screen.
package struct Frame: Sendable, Equatable {
    package var grid: Grid
    /// Row and column of the cursor; nil hides it.
    package var cursor: (row: Int, column: Int)?

    package init(grid: Grid, cursor: (row: Int, column: Int)? = nil) {
        self.grid = grid
        self.cursor = cursor
    }

    package static func == (a: Self, b: Self) -> Bool {
        a.grid == b.grid && a.cursor?.row == b.cursor?.row && a.cursor?.column == b.cursor?.column
    }
}
