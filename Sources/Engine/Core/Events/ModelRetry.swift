/// A model was not reached, or refused for a while, and is asked again.
package struct ModelRetry: Sendable, Equatable, Codable {
    package var provider: String
    package var model: String
    /// Number of the try that failed, from 1.
    package var attempt: Int
    /// The pause before the next try.
    package var milliseconds: Int
    /// Why the try failed, for people.
    package var reason: String
    /// The failure's stable name.
    package var code: String
    /// True when the server named the pause.
    package var isAsked: Bool
    /// The provider that is tried next, when it is another one.
    package var next: String?

    package init(
        provider: String, model: String, attempt: Int, milliseconds: Int, reason: String, code: String,
        isAsked: Bool = false, next: String? = nil
    ) {
        self.provider = provider
        self.model = model
        self.attempt = attempt
        self.milliseconds = milliseconds
        self.reason = reason
        self.code = code
        self.isAsked = isAsked
        self.next = next
    }

    /// One line for people.
    package var text: String {
        if let next { return "\(reason); '\(next)' is asked instead" }
        let wait = DurationText.text(milliseconds)
        return "\(reason); try \(attempt + 1) follows in \(wait)" + (isAsked ? ", as the server asks" : "")
    }
}
