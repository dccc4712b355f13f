/// An operation failed. The one error type that crosses rooms.
package struct EngineError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Stable names, which tests and scripts match.
    package enum Code: String, Sendable, Codable {
        case invalidInput, notFound, refused, unreachable, timedOut, protocolViolation, tooLarge, storage, busy
        case rateLimited, unauthorized, cancelled
        /// A limit on money.
        case overBudget
        /// The work came to nothing, through nobody's mistake in a file or on the network.
        case failed
        case `internal`
    }

    package var code: Code
    /// One sentence: what is wrong and what was expected, without a final period.
    package var message: String
    /// What to do about it.
    package var hint: String?
    /// When it is worth trying again, in seconds, where the other side said so.
    package var retryAfter: Double?
    /// The number by which the protocol names the failure: an HTTP status, a gRPC status.
    package var status: Int?

    package init(_ code: Code, _ message: String, hint: String? = nil, retryAfter: Double? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.retryAfter = retryAfter
    }

    package var description: String { hint.map { "\(message)\nhint: \($0)" } ?? message }

    package var info: ErrorInfo { ErrorInfo(code: code.rawValue, message: message, hint: hint) }
}

/// An error as an event carries it.
package struct ErrorInfo: Sendable, Equatable, Codable {
    package var code: String
    package var message: String
    package var hint: String?

    package init(code: String, message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }
}

/// Something about a file that a person should know, with its place.
package struct Diagnostic: Sendable, Equatable, Codable, CustomStringConvertible {
    package enum Severity: String, Sendable, Codable { case error, warning, note }

    package var severity: Severity
    package var message: String
    package var file: String
    package var line: Int?
    package var column: Int?
    package var hint: String?
    /// The rule that found it: a stable name for scripts and code hosts, such as `unknown-tool`.
    package var rule: String?
    /// Where it stands inside the document: a JSON pointer (RFC 6901).
    package var path: String?

    package init(
        _ severity: Severity, _ message: String, file: String, place: Place? = nil, hint: String? = nil,
        rule: String? = nil, path: String? = nil
    ) {
        self.severity = severity
        self.message = message
        self.file = file
        self.line = place?.line
        self.column = place?.column
        self.hint = hint
        self.rule = rule
        self.path = path
    }

    /// `file:line:column: error: message`, and the hint on a line of its own.
    package var description: String {
        var place = file
        if let line { place += ":\(line)" }
        if let column { place += ":\(column)" }
        let head = (place.isEmpty ? "" : place + ": ") + "\(severity.rawValue): \(message)"
        return hint.map { head + "\nhint: \($0)" } ?? head
    }
}

/// What came of reading a file: reading never stops at the first mistake.
package struct Loaded<Value: Sendable>: Sendable {
    package var value: Value?
    package var diagnostics: [Diagnostic]

    package init(value: Value?, diagnostics: [Diagnostic]) {
        self.value = value
        self.diagnostics = diagnostics
    }

    package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}

/// A value that is never shown, logged or stored. `reveal` is called where it goes on the wire, nowhere else.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let value: String

    package init(_ value: String) { self.value = value }

    package func reveal() -> String { value }

    package static let mask = "•••"

    package var description: String { Self.mask }
    package var debugDescription: String { Self.mask }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
