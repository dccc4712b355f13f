import CTerminal
import Engine
import EngineSystem
import Panes

/// Gives each role its colour. The terminal's own foreground and background stay, so that dark and light both work;
/// what matters is never said by colour alone.
struct Theme {
    private let colors: Int

    /// - Parameter colors: how many the terminal has; `NO_COLOR` turns them off (no-color.org).
    init(colors: Int) {
        let isOff = !(EnvironmentVariables().value(of: "NO_COLOR") ?? "").isEmpty
        self.colors = isOff ? 0 : colors
    }

    func install() {
        for style in Style.allCases {
            let (color, attributes) = look(of: style)
            term_define_style(style.rawValue, Int32(color), Int32(attributes))
        }
    }

    private enum Hue: Int { case red = 1, green, yellow, blue, magenta, cyan }

    private func paint(_ hue: Hue, _ attributes: Int = 0) -> (Int, Int) {
        (colors >= 8 ? hue.rawValue : -1, attributes)
    }

    private func look(of style: Style) -> (color: Int, attributes: Int) {
        let bold = Int(TERM_BOLD.rawValue)
        let dim = colors >= 256 ? (244, 0) : (-1, Int(TERM_DIM.rawValue))
        switch style {
        case .plain, .assistant: return style == .plain ? (-1, 0) : (-1, bold)
        case .dim, .status, .border, .quote: return dim
        case .strong, .title: return (-1, bold)
        case .emphasis: return (-1, Int(TERM_ITALIC.rawValue))
        case .strike: return dim
        case .heading: return paint(.cyan, bold)
        case .code: return paint(.yellow)
        case .link: return paint(.blue, Int(TERM_UNDERLINE.rawValue))
        case .user: return paint(.green)
        case .tool: return paint(.magenta)
        case .good: return paint(.green)
        case .warning: return paint(.yellow, bold)
        case .bad: return paint(.red, bold)
        case .accent, .borderFocused, .bar: return paint(.cyan)
        case .titleFocused, .key: return paint(.cyan, bold)
        case .selection: return (-1, Int(TERM_REVERSE.rawValue))
        case .barWaiting: return paint(.yellow)
        }
    }
}
