/// A prompt that an MCP server offers.
package struct PromptSummary: Sendable, Equatable, Codable {
    package struct Argument: Sendable, Equatable, Codable {
        package var name: String
        package var description: String
        package var isRequired: Bool

        package init(name: String, description: String, isRequired: Bool) {
            self.name = name
            self.description = description
            self.isRequired = isRequired
        }
    }

    package var name: String
    package var description: String
    package var arguments: [Argument]

    package init(name: String, description: String, arguments: [Argument]) {
        self.name = name
        self.description = description
        self.arguments = arguments
    }

    /// A JSON Schema of its arguments, for a form.
    package var schema: JSONValue {
        let properties = arguments.map { argument in
            (argument.name, ["type": "string", "description": .string(argument.description)] as JSONValue)
        }
        return [
            "type": "object", "properties": .object(JSONObject(properties)),
            "required": .array(arguments.filter(\.isRequired).map { .string($0.name) }),
        ]
    }
}

/// A resource, or a template of resources, that an MCP server offers.
package struct ResourceSummary: Sendable, Equatable, Codable {
    /// For a template: RFC 6570.
    package var uri: String
    package var name: String
    package var description: String
    package var mediaType: String?
    package var isTemplate: Bool

    package init(uri: String, name: String, description: String, mediaType: String?, isTemplate: Bool) {
        self.uri = uri
        self.name = name
        self.description = description
        self.mediaType = mediaType
        self.isTemplate = isTemplate
    }

    /// The expressions of the template, without operators and modifiers.
    private var expressions: [(whole: String, operation: Character?, names: [String])] {
        var found: [(String, Character?, [String])] = []
        var rest = uri[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let whole = rest[open...close]
            var inside = whole.dropFirst().dropLast()
            let operation = inside.first.flatMap { "+#./;?&".contains($0) ? $0 : nil }
            if operation != nil { inside = inside.dropFirst() }
            let names = inside.split(separator: ",").map { String($0.prefix { $0 != ":" && $0 != "*" }) }
            found.append((String(whole), operation, names))
            rest = rest[rest.index(after: close)...]
        }
        return found
    }

    /// A JSON Schema of the template's variables, for a form.
    package var schema: JSONValue {
        var properties = JSONObject()
        for name in expressions.flatMap(\.names) { properties[name] = ["type": "string"] }
        return ["type": "object", "properties": .object(properties)]
    }

    /// The address with values for its variables (RFC 6570, for single values; what has none is left out).
    package func expanded(_ values: [String: String]) -> String {
        var result = uri
        for (whole, operation, names) in expressions {
            let known = names.compactMap { name in values[name].map { (name, $0) } }
            func plain(_ separator: String) -> String {
                known.map { Encodings.percent($0.1) }.joined(separator: separator)
            }
            func pairs(_ separator: String) -> String {
                known.map { "\(Encodings.percent($0.0))=\(Encodings.percent($0.1))" }.joined(separator: separator)
            }
            let text: String =
                switch operation {
                case _ where known.isEmpty: ""
                case "+": known.map(\.1).joined(separator: ",")
                case "#": "#" + known.map(\.1).joined(separator: ",")
                case ".": "." + plain(".")
                case "/": "/" + plain("/")
                case ";": ";" + pairs(";")
                case "?": "?" + pairs("&")
                case "&": "&" + pairs("&")
                default: plain(",")
                }
            result = result.replacing(whole, with: text, maxReplacements: 1)
        }
        return result
    }
}

/// What a server's prompt or resource gave, for the next message.
package struct ServerContent: Sendable, Equatable, Codable {
    package var name: String
    package var text: String
    package var attachments: [Attachment]

    package init(name: String, text: String, attachments: [Attachment] = []) {
        self.name = name
        self.text = text
        self.attachments = attachments
    }
}
