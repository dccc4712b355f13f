/// Replaces secrets by value in everything that becomes an event, and so in everything that is stored or shown.
package struct Redactor: Sendable {
    private let secrets: [String]

    /// Shorter secrets would turn ordinary words into dots.
    private static let shortest = 6

    package init(_ secrets: some Sequence<Secret>) {
        self.secrets = Set(secrets.map { $0.reveal() }.filter { $0.utf8.count >= Self.shortest })
            .sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }

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
