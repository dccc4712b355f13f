/// What a server's `WWW-Authenticate` says (RFC 6750, section 3; RFC 9728, section 5.1).
package struct OAuthChallenge: Sendable, Equatable {
    /// Where the server describes itself.
    package var resourceMetadata: String?
    package var scope: String?
    package var error: String?

    package init() {}

    /// - Returns: nil when no header speaks of `Bearer`.
    package init?(_ headers: [(name: String, value: String)]) {
        guard let parameters = headers.lazy.compactMap({ Self.bearer($0.value) }).first else { return nil }
        resourceMetadata = parameters["resource_metadata"]
        scope = parameters["scope"]
        error = parameters["error"]
    }

    /// The parameters of the `Bearer` challenge; several schemes may stand in one header (RFC 9110, section 11.6.1).
    private static func bearer(_ text: String) -> [String: String]? {
        var found: [String: String]?
        var isBearer = false
        for part in split(text) {
            let equals = part.firstIndex(of: "=")
            let space = part.firstIndex(of: " ")
            var pair = part
            // A new scheme begins: `Bearer`, or `Bearer name=…`.
            if equals == nil || (space.map { $0 < equals ?? part.endIndex } ?? false) {
                isBearer = part.prefix { $0 != " " }.lowercased() == "bearer"
                if isBearer, found == nil { found = [:] }
                pair = String(part[(space ?? part.endIndex)...].drop { $0 == " " })
            }
            guard isBearer, let equals = pair.firstIndex(of: "=") else { continue }
            let name = String(pair[..<equals].filter { $0 != " " }).lowercased()
            found?[name] = unquoted(String(pair[pair.index(after: equals)...].drop { $0 == " " }))
        }
        return found
    }

    /// At commas outside of quotes.
    private static func split(_ text: String) -> [String] {
        var parts: [String] = [""]
        var isQuoted = false
        var isEscaped = false
        for character in text {
            if isEscaped {
                isEscaped = false
            } else if character == "\\", isQuoted {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == ",", !isQuoted {
                parts.append("")
                continue
            }
            parts[parts.count - 1].append(character)
        }
        return parts.map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
    }

    private static func unquoted(_ text: String) -> String {
        guard text.hasPrefix("\"") else { return String(text.prefix { $0 != " " }) }
        var result = ""
        var isEscaped = false
        for character in text.dropFirst() {
            if !isEscaped, character == "\"" { break }
            if !isEscaped, character == "\\" {
                isEscaped = true
                continue
            }
            isEscaped = false
            result.append(character)
        }
        return result
    }
}
