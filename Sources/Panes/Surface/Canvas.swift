/// Where one frame is drawn. Concurrency: the screen's thread owns it.
package final class Surface {
    package private(set) var grid: Grid
    package let metrics: TextMetrics
    package var cursor: (row: Int, column: Int)?

    package init(_ size: Size, _ metrics: TextMetrics) {
        grid = Grid(size)
        self.metrics = metrics
    }

    package var canvas: Canvas {
        Canvas(self, Rect(x: 0, y: 0, width: grid.size.columns, height: grid.size.rows))
    }

    package var frame: Frame { Frame(grid: grid, cursor: cursor) }

    fileprivate func set(_ cell: Cell, row: Int, column: Int) { grid.set(cell, row: row, column: column) }
}

/// A rectangle of a surface: what is drawn on it cannot leave it. Its own coordinates begin at 0, 0.
package struct Canvas {
    package let surface: Surface
    private let area: Rect

    package var width: Int { area.width }
    package var height: Int { area.height }
    package var metrics: TextMetrics { surface.metrics }

    /// - Parameter area: in the surface's coordinates; cut to fit.
    fileprivate init(_ surface: Surface, _ area: Rect) {
        self.surface = surface
        let size = surface.grid.size
        let x = min(max(area.x, 0), size.columns)
        let y = min(max(area.y, 0), size.rows)
        self.area = Rect(x: x, y: y, width: min(area.width, size.columns - x), height: min(area.height, size.rows - y))
    }

    /// A part of this canvas.
    package func part(_ rect: Rect) -> Canvas {
        let x = min(max(rect.x, 0), width)
        let y = min(max(rect.y, 0), height)
        return Canvas(
            surface,
            Rect(
                x: area.x + x, y: area.y + y, width: min(rect.width, width - x), height: min(rect.height, height - y)))
    }

    /// Draws a text of one line.
    /// - Returns: the column behind it.
    @discardableResult
    package func put(_ text: some StringProtocol, row: Int, column: Int = 0, style: Style = .plain) -> Int {
        guard row >= 0, row < height else { return column }
        var column = column
        for character in text {
            guard column < width else { break }
            metrics.cells(of: character, style: style) { cell in
                let end = column + Int(cell.width)
                if column >= 0, end <= width { surface.set(cell, row: area.y + row, column: area.x + column) }
                column = end
            }
        }
        return column
    }

    @discardableResult
    package func put(_ line: Line, row: Int, column: Int = 0) -> Int {
        line.runs.reduce(column) { put($1.text, row: row, column: $0, style: $1.style) }
    }

    /// Draws a text so that it ends at the right edge.
    package func putRight(_ text: String, row: Int, style: Style = .plain) {
        put(text, row: row, column: max(0, width - metrics.width(of: text)), style: style)
    }

    package func fill(_ character: Character = " ", style: Style = .plain, row: Int? = nil) {
        for row in row.map({ $0..<($0 + 1) }) ?? 0..<height {
            put(String(repeating: character, count: width), row: row, style: style)
        }
    }

    /// Gives a row another style, keeping its characters.
    package func restyle(row: Int, _ style: Style) {
        guard row >= 0, row < height else { return }
        for column in 0..<width {
            var cell = surface.grid[area.y + row, area.x + column]
            guard cell.width > 0 else { continue }
            cell.style = style.rawValue
            surface.set(cell, row: area.y + row, column: area.x + column)
        }
    }

    package func showCursor(row: Int, column: Int) {
        guard row >= 0, row < height, column >= 0, width > 0 else { return }
        surface.cursor = (area.y + row, area.x + min(column, width - 1))
    }

    /// A border with a title; what is inside is the canvas `part(rect.inner)`.
    package func box(_ rect: Rect, title: String, right: String = "", isFocused: Bool) {
        guard rect.width >= 2, rect.height >= 2 else { return }
        let style: Style = isFocused ? .borderFocused : .border
        let bar = String(repeating: "─", count: rect.width - 2)
        put("┌\(bar)┐", row: rect.y, column: rect.x, style: style)
        put("└\(bar)┘", row: rect.y + rect.height - 1, column: rect.x, style: style)
        for row in (rect.y + 1)..<max(rect.y + rect.height - 1, rect.y + 1) {
            put("│", row: row, column: rect.x, style: style)
            put("│", row: row, column: rect.x + rect.width - 1, style: style)
        }
        let inside = part(Rect(x: rect.x + 2, y: rect.y, width: rect.width - 4, height: 1))
        if !title.isEmpty { inside.put(" \(title) ", row: 0, style: isFocused ? .titleFocused : .title) }
        if !right.isEmpty, metrics.width(of: title) + metrics.width(of: right) + 6 <= inside.width {
            inside.putRight(" \(right) ", row: 0, style: .dim)
        }
    }
}
