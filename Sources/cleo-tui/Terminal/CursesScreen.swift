import CTerminal
import Engine
import EngineSystem
import Glibc
import Panes

/// The terminal through ncurses: paints what changed between two frames. Concurrency: one thread owns it.
final class CursesScreen {
    let metrics = TextMetrics { Int(term_width($0)) }
    private var shown: Frame?
    private var clusters = 0

    /// Terminals that terminfo does not know by name speak xterm's language.
    private static let fallback = "xterm-256color"

    /// Whether a screen makes sense here.
    static var isPossible: Bool {
        let type = EnvironmentVariables().value(of: "TERM") ?? ""
        return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && !type.isEmpty && type != "dumb"
    }

    /// Nil when the terminal cannot be used.
    init?(mouse: Bool) {
        let type = EnvironmentVariables().value(of: "TERM") ?? ""
        guard term_start(type, mouse ? 1 : 0) == 0 || term_start(Self.fallback, mouse ? 1 : 0) == 0 else { return nil }
        Theme(colors: Int(term_colors())).install()
    }

    func close() { term_stop() }

    var size: Size { Size(columns: Int(term_columns()), rows: Int(term_rows())) }

    func readSize() {
        term_read_size()
        invalidate()
    }

    /// The next frame is painted whole.
    func invalidate() {
        shown = nil
        term_invalidate()
    }

    func suspend() {
        term_suspend()
        shown = nil
    }

    func present(_ frame: Frame) {
        guard frame != shown else { return }
        for scalars in metrics.clusters[clusters...] { _ = term_cluster(scalars, Int32(scalars.count)) }
        clusters = metrics.clusters.count
        let old = shown?.grid.size == frame.grid.size ? shown?.grid : nil
        frame.grid.changes(since: old ?? Grid(frame.grid.size)) { row, column, cells in
            cells.withUnsafeBufferPointer { buffer in
                // Both have the layout of term_cell.
                buffer.withMemoryRebound(to: term_cell.self) {
                    term_put(Int32(row), Int32(column), $0.baseAddress, Int32($0.count))
                }
            }
        }
        term_cursor(Int32(frame.cursor?.row ?? 0), Int32(frame.cursor?.column ?? 0), frame.cursor == nil ? 0 : 1)
        term_flush()
        shown = frame
    }

    /// Puts text on the clipboard by OSC 52, as far as terminals take it.
    func copy(_ text: String) {
        let bytes = text.utf8.prefix(74_000)
        term_emit("\u{1B}]52;c;\(Encodings.base64(bytes))\u{07}")
    }
}
