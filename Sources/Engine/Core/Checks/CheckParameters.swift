/// Parameters that several checks read alike.
extension FieldReader {
    /// The first of several names that is there.
    package mutating func strings(anyOf keys: [String], required: Bool = false) -> [String] {
        ignore(keys)
        let present = keys.filter { object[$0] != nil }
        if present.isEmpty, required { missing(keys[0]) }
        guard let key = present.first else { return [] }
        if let text = object[key]?.string { return [text] }
        return strings(key) ?? []
    }

    package mutating func string(anyOf keys: [String], required: Bool = false) -> String? {
        ignore(keys)
        guard let key = keys.first(where: { object[$0] != nil }) else {
            if required { missing(keys[0]) }
            return nil
        }
        return string(key)
    }

    package mutating func int(anyOf keys: [String], atLeast minimum: Int? = nil) -> Int? {
        ignore(keys)
        return keys.first { object[$0] != nil }.flatMap { int($0, atLeast: minimum) }
    }

    /// A regular expression that compiles later; what cannot be one is reported by the loader, which has a compiler.
    package mutating func pattern(_ key: String, required: Bool = false) -> String? {
        string(key, required: required)
    }

    /// Objects of a list, each read by the caller.
    package mutating func items<Value>(_ key: String, required: Bool = false, _ read: (inout FieldReader) -> Value)
        -> [Value]
    {
        children(key, required: required).map { child in
            var child = child
            let value = read(&child)
            child.finish(.warning)
            return value
        }
    }
}

extension CheckSubject {
    /// Compiles a pattern of a pack.
    func pattern(_ text: String) throws(EngineError) -> any Pattern {
        try patterns.compile(text, ignoringCase: false)
    }

    /// The JSON in the text: the whole of it, or, where it may be wrapped, the first fenced block or the first
    /// balanced object or list.
    func json(_ reading: JSONReading) throws(EngineError) -> JSONValue {
        var candidates = [output]
        if reading.allowsFence, let fenced = JSONReading.fenced(output) { candidates.insert(fenced, at: 0) }
        if reading.extracts, let inner = JSONReading.balanced(output) { candidates.append(inner) }
        var problem = ""
        for text in candidates {
            do throws(JSONSyntaxError) { return try JSONParser.parse(text) } catch { problem = error.message }
        }
        throw EngineError(.invalidInput, "the text is not JSON: \(problem)")
    }
}

/// Where in an answer a check looks for JSON.
struct JSONReading: Sendable {
    var allowsFence: Bool
    var extracts: Bool

    init(_ fields: inout FieldReader) {
        allowsFence = fields.bool("allow_wrapped") ?? false
        extracts = fields.bool("extract_json") ?? false
    }

    /// What stands in the first block fenced by three backticks.
    static func fenced(_ text: String) -> String? {
        guard let open = text.firstRange(of: "```") else { return nil }
        let rest = text[open.upperBound...]
        guard let newline = rest.firstIndex(where: \.isNewline), let close = rest[newline...].firstRange(of: "```")
        else { return nil }
        return String(rest[newline..<close.lowerBound])
    }

    /// The first balanced `{…}`, else the first balanced `[…]`; brackets in strings do not count.
    static func balanced(_ text: String) -> String? {
        balanced(text, "{", "}") ?? balanced(text, "[", "]")
    }

    private static func balanced(_ text: String, _ open: Character, _ close: Character) -> String? {
        guard let start = text.firstIndex(of: open) else { return nil }
        var depth = 0
        var isInString = false
        var isEscaped = false
        for index in text[start...].indices {
            let character = text[index]
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                } else if character == "\"" {
                    isInString = false
                }
                continue
            }
            if character == "\"" { isInString = true }
            if character == open { depth += 1 }
            if character == close {
                depth -= 1
                if depth == 0 { return String(text[start...index]) }
            }
        }
        return nil
    }
}

/// How a message lists names.
func quoted(_ names: some Sequence<String>) -> String {
    names.map { "'\($0)'" }.joined(separator: ", ")
}
