/// The schemas of schemas, for schemas that refer to them: which keywords there are, and what may stand behind them
/// (JSON Schema drafts 7 and 2020-12).
enum MetaSchemas {
    private static let draft7 = "http://json-schema.org/draft-07/schema"
    private static let draft2020 = "https://json-schema.org/draft/2020-12/schema"

    /// Keywords of the vocabulary `validation`.
    static let validationKeywords: Set<String> = [
        "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum",
        "maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxContains", "minContains",
        "maxProperties", "minProperties", "required", "dependentRequired",
    ]

    /// By URI.
    static let documents: [(String, JSONValue)] =
        [(draft7, document(draft7, isNew: false)), (draft2020, document(draft2020, isNew: true))]
        // The vocabularies of 2020-12 are one document here; each of their names leads to the whole.
        + ["core", "applicator", "unevaluated", "validation", "meta-data", "format-annotation", "content"].map { name in
            ("https://json-schema.org/draft/2020-12/meta/" + name, ["$ref": .string(draft2020)])
        }

    /// Whether a schema refers to one of them.
    static func isNamed(in value: JSONValue, depth: Int = 0) -> Bool {
        guard depth < 64 else { return false }
        switch value {
        case .object(let object):
            if let reference = object["$ref"]?.string, reference.contains("json-schema.org/draft") { return true }
            return object.values.contains { isNamed(in: $0, depth: depth + 1) }
        case .array(let items): return items.contains { isNamed(in: $0, depth: depth + 1) }
        default: return false
        }
    }

    private static func document(_ uri: String, isNew: Bool) -> JSONValue {
        let inner: JSONValue = isNew ? ["$dynamicRef": "#meta"] : ["$ref": "#"]
        let map: JSONValue = ["type": "object", "additionalProperties": inner]
        let list: JSONValue = ["type": "array", "minItems": 1, "items": inner]
        let count: JSONValue = ["type": "integer", "minimum": 0]
        let text: JSONValue = ["type": "string"]
        let texts: JSONValue = ["type": "array", "items": text, "uniqueItems": true]
        let types: JSONValue = ["enum": ["array", "boolean", "integer", "null", "number", "object", "string"]]
        var properties: JSONObject = [
            "$schema": text, "$ref": text, "$comment": text, "title": text, "description": text, "format": text,
            "contentMediaType": text, "contentEncoding": text, "pattern": text, "readOnly": ["type": "boolean"],
            "writeOnly": ["type": "boolean"], "examples": ["type": "array"], "enum": ["type": "array"],
            "type": [
                "anyOf": [types, ["type": "array", "items": types, "minItems": 1, "uniqueItems": true]]
            ],
            "multipleOf": ["type": "number", "exclusiveMinimum": 0], "maximum": ["type": "number"],
            "exclusiveMaximum": ["type": "number"], "minimum": ["type": "number"],
            "exclusiveMinimum": ["type": "number"], "maxLength": count, "minLength": count, "maxItems": count,
            "minItems": count, "maxProperties": count, "minProperties": count, "uniqueItems": ["type": "boolean"],
            "required": texts, "properties": map, "patternProperties": map, "definitions": map, "allOf": list,
            "anyOf": list, "oneOf": list,
        ]
        for keyword in ["additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"] {
            properties[keyword] = inner
        }
        properties["dependencies"] = ["type": "object", "additionalProperties": ["anyOf": [inner, texts]]]
        if isNew {
            let anchor: JSONValue = ["type": "string", "pattern": "^[A-Za-z_][-A-Za-z0-9._]*$"]
            properties["$id"] = ["type": "string", "pattern": "^[^#]*#?$"]
            properties["$anchor"] = anchor
            properties["$dynamicAnchor"] = anchor
            properties["$dynamicRef"] = text
            properties["$vocabulary"] = ["type": "object", "additionalProperties": ["type": "boolean"]]
            properties["$defs"] = map
            properties["prefixItems"] = list
            for keyword in ["items", "unevaluatedItems", "unevaluatedProperties", "contentSchema"] {
                properties[keyword] = inner
            }
            properties["dependentSchemas"] = map
            properties["dependentRequired"] = ["type": "object", "additionalProperties": texts]
            properties["maxContains"] = count
            properties["minContains"] = count
            properties["deprecated"] = ["type": "boolean"]
        } else {
            properties["$id"] = text
            properties["items"] = ["anyOf": [inner, list]]
            properties["additionalItems"] = inner
        }
        var schema: JSONObject = [
            "$schema": .string(uri), "$id": .string(uri), "type": ["object", "boolean"],
            "properties": .object(properties),
        ]
        if isNew { schema["$dynamicAnchor"] = "meta" }
        return .object(schema)
    }
}
