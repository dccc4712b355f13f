package import Engine

/// What the screen wants done outside of it. Values, so that tests compare them.
package enum Effect: Sendable, Equatable {
    case submit(EngineCommand)
    /// Shows a session; nil: a new one.
    case open(SessionID?)
    /// Asks for the stored sessions, for `show(sessions:)`.
    case listSessions
    /// Puts text on the clipboard, through the terminal (OSC 52).
    case copy(String)
    case redraw
    case suspend
    case quit
}
