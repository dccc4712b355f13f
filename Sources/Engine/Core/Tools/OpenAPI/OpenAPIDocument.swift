/// An OpenAPI document (3.0, 3.1, 3.2; Swagger 2.0 is converted) with what is needed to find one's way in it.
struct OpenAPIDocument: Sendable {
    /// As version 3.
    let root: JSONValue
    /// Where it came from: addresses of servers may be relative to it.
    let location: String
    /// 3.0's dialect: `nullable`, boolean `exclusiveMinimum`.
    let isThreeZero: Bool
    private(set) var warnings: [String] = []

    /// - Throws: `invalidInput` for anything that is no OpenAPI document.
    init(_ value: JSONValue, location: String) throws(EngineError) {
        self.location = location
        let version = value["openapi"]?.string ?? value["openapi"]?.text ?? ""
        if value["swagger"] != nil {
            root = SwaggerTwo.converted(value)
            isThreeZero = true
        } else if version.hasPrefix("3.") {
            root = value
            isThreeZero = version.hasPrefix("3.0")
            if !["3.0", "3.1", "3.2"].contains(where: version.hasPrefix) {
                warnings.append("OpenAPI \(version) is newer than what is known here (3.2)")
            }
        } else {
            throw EngineError(
                .invalidInput, "'\(location)' is no OpenAPI document: it has neither 'openapi: 3.…' nor 'swagger: 2.0'")
        }
    }

    /// What a value means: references are followed inside the document.
    /// - Returns: nil for a reference that leads nowhere, outside, or in circles.
    func resolve(_ value: JSONValue?) -> JSONValue? {
        var value = value
        for _ in 0..<32 {
            guard let reference = value?["$ref"]?.string else { return value }
            value = find(reference)
        }
        return nil
    }

    func find(_ reference: String) -> JSONValue? {
        guard reference.hasPrefix("#") else { return nil }
        return JSONPointer.find(Self.decoded(String(reference.dropFirst())), in: root)
    }

    /// Percent-decoding; a broken sequence stays as it is.
    private static func decoded(_ text: String) -> String {
        guard text.contains("%") else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let byte = UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
            {
                result.append(byte)
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The address that an operation is called under.
    /// - Parameter candidates: the servers of the operation, the path, the document; the first list that has any wins.
    func server(_ candidates: [JSONValue?]) -> String {
        let server = candidates.lazy.compactMap { $0?.array }.first { !$0.isEmpty }?.first
        var url = server?["url"]?.string ?? "/"
        for (name, variable) in server?["variables"]?.object ?? JSONObject() {
            url = url.replacing("{\(name)}", with: variable["default"]?.string ?? variable["default"]?.text ?? "")
        }
        if WebAddress(url) != nil { return url }
        return WebAddress(location)?.resolve(url)?.text ?? url
    }

    static let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"]
}

/// Swagger 2.0 in the words of OpenAPI 3.0 (OAI/OpenAPI-Specification, versions/2.0.md).
enum SwaggerTwo {
    static func converted(_ old: JSONValue) -> JSONValue {
        var new = JSONObject()
        new["openapi"] = "3.0.4"
        new["info"] = old["info"]
        let host = old["host"]?.string
        let base = old["basePath"]?.string ?? ""
        let scheme = (old["schemes"]?.array?.compactMap(\.string) ?? []).sorted { $0 > $1 }.first {
            $0.hasPrefix("http")
        }
        let url = host.map { "\(scheme ?? "https")://\($0)\(base)" } ?? (base.isEmpty ? "/" : base)
        new["servers"] = [["url": .string(url)]]
        new["security"] = old["security"]
        var components = JSONObject()
        components["schemas"] = old["definitions"]
        components["securitySchemes"] = .object(
            JSONObject((old["securityDefinitions"]?.object ?? JSONObject()).map { ($0, security($1)) }))
        new["components"] = .object(components)
        var paths = JSONObject()
        for (path, item) in old["paths"]?.object ?? JSONObject() {
            var converted = JSONObject()
            let shared = item["parameters"]?.array ?? []
            for (key, value) in item.object ?? JSONObject() where key != "parameters" {
                converted[key] = OpenAPIDocument.methods.contains(key) ? operation(value, shared, old) : value
            }
            paths[path] = .object(converted)
        }
        new["paths"] = .object(paths)
        return references(.object(new))
    }

    private static func operation(_ old: JSONValue, _ shared: [JSONValue], _ root: JSONValue) -> JSONValue {
        guard var new = old.object else { return old }
        func whole(_ parameter: JSONValue) -> JSONValue {
            guard let reference = parameter["$ref"]?.string, reference.hasPrefix("#") else { return parameter }
            return JSONPointer.find(String(reference.dropFirst()), in: root) ?? parameter
        }
        let own = (old["parameters"]?.array ?? []).map(whole)
        let inherited = shared.map(whole).filter { inherited in
            !own.contains { $0["name"] == inherited["name"] && $0["in"] == inherited["in"] }
        }
        let all = inherited + own
        new["parameters"] = .array(all.filter { !["body", "formData"].contains($0["in"]?.string) }.map(parameter))
        let consumes = (old["consumes"] ?? root["consumes"])?.array?.compactMap(\.string) ?? []
        if let body = all.first(where: { $0["in"] == "body" }) {
            let type = consumes.first { $0.contains("json") } ?? consumes.first ?? "application/json"
            new["requestBody"] = [
                "required": body["required"] ?? false, "description": body["description"] ?? "",
                "content": [type: ["schema": body["schema"] ?? [:]]],
            ]
        }
        let fields = all.filter { $0["in"] == "formData" }
        if !fields.isEmpty {
            let hasFile = fields.contains { $0["type"] == "file" }
            let usual = hasFile ? "multipart/form-data" : "application/x-www-form-urlencoded"
            let type = consumes.first { $0.contains("form") } ?? usual
            let properties = fields.map { field -> (String, JSONValue) in
                let isFile = field["type"] == "file"
                return (field["name"]?.string ?? "", isFile ? ["type": "string", "format": "binary"] : schema(field))
            }
            let required = fields.filter { $0["required"] == true }.compactMap { $0["name"] }
            new["requestBody"] = [
                "required": .bool(!required.isEmpty),
                "content": [
                    hasFile ? "multipart/form-data" : type: [
                        "schema": [
                            "type": "object", "properties": .object(JSONObject(properties)),
                            "required": .array(required),
                        ]
                    ]
                ],
            ]
        }
        return .object(new)
    }

    private static func parameter(_ old: JSONValue) -> JSONValue {
        guard var new = old.object, old["$ref"] == nil else { return old }
        new["schema"] = schema(old)
        switch old["collectionFormat"]?.string {
        case "multi": new["explode"] = true
        case "ssv":
            new["style"] = "spaceDelimited"
            new["explode"] = false
        case "pipes":
            new["style"] = "pipeDelimited"
            new["explode"] = false
        default: if old["type"] == "array" { new["explode"] = false }
        }
        return .object(new)
    }

    /// What of a parameter is its schema.
    private static func schema(_ parameter: JSONValue) -> JSONValue {
        let names = [
            "type", "format", "items", "default", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
            "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "multipleOf", "description",
        ]
        return .object(JSONObject(names.compactMap { name in parameter[name].map { (name, $0) } }))
    }

    private static func security(_ old: JSONValue) -> JSONValue {
        old["type"] == "basic" ? ["type": "http", "scheme": "basic"] : old
    }

    private static func references(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let items): return .array(items.map(references))
        case .object(let object):
            return .object(
                JSONObject(
                    object.map { key, item in
                        guard key == "$ref", let text = item.string, text.hasPrefix("#/definitions/") else {
                            return (key, references(item))
                        }
                        return (key, .string("#/components/schemas/" + text.dropFirst("#/definitions/".count)))
                    }))
        case .null, .bool, .number, .string: return value
        }
    }
}
