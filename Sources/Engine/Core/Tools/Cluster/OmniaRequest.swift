/// The request that Omnia's runtime makes of a call (AltairaLabs/Omnia, `internal/runtime/tools`), with what it does
/// differently from what its documents say. Held against what the real executor sent.
package struct OmniaRequest {
    /// The part of a handler's settings that its HTTP path reads.
    struct Settings {
        var endpoint: String
        var urlTemplate: String?
        var method: String
        var headers: [Header]
        var contentType = "application/json"
        var queryParams: [String] = []
        var headerParams: [Header] = []
        var staticQuery: [Header] = []
        var staticBody: JSONObject?
        var bodyMapping: JMESPath?

        /// Whether arguments are taken apart, or go as they are.
        var isAdvanced: Bool {
            urlTemplate != nil || !headerParams.isEmpty || !queryParams.isEmpty || staticBody != nil
                || bodyMapping != nil
        }
    }

    private let settings: Settings
    private let handler: String
    private let tool: String

    init(_ settings: Settings, handler: String, tool: String) {
        self.settings = settings
        self.handler = handler
        self.tool = tool
    }

    private var hasBody: Bool { ["POST", "PUT", "PATCH"].contains(settings.method) }

    /// - Throws: `invalidInput` when a mapping fails.
    func sent(_ arguments: JSONObject) throws(EngineError) -> SentCall {
        var left = arguments
        var url = settings.endpoint
        var query: [(String, String)] = []
        var own: [Header] = []
        var body: JSONValue?
        if let template = settings.urlTemplate {
            url = template
            for (key, value) in arguments where url.contains("{\(key)}") {
                url = url.replacing("{\(key)}", with: Self.text(value))
                left[key] = nil
            }
        }
        for parameter in settings.headerParams {
            guard let value = left[parameter.name] else { continue }
            own.append(Header(parameter.value, Self.text(value)))
            left[parameter.name] = nil
        }
        query += settings.staticQuery.map { ($0.name, $0.value) }
        if arguments.isEmpty {
            if hasBody, let fixed = settings.staticBody { body = .object(fixed) }
        } else if !settings.isAdvanced {
            if hasBody { body = .object(arguments) } else { query += Self.pairs(left) }
        } else {
            var named = JSONObject()
            for name in settings.queryParams {
                named[name] = left[name]
                left[name] = nil
            }
            if hasBody {
                query += Self.pairs(named)
                var whole = settings.staticBody ?? JSONObject()
                for (key, value) in left { whole[key] = value }
                body = Self.sorted(.object(whole))
            } else {
                query += Self.pairs(settings.queryParams.isEmpty ? left : named)
            }
        }
        if let bytes = body { body = try HTTPCaller.mapped(bytes, by: settings.bodyMapping, "bodyMapping") }
        var headers = settings.headers + Self.context(handler: handler, tool: tool, arguments: arguments)
        if body != nil { headers.insert(Header("Content-Type", settings.contentType), at: 0) }
        // A header of a parameter takes the place of another.
        headers = headers.filter { header in !own.contains { $0.name.lowercased() == header.name.lowercased() } } + own
        return SentCall(method: settings.method, target: Self.address(url, query), headers: headers, body: body?.text)
    }

    /// What it adds to each call, but for what only a cluster knows: agent, namespace, request, user, claims.
    static func context(handler: String, tool: String, arguments: JSONObject?) -> [Header] {
        var headers = [Header("X-Omnia-Tool-Name", tool), Header("X-Omnia-Tool-Registry", handler)]
        for (name, value) in arguments ?? JSONObject() {
            switch value {
            case .string, .bool, .number:
                let plain = name.split { $0 == "_" || $0 == "-" }.joined().lowercased()
                headers.append(Header("X-Omnia-Param-" + plain.prefix(1).uppercased() + plain.dropFirst(), text(value)))
            case .null, .array, .object: break
            }
        }
        return headers
    }

    // MARK: Go's way of writing

    private static func pairs(_ object: JSONObject) -> [(String, String)] { object.map { ($0, text($1)) } }

    /// Go's `%v` of a value that was read from JSON: numbers are doubles, lists and maps have Go's own look.
    package static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: "<nil>"
        case .bool(let bool): bool ? "true" : "false"
        case .string(let text): text
        case .number: number(value.double ?? 0)
        case .array(let items): "[" + items.map(text).joined(separator: " ") + "]"
        case .object(let object):
            "map[" + object.sorted { $0.0 < $1.0 }.map { "\($0):\(text($1))" }.joined(separator: " ") + "]"
        }
    }

    /// Go's `%v` of a double: the shortest digits that read back, with an exponent from a million on, and from five
    /// places behind the point on.
    private static func number(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
        // Swift's description holds the shortest digits that read back.
        let parts = "\(abs(value))".split(separator: "e")
        let plain = parts[0].split(separator: ".")
        var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        var digits = String(plain[0]) + (plain.count > 1 && plain[1] != "0" ? String(plain[1]) : "")
        exponent += plain[0].count - 1
        let zeros = digits.prefix { $0 == "0" }.count
        digits = String(digits.dropFirst(zeros))
        exponent -= zeros
        while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
        let sign = value < 0 ? "-" : ""
        guard exponent < -4 || exponent >= 6 else {
            if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits }
            if digits.count <= exponent + 1 {
                return sign + digits + String(repeating: "0", count: exponent + 1 - digits.count)
            }
            return sign + digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
        }
        let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
        let size = abs(exponent)
        return sign + digits.prefix(1) + fraction + "e" + (exponent < 0 ? "-" : "+") + (size < 10 ? "0" : "")
            + "\(size)"
    }

    /// `url.Values.Encode`: the address's own query and the new values, by name; a space is `+`.
    private static func address(_ url: String, _ query: [(String, String)]) -> String {
        let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var values = Encodings.query(parts.count > 1 ? parts[1] : "")
        let path = escapedPath(parts[0])
        guard !query.isEmpty else { return parts.count > 1 ? path + "?" + parts[1] : path }
        for (name, value) in query { values[name] = value }
        func plus(_ text: String) -> String { Encodings.percent(text).replacing("%20", with: "+") }
        return path + "?"
            + values.sorted { $0.key < $1.key }.map { "\(plus($0.key))=\(plus($0.value))" }.joined(separator: "&")
    }

    /// What may not stand in a path is escaped; a slash of an argument is left, and leads elsewhere.
    private static func escapedPath(_ text: Substring) -> String {
        let free = Set("-._~!$&'()*+,;=:@/%".utf8)
        return String(
            decoding: text.utf8.flatMap { byte -> [UInt8] in
                let isPlain = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) && byte < 0x80
                return isPlain || free.contains(byte) ? [byte] : Array("%\(Encodings.hex([byte]).uppercased())".utf8)
            }, as: UTF8.self)
    }

    /// Go writes maps by their keys.
    private static func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let items): .array(items.map(sorted))
        case .object(let object): .object(JSONObject(object.map { ($0, sorted($1)) }.sorted { $0.0 < $1.0 }))
        case .null, .bool, .number, .string: value
        }
    }
}
