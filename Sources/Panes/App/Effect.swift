package import Engine

/// What the screen wants done outside of it. Values, so that tests compare them.
package enum Effect: Sendable, Equatable {
    case submit(EngineCommand)
    /// Shows a session; nil: a new one.
    case open(SessionID?)
    /// Asks for the stored sessions, for `show(sessions:)`.
    case listSessions
    /// Asks for the models that can be chosen, for `show(models:)`.
    case listModels
    /// Reads an image, for `attach`.
    case attach(String)
    /// Puts text on the clipboard, through the terminal (OSC 52).
    case copy(String)
    case redraw
    case suspend
    case quit
}

/// A model that can be chosen.
package struct ModelOption: Sendable, Equatable {
    /// What `/model` takes.
    package var name: String
    /// What is known of it: price, window.
    package var note: String

    package init(name: String, note: String) {
        self.name = name
        self.note = note
    }
}
