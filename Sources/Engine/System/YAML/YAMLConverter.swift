import Engine

/// Turns nodes into a JSON value by YAML 1.2's core schema, and notes where each part stands.
struct YAMLConverter {
    private(set) var places: [String: Place] = [:]
    private var count = 0

    mutating func value(_ node: YAMLNode, at pointer: String, depth: Int) throws(YAMLProblem) -> JSONValue {
        count += 1
        guard count <= YAMLLimit.values else {
            throw YAMLProblem("aliases expand to more than \(YAMLLimit.values) values", node.place)
        }
        guard depth <= YAMLLimit.depth else {
            throw YAMLProblem("nested deeper than \(YAMLLimit.depth) levels", node.place)
        }
        places[pointer] = node.place
        switch node.kind {
        case .scalar(let text, let isPlain): return Self.scalar(text, isPlain: isPlain, tag: node.tag)
        case .sequence:
            var items: [JSONValue] = []
            for (index, item) in node.items.enumerated() {
                items.append(try value(item, at: "\(pointer)/\(index)", depth: depth + 1))
            }
            return .array(items)
        case .mapping: return .object(try mapping(node, at: pointer, depth: depth))
        }
    }

    private mutating func mapping(
        _ node: YAMLNode, at pointer: String, depth: Int
    ) throws(YAMLProblem) -> JSONObject {
        var object = JSONObject()
        var own: Set<String> = []
        for (key, inner) in node.pairs {
            guard case .scalar(let name, let isPlain) = key.kind else {
                throw YAMLProblem("a key must be a plain text", key.place)
            }
            if isPlain, name == "<<" {
                try merge(inner, into: &object, at: pointer, depth: depth)
                continue
            }
            guard own.insert(name).inserted else {
                throw YAMLProblem("the key '\(name)' stands here twice", key.place)
            }
            let path = pointer + "/" + JSONPointer.escape(name)
            places[path + SourceText.keySuffix] = key.place
            object[name] = try value(inner, at: path, depth: depth + 1)
        }
        return object
    }

    /// `<<`: what a mapping says itself wins over what it merges in.
    private mutating func merge(
        _ node: YAMLNode, into object: inout JSONObject, at pointer: String, depth: Int
    ) throws(YAMLProblem) {
        var sources = [node]
        if case .sequence = node.kind { sources = node.items }
        for source in sources {
            guard case .mapping = source.kind else { throw YAMLProblem("'<<' needs a mapping", node.place) }
            guard case .object(let merged) = try value(source, at: pointer, depth: depth + 1) else { continue }
            for (key, value) in merged where object[key] == nil { object[key] = value }
        }
    }

    /// <https://yaml.org/spec/1.2.2/#103-core-schema>
    private static func scalar(_ text: String, isPlain: Bool, tag: String?) -> JSONValue {
        if tag == "tag:yaml.org,2002:str" || (!isPlain && tag == nil) { return .string(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: return number(text).map { .number($0) } ?? .string(text)
        }
    }

    private static func number(_ text: String) -> JSONNumber? {
        guard let first = text.utf8.first,
            first == 0x2B || (0x2D...0x2E).contains(first) || (0x30...0x39).contains(first)
        else { return nil }
        if text.hasPrefix("0x"), let value = UInt64(text.dropFirst(2), radix: 16) { return JSONNumber(String(value)) }
        if text.hasPrefix("0o"), let value = UInt64(text.dropFirst(2), radix: 8) { return JSONNumber(String(value)) }
        var plain = text.hasPrefix("+") ? String(text.dropFirst()) : text
        if case .number(let number)? = try? JSONParser.parse(plain) { return number }
        // What YAML allows and JSON does not: leading zeros, `.5`, `5.`
        let allowed = plain.utf8.allSatisfy {
            (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2B || $0 == 0x2E || $0 | 0x20 == 0x65
        }
        guard allowed, plain.utf8.contains(where: { (0x30...0x39).contains($0) }) else { return nil }
        if plain.hasSuffix(".") { plain.removeLast() }
        guard let value = Double(plain), value.isFinite else { return nil }
        if value == value.rounded(), abs(value) < 1e15 { return JSONNumber(String(Int(value))) }
        return JSONNumber(String(value))
    }
}
