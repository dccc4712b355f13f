/// One operation of a document, ready to be called: what the model is told, and where each argument goes.
struct OpenAPIOperation: Sendable {
    struct Parameter: Sendable {
        var name: String
        var place: ParameterStyle.Place
        var isRequired: Bool
        var style: ParameterStyle
        /// The media type of a parameter that is written as a document.
        var content: String?
    }

    struct Body: Sendable {
        var mediaType: String
        var isRequired: Bool
        /// The resolved schema.
        var schema: JSONValue
        var encoding: JSONObject
    }

    /// Where an argument of the tool goes.
    enum Target: Sendable {
        case parameter(Parameter)
        /// A field of the body.
        case field(String)
        /// All of the body.
        case body
    }

    var id: String?
    var method: String
    var path: String
    var server: String
    var tool: ToolDescriptor
    /// By the argument's name, in the order of the request.
    var targets: [(argument: String, target: Target)] = []
    var body: Body?
    /// Alternatives, each a list of schemes that go together; empty: nothing is asked for.
    var security: [[String]] = []
    var tags: [String] = []

    /// Whether a parameter goes there.
    func has(_ place: ParameterStyle.Place) -> Bool {
        targets.contains { if case .parameter(let parameter) = $0.target { parameter.place == place } else { false } }
    }
}

/// Finds the operations of a document.
struct OpenAPIReader {
    private let document: OpenAPIDocument
    private let baseURL: String?
    private let filter: [String]
    private(set) var operations: [OpenAPIOperation] = []
    private(set) var warnings: [String]

    /// - Parameters:
    ///   - baseURL: takes the place of the document's servers.
    ///   - filter: the ids of the operations that become tools; empty: all.
    init(_ document: OpenAPIDocument, baseURL: String? = nil, filter: [String] = []) {
        self.document = document
        self.baseURL = baseURL
        self.filter = filter
        warnings = document.warnings
        readAll()
    }

    private mutating func readAll() {
        var found: Set<String> = []
        for (path, value) in document.root["paths"]?.object ?? JSONObject() {
            guard let item = document.resolve(value)?.object else {
                warnings.append("\(path): its description is not in this document")
                continue
            }
            for method in OpenAPIDocument.methods {
                if let operation = item[method] { read(method, path, .object(item), operation, &found) }
            }
            for (method, operation) in item["additionalOperations"]?.object ?? JSONObject() {
                read(method, path, .object(item), operation, &found)
            }
        }
        for id in filter where !found.contains(id) {
            warnings.append("operationFilter names '\(id)', and the document has no such operation")
        }
        name()
    }

    private mutating func read(
        _ method: String, _ path: String, _ item: JSONValue, _ value: JSONValue, _ found: inout Set<String>
    ) {
        let id = value["operationId"]?.string
        let label = "\(method.uppercased()) \(path)"
        if !filter.isEmpty {
            guard let id, filter.contains(id) else { return }
            found.insert(id)
        }
        let own = baseURL ?? document.server([value["servers"], item["servers"], document.root["servers"]])
        guard WebAddress(own) != nil else {
            warnings.append("\(label): its server '\(own)' is no address; name one with 'baseURL'")
            return
        }
        var operation = OpenAPIOperation(
            id: id, method: method.uppercased(), path: path, server: BaseURL.trimmed(own),
            tool: ToolDescriptor(name: "", description: "", inputSchema: [:], readOnly: false))
        var schemas = OpenAPISchemas(document)
        var properties: [(name: String, place: String, schema: JSONValue, target: OpenAPIOperation.Target)] = []
        var required: [Int] = []
        for parameter in parameters(item, value, label) {
            guard let (read, schema) = self.parameter(parameter, label, &schemas) else { continue }
            if read.isRequired { required.append(properties.count) }
            properties.append((read.name, read.place.rawValue, schema, .parameter(read)))
        }
        body(document.resolve(value["requestBody"]), label, &operation, &schemas, &properties, &required)
        finish(&operation, properties, required, schemas)
        operation.tool.description = description(value, label)
        operation.tool.readOnly = ["GET", "HEAD", "QUERY"].contains(operation.method)
        operation.security = security(value)
        operation.tags = value["tags"]?.array?.compactMap(\.string) ?? []
        for reference in schemas.lost { warnings.append("\(label): '\(reference)' is not in this document") }
        operations.append(operation)
    }

    /// The operation's own parameters take the place of those that it shares.
    private mutating func parameters(_ item: JSONValue, _ value: JSONValue, _ label: String) -> [JSONValue] {
        func resolved(_ list: JSONValue?) -> [JSONValue] {
            (list?.array ?? []).compactMap { entry in
                if let found = document.resolve(entry) { return found }
                warnings.append("\(label): the parameter '\(entry["$ref"]?.string ?? "?")' is not in this document")
                return nil
            }
        }
        let own = resolved(value["parameters"])
        let shared = resolved(item["parameters"]).filter { shared in
            !own.contains { $0["name"] == shared["name"] && $0["in"] == shared["in"] }
        }
        return shared + own
    }

    private static let reservedHeaders: Set = ["accept", "content-type", "authorization"]

    private mutating func parameter(
        _ value: JSONValue, _ label: String, _ schemas: inout OpenAPISchemas
    ) -> (OpenAPIOperation.Parameter, JSONValue)? {
        guard let name = value["name"]?.string,
            let place = (value["in"]?.string).flatMap({ ParameterStyle.Place(rawValue: $0) })
        else {
            warnings.append("\(label): a parameter 'in: \(value["in"]?.string ?? "?")' cannot be sent from here")
            return nil
        }
        if place == .header, Self.reservedHeaders.contains(name.lowercased()) { return nil }
        let standard = ParameterStyle.standard(place)
        let named = value["style"]?.string ?? standard.style
        let style = ParameterStyle(
            style: named, explode: value["explode"]?.bool ?? (named == "form" || named == "cookie"),
            allowsReserved: value["allowReserved"]?.bool ?? false)
        let content = value["content"]?.object?.keys.first
        var schema = schemas.converted(content.flatMap { value["content"]?[$0]?["schema"] } ?? value["schema"])
        if let words = value["description"]?.string, schema["description"] == nil, case .object(var object) = schema {
            object["description"] = .string(words)
            schema = .object(object)
        }
        return (
            OpenAPIOperation.Parameter(
                name: name, place: place, isRequired: place == .path || value["required"]?.bool == true, style: style,
                content: content), schema
        )
    }

    // MARK: The body

    private mutating func body(
        _ value: JSONValue?, _ label: String, _ operation: inout OpenAPIOperation, _ schemas: inout OpenAPISchemas,
        _ properties: inout [(name: String, place: String, schema: JSONValue, target: OpenAPIOperation.Target)],
        _ required: inout [Int]
    ) {
        guard let value, let content = value["content"]?.object, let type = Self.preferred(content.keys) else { return }
        let media = document.resolve(content[type]) ?? [:]
        let flat = schemas.flattened(media["schema"])
        let isRequired = value["required"]?.bool ?? false
        operation.body = OpenAPIOperation.Body(
            mediaType: type, isRequired: isRequired, schema: flat, encoding: media["encoding"]?.object ?? JSONObject())
        let fields = (flat["properties"]?.object ?? JSONObject()).filter { document.resolve($1)?["readOnly"] != true }
        let names = Set(properties.map(\.name))
        let canMerge = !fields.isEmpty && flat["oneOf"] == nil && flat["anyOf"] == nil && !isRecursive(media["schema"])
        guard canMerge, fields.allSatisfy({ !names.contains($0.0) }) else {
            if isRequired { required.append(properties.count) }
            properties.append(("body", "body", schemas.converted(canMerge ? flat : media["schema"]), .body))
            return
        }
        // A body that may be left out asks for its fields all the same where there is nothing else to say.
        let asks = isRequired || properties.isEmpty
        let must = Set(flat["required"]?.array?.compactMap(\.string) ?? [])
        for (name, schema) in fields {
            if asks, must.contains(name) { required.append(properties.count) }
            properties.append((name, "body", file(schemas.converted(schema), type), .field(name)))
        }
    }

    /// A file in a form: a text, or bytes with a name.
    private func file(_ schema: JSONValue, _ type: String) -> JSONValue {
        guard type.hasPrefix("multipart/"), Self.isFile(schema) else { return schema }
        return [
            "anyOf": [
                ["type": "string", "description": "the text of the file"],
                [
                    "type": "object", "required": ["bytesBase64"],
                    "properties": ["filename": ["type": "string"], "bytesBase64": ["type": "string"]],
                ],
            ]
        ]
    }

    /// 3.0 says `format: binary`, 3.1 a media type.
    static func isFile(_ schema: JSONValue?) -> Bool {
        schema?["format"] == "binary" || schema?["contentMediaType"] != nil || schema?["contentEncoding"] == "base64"
    }

    private func isRecursive(_ schema: JSONValue?) -> Bool {
        guard let reference = schema?["$ref"]?.string else { return false }
        return document.find(reference)?.text.contains("\"\(reference)\"") ?? false
    }

    private static func preferred(_ types: [String]) -> String? {
        func first(_ fits: (String) -> Bool) -> String? { types.first { fits($0.lowercased()) } }
        return first { $0.hasPrefix("application/json") } ?? first { $0.contains("+json") }
            ?? first { $0 == "application/x-www-form-urlencoded" } ?? first { $0 == "multipart/form-data" }
            ?? first { $0.hasPrefix("text/") } ?? first { $0 == "application/octet-stream" } ?? types.first
    }

    // MARK: The tool

    /// Puts the schema together. A name that stands in two places says which one it means.
    private func finish(
        _ operation: inout OpenAPIOperation,
        _ properties: [(name: String, place: String, schema: JSONValue, target: OpenAPIOperation.Target)],
        _ required: [Int], _ schemas: OpenAPISchemas
    ) {
        var fields = JSONObject()
        var must: [JSONValue] = []
        for (index, property) in properties.enumerated() {
            let isTwice = properties.count { $0.name == property.name } > 1
            let argument = isTwice ? "\(property.name)__\(property.place)" : property.name
            fields[argument] = property.schema
            if required.contains(index) { must.append(.string(argument)) }
            operation.targets.append((argument, property.target))
        }
        var schema: JSONObject = ["type": "object", "properties": .object(fields)]
        if !must.isEmpty { schema["required"] = .array(must) }
        if !schemas.definitions.isEmpty { schema["$defs"] = .object(schemas.definitions) }
        operation.tool.inputSchema = .object(schema)
    }

    private func description(_ value: JSONValue, _ label: String) -> String {
        let words = [value["summary"]?.string, value["description"]?.string].compactMap(\.self).filter { !$0.isEmpty }
        let deprecated = value["deprecated"] == true ? " (deprecated)" : ""
        return ((words.isEmpty ? [label] : words).joined(separator: "\n\n") + deprecated)
    }

    private func security(_ value: JSONValue) -> [[String]] {
        let list = (value["security"] ?? document.root["security"])?.array ?? []
        let alternatives = list.map { $0.object?.keys ?? [] }
        return alternatives.contains(where: \.isEmpty) ? [] : alternatives
    }

    /// Names that models take, each once: the operation's id, or Omnia's `method_path`.
    private mutating func name() {
        var taken: Set<String> = []
        for index in operations.indices {
            let operation = operations[index]
            let raw = operation.id ?? "\(operation.method.lowercased())_\(operation.path)"
            var plain = String(decoding: raw.utf8.map { ToolNames.isPlain($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
            if operation.id == nil {
                plain = plain.split(separator: "_").joined(separator: "_")
            }
            plain = String(plain.prefix(64))
            var name = plain
            var number = 2
            while !taken.insert(name).inserted {
                let mark = "_\(number)"
                name = String(plain.prefix(64 - mark.count)) + mark
                number += 1
            }
            operations[index].tool.name = name
        }
    }
}
