/// An http or https address in its parts (RFC 3986), as text: nothing is decoded.
package struct WebAddress: Sendable, Equatable {
    /// `http` or `https`.
    package var scheme: String
    /// Host and port as written, without user names.
    package var authority: String
    /// With its leading slash.
    package var path: String
    /// Behind the `?`; nil when there is none.
    package var query: String?

    /// - Returns: nil for anything but an absolute http or https address.
    package init?(_ text: String) {
        guard let colon = text.firstRange(of: "://") else { return nil }
        scheme = text[..<colon.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        let rest = text[colon.upperBound...].prefix { $0 != "#" }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        authority = String(rest[..<end].split(separator: "@").last ?? "")
        guard !authority.isEmpty else { return nil }
        let tail = rest[end...]
        let mark = tail.firstIndex(of: "?")
        let path = String(tail[..<(mark ?? tail.endIndex)])
        self.path = path.isEmpty ? "/" : path
        query = mark.map { String(tail[tail.index(after: $0)...]) }
    }

    /// Without its port, in lower case.
    package var host: String {
        if authority.hasPrefix("[") { return String(authority.prefix { $0 != "]" }.dropFirst()).lowercased() }
        return String(authority.prefix { $0 != ":" }).lowercased()
    }

    /// Scheme, host and port.
    package var origin: String { "\(scheme)://\(authority)" }

    package var text: String { "\(scheme)://\(authority)\(path)\(query.map { "?" + $0 } ?? "")" }

    /// Whether it names the same place: scheme, host and port.
    package func hasOrigin(of other: Self) -> Bool {
        scheme == other.scheme && authority.lowercased() == other.authority.lowercased()
    }

    /// What a reference means from here (RFC 3986, section 5.2).
    /// - Returns: nil when it leads to something that is no http or https address.
    package func resolve(_ reference: String) -> WebAddress? {
        let reference = String(reference.prefix { $0 != "#" })
        if reference.isEmpty { return self }
        if reference.hasPrefix("//") { return WebAddress(scheme + ":" + reference) }
        let beforeSlash = reference.prefix { $0 != "/" && $0 != "?" }
        if beforeSlash.contains(":") { return WebAddress(reference) }
        var result = self
        if reference.hasPrefix("?") {
            result.query = String(reference.dropFirst())
            return result
        }
        let mark = reference.firstIndex(of: "?")
        let target = String(reference[..<(mark ?? reference.endIndex)])
        result.query = mark.map { String(reference[reference.index(after: $0)...]) }
        let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
        result.path = Self.withoutDots(target.hasPrefix("/") ? target : folder + target)
        return result
    }

    /// RFC 3986, section 5.2.4.
    private static func withoutDots(_ path: String) -> String {
        var segments: [Substring] = []
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            if part == ".." { _ = segments.popLast() } else if part != "." { segments.append(part) }
            if isLast, part == "." || part == ".." { segments.append("") }
        }
        return "/" + segments.joined(separator: "/")
    }
}
