/// Schemas of a document as a tool's: references lead to `$defs` of the tool's own schema, so that recursion stays, and
/// what only documentation needs is left out.
struct OpenAPISchemas {
    private let document: OpenAPIDocument
    private var names: [String: String] = [:]
    private var waiting: [String] = []
    /// Definitions that were asked for, by their name.
    private(set) var definitions = JSONObject()
    /// References that lead nowhere.
    private(set) var lost: [String] = []

    private static let documentation: Set = [
        "example", "examples", "xml", "discriminator", "externalDocs", "nullable", "readOnly", "writeOnly",
        "deprecated",
    ]

    init(_ document: OpenAPIDocument) { self.document = document }

    /// A schema of a request: properties that only answers have are left out.
    mutating func converted(_ schema: JSONValue?) -> JSONValue {
        let result = convert(schema ?? [:], depth: 0)
        while let reference = waiting.popLast() {
            guard let name = names[reference], let target = document.find(reference) else { continue }
            definitions[name] = convert(target, depth: 0)
        }
        return result
    }

    /// The schema itself, with `allOf` put together where all of it are objects; for bodies whose properties become the
    /// tool's own.
    func flattened(_ schema: JSONValue?, depth: Int = 0) -> JSONValue {
        guard depth < 16, let resolved = document.resolve(schema), case .object(var object) = resolved,
            let parts = resolved["allOf"]?.array
        else { return document.resolve(schema) ?? [:] }
        var properties = object["properties"]?.object ?? JSONObject()
        var required = object["required"]?.array ?? []
        for part in parts {
            let flat = flattened(part, depth: depth + 1)
            guard flat["properties"] != nil || flat["type"] == "object" else { return resolved }
            for (name, value) in flat["properties"]?.object ?? JSONObject() { properties[name] = value }
            for name in flat["required"]?.array ?? [] where !required.contains(name) { required.append(name) }
        }
        object["allOf"] = nil
        object["type"] = "object"
        object["properties"] = .object(properties)
        object["required"] = .array(required)
        return .object(object)
    }

    private mutating func convert(_ schema: JSONValue, depth: Int) -> JSONValue {
        guard depth < 64, case .object(let object) = schema else { return schema }
        if let reference = object["$ref"]?.string { return link(reference) }
        var result = JSONObject()
        for (key, value) in object where !Self.documentation.contains(key) && !key.hasPrefix("x-") {
            switch key {
            case "properties", "patternProperties", "$defs", "dependentSchemas":
                var converted = JSONObject()
                for (name, item) in value.object ?? JSONObject() where item["readOnly"] != true {
                    converted[name] = convert(item, depth: depth + 1)
                }
                result[key] = .object(converted)
            case "required":
                let hidden = Set(
                    (object["properties"]?.object ?? JSONObject()).filter { $1["readOnly"] == true }.map(\.0))
                let left = (value.array ?? []).filter { !hidden.contains($0.string ?? "") }
                if !left.isEmpty { result[key] = .array(left) }
            case "allOf", "anyOf", "oneOf", "prefixItems":
                var items: [JSONValue] = []
                for item in value.array ?? [] { items.append(convert(item, depth: depth + 1)) }
                result[key] = .array(items)
            case "items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else":
                result[key] = convert(value, depth: depth + 1)
            default: result[key] = value
            }
        }
        if document.isThreeZero { modernise(&result, object) }
        return .object(result)
    }

    /// 3.0's dialect in JSON Schema's words.
    private func modernise(_ result: inout JSONObject, _ old: JSONObject) {
        if old["nullable"] == true, let type = result["type"]?.string {
            result["type"] = [.string(type), "null"]
            if let values = result["enum"]?.array, !values.contains(.null) { result["enum"] = .array(values + [.null]) }
        }
        for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            guard let value = old[flag]?.bool else { continue }
            result[flag] = value ? old[bound] : nil
            if value { result[bound] = nil }
        }
    }

    private mutating func link(_ reference: String) -> JSONValue {
        if let name = names[reference] { return ["$ref": .string("#/$defs/" + name)] }
        guard document.find(reference) != nil else {
            lost.append(reference)
            return [:]
        }
        let last = reference.split(separator: "/").last.map(String.init) ?? "schema"
        let plain = String(decoding: last.utf8.map { ToolNames.isPlain($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
        var name = plain
        var number = 2
        while names.values.contains(name) {
            name = "\(plain)_\(number)"
            number += 1
        }
        names[reference] = name
        waiting.append(reference)
        return ["$ref": .string("#/$defs/" + name)]
    }
}
