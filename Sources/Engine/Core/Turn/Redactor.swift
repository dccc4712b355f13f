import Synchronization

/// Replaces secrets by value in everything that becomes an event, and so in everything that is stored or shown.
package final class Redactor: Sendable {
    private let known: Mutex<[String]>

    /// Shorter secrets would turn ordinary words into dots.
    private static let shortest = 6

    package init(_ secrets: some Sequence<Secret>) { known = Mutex(Self.ordered(secrets.map { $0.reveal() })) }

    /// Longer ones first, because one may hold another.
    private static func ordered(_ secrets: [String]) -> [String] {
        Set(secrets.filter { $0.utf8.count >= shortest }).sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }

    /// Hides these, too, from now on.
    package func add(_ secrets: some Sequence<Secret>) {
        let more = secrets.map { $0.reveal() }
        known.withLock { $0 = Self.ordered($0 + more) }
    }

    private var secrets: [String] { known.withLock { $0 } }

    package func clean(_ text: String) -> String {
        secrets.reduce(text) { $0.contains($1) ? $0.replacing($1, with: Secret.mask) : $0 }
    }

    package func clean(_ event: TurnEvent) -> TurnEvent {
        guard !secrets.isEmpty else { return event }
        if case .messageDelta(var delta) = event {
            delta.text = clean(delta.text)
            return .messageDelta(delta)
        }
        let (kind, data) = event.encoded()
        let cleaned = clean(data)
        return cleaned == data ? event : TurnEvent(kind: kind, data: cleaned)
    }

    private func clean(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(clean(text))
        case .array(let items): .array(items.map(clean))
        case .object(let object): .object(JSONObject(object.map { (clean($0), clean($1)) }))
        case .null, .bool, .number: value
        }
    }
}
