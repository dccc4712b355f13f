/// A URI or a relative reference (RFC 3986) in its five parts, as much as schemas need.
struct URIReference: Equatable {
    var scheme: String?
    var authority: String?
    var path: String
    var query: String?
    var fragment: String?

    init(_ text: String) {
        var rest = Substring(text)
        fragment = Self.cut(&rest, after: "#")
        query = Self.cut(&rest, after: "?")
        if let colon = rest.firstIndex(of: ":"), rest.first?.isLetter == true,
            !rest[..<colon].contains("/")
        {
            scheme = String(rest[..<colon])
            rest = rest[rest.index(after: colon)...]
        }
        if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
            let end = rest.firstIndex(of: "/") ?? rest.endIndex
            authority = String(rest[..<end])
            rest = rest[end...]
        }
        path = String(rest)
    }

    private static func cut(_ rest: inout Substring, after mark: Character) -> String? {
        guard let position = rest.firstIndex(of: mark) else { return nil }
        let tail = String(rest[rest.index(after: position)...])
        rest = rest[..<position]
        return tail
    }

    var text: String {
        (scheme.map { $0 + ":" } ?? "") + (authority.map { "//" + $0 } ?? "") + path
            + (query.map { "?" + $0 } ?? "") + (fragment.map { "#" + $0 } ?? "")
    }

    /// What the reference means in a document with this base (RFC 3986, section 5.2).
    static func resolve(_ reference: String, against base: String) -> String {
        if reference.hasPrefix("#") { return withoutFragment(base) + reference }
        var result = URIReference(reference)
        if result.scheme != nil {
            result.path = withoutDots(result.path)
            return result.text
        }
        let base = URIReference(base)
        result.scheme = base.scheme
        if result.authority != nil {
            result.path = withoutDots(result.path)
            return result.text
        }
        result.authority = base.authority
        if result.path.isEmpty {
            result.path = base.path
            result.query = result.query ?? base.query
        } else if !result.path.hasPrefix("/") {
            result.path = withoutDots(base.folder + result.path)
        } else {
            result.path = withoutDots(result.path)
        }
        return result.text
    }

    /// The path up to and with its last slash.
    private var folder: String {
        if authority != nil, path.isEmpty { return "/" }
        return path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    static func withoutFragment(_ text: String) -> String {
        text.firstIndex(of: "#").map { String(text[..<$0]) } ?? text
    }

    /// Takes `.` and `..` out of a path (RFC 3986, section 5.2.4).
    private static func withoutDots(_ path: String) -> String {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        let floor = path.hasPrefix("/") ? 1 : 0
        var kept: [Substring] = []
        for (position, segment) in segments.enumerated() {
            let isLast = position == segments.count - 1
            switch segment {
            case ".": if isLast { kept.append("") }
            case "..":
                if kept.count > floor { kept.removeLast() }
                if isLast { kept.append("") }
            default: kept.append(segment)
            }
        }
        return kept.joined(separator: "/")
    }

    /// Decodes `%41`; what is not an escape stays.
    static func withoutPercents(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        let bytes = Array(text.utf8)
        var decoded: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let digits = bytes[position...].dropFirst().prefix(2)
            if bytes[position] == UInt8(ascii: "%"), digits.count == 2,
                let byte = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            {
                decoded.append(byte)
                position += 3
            } else {
                decoded.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}
