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

    /// The bytes of the longest secret.
    package var longest: Int { secrets.first?.utf8.count ?? 0 }

    /// Bytes with stars in the place of secrets, as many as the secret has.
    package func masked(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for secret in secrets {
            let needle = Array(secret.utf8)
            var start = 0
            while let found = Self.find(needle, in: bytes, from: start) {
                for index in found..<(found + needle.count) { bytes[index] = UInt8(ascii: "*") }
                start = found + needle.count
            }
        }
        return bytes
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard let first = needle.first, bytes.count >= needle.count else { return nil }
        let last = bytes.count - needle.count
        guard start <= last else { return nil }
        return bytes.withUnsafeBufferPointer { bytes in
            (start...last).first { index in
                bytes[index] == first && needle.indices.allSatisfy { bytes[index + $0] == needle[$0] }
            }
        }
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
        guard !secrets.isEmpty else { return event }
        // An exchange was cleaned when it was written down.
        if case .wire = event { return event }
        if case .messageDelta(var delta) = event {
            delta.text = clean(delta.text)
            return .messageDelta(delta)
        }
        let (kind, data) = event.encoded()
        let cleaned = clean(data)
        return cleaned == data ? event : TurnEvent(kind: kind, data: cleaned)
    }

    package func clean(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(clean(text))
        case .array(let items): .array(items.map(clean))
        case .object(let object): .object(JSONObject(object.map { (clean($0), clean($1)) }))
        case .null, .bool, .number: value
        }
    }
}
