import Synchronization

/// Replaces secrets by value in everything that becomes an event, and so in everything that is stored or shown.
package final class Redactor: Sendable {
    private struct Needle {
        var text: String
        var bytes: [UInt8]
    }

    private let known: Mutex<[Needle]>

    /// Shorter secrets would turn ordinary words into dots.
    private static let shortest = 6

    package init(_ secrets: some Sequence<Secret>) { known = Mutex(Self.ordered(secrets.map { $0.reveal() })) }

    /// Longer ones first, because one may hold another.
    private static func ordered(_ secrets: [String]) -> [Needle] {
        Set(secrets.filter { $0.utf8.count >= shortest }).sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
            .map { Needle(text: $0, bytes: Array($0.utf8)) }
    }

    /// Hides these, too, from now on.
    package func add(_ secrets: some Sequence<Secret>) {
        let more = secrets.map { $0.reveal() }
        known.withLock { $0 = Self.ordered($0.map(\.text) + more) }
    }

    private var secrets: [Needle] { known.withLock { $0 } }

    package func clean(_ text: String) -> String { Self.clean(text, secrets) }

    private static func clean(_ text: String, _ secrets: [Needle]) -> String {
        holds(text, secrets) ? secrets.reduce(text) { $0.replacing($1.text, with: Secret.mask) } : text
    }

    /// Byte by byte, which is fast: nearly every text holds none.
    private static func holds(_ text: String, _ secrets: [Needle]) -> Bool {
        var text = text
        return text.withUTF8 { bytes in secrets.contains { ByteSearch.find($0.bytes, in: bytes) != nil } }
    }

    private static func holds(_ value: JSONValue, _ secrets: [Needle]) -> Bool {
        switch value {
        case .string(let text): holds(text, secrets)
        case .array(let items): items.contains { holds($0, secrets) }
        case .object(let object): object.contains { holds($0, secrets) || holds($1, secrets) }
        case .null, .bool, .number: false
        }
    }

    /// The bytes of the longest secret.
    package var longest: Int { secrets.first?.bytes.count ?? 0 }

    /// Bytes with stars in the place of secrets, as many as the secret has.
    package func masked(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for needle in secrets.map(\.bytes) {
            var start = 0
            while let found = bytes.withUnsafeBufferPointer({ ByteSearch.find(needle, in: $0, from: start) }) {
                for index in found..<(found + needle.count) { bytes[index] = UInt8(ascii: "*") }
                start = found + needle.count
            }
        }
        return bytes
    }

    /// Headers that are secret by their name.
    private static let secretHeaders: Set = [
        "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "set-cookie",
        "x-amz-security-token",
    ]

    /// Hides the values of headers that are secret by their name.
    package func learn(_ headers: [Header]) {
        let secret = headers.filter { Self.secretHeaders.contains($0.name.lowercased()) }
        add(
            secret.flatMap {
                [Secret($0.value)] + $0.value.split(separator: " ").dropFirst().map { Secret(String($0)) }
            })
    }

    /// Values of a query that are secret by their name.
    private static let secretItems: Set = ["key", "api_key", "api-key", "apikey", "token", "access_token", "sig"]

    /// An address without secrets.
    package func clean(url: String) -> String {
        let parts = clean(url).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return String(parts[0]) }
        let items = parts[1].split(separator: "&").map { item in
            let name = item.prefix { $0 != "=" }
            return Self.secretItems.contains(name.lowercased()) ? "\(name)=\(Secret.mask)" : String(item)
        }
        return parts[0] + "?" + items.joined(separator: "&")
    }

    package func clean(_ header: Header) -> Header {
        guard Self.secretHeaders.contains(header.name.lowercased()) else {
            return Header(header.name, clean(header.value))
        }
        let scheme = header.value.split(separator: " ", maxSplits: 1)
        return Header(header.name, (scheme.count > 1 ? "\(scheme[0]) " : "") + Secret.mask)
    }

    package func clean(_ event: TurnEvent) -> TurnEvent {
        let secrets = secrets
        guard !secrets.isEmpty else { return event }
        // An exchange was cleaned when it was written down.
        if case .wire = event { return event }
        if case .messageDelta(var delta) = event {
            guard Self.holds(delta.text, secrets) else { return event }
            delta.text = Self.clean(delta.text, secrets)
            return .messageDelta(delta)
        }
        let (kind, data) = event.encoded()
        return Self.holds(data, secrets) ? TurnEvent(kind: kind, data: Self.clean(data, secrets)) : event
    }

    package func clean(_ value: JSONValue) -> JSONValue { Self.clean(value, secrets) }

    private static func clean(_ value: JSONValue, _ secrets: [Needle]) -> JSONValue {
        switch value {
        case .string(let text): .string(clean(text, secrets))
        case .array(let items): .array(items.map { clean($0, secrets) })
        case .object(let object): .object(JSONObject(object.map { (clean($0, secrets), clean($1, secrets)) }))
        case .null, .bool, .number: value
        }
    }
}
