/// MCP's content blocks as text for a model, and header values.
package enum MCPContent {
    package static func text(of result: JSONValue) -> String {
        let texts = (result["content"]?.array ?? []).map(block)
        if texts.isEmpty, let structured = result["structuredContent"] { return structured.text }
        return texts.joined(separator: "\n")
    }

    /// One block: text as it is, what is no text in brackets.
    package static func block(_ block: JSONValue) -> String {
        switch block["type"]?.string {
        case "text": return block["text"]?.string ?? ""
        case "image", "audio":
            return "[\(block["type"]?.string ?? "") \(block["mimeType"]?.string ?? ""), \(size(block["data"])) bytes]"
        case "resource_link":
            let about = block["description"]?.string.map { ": \($0)" } ?? ""
            return
                "[\(block["title"]?.string ?? block["name"]?.string ?? "resource") <\(block["uri"]?.string ?? "")>\(about)]"
        case "resource": return resource(block["resource"] ?? .null)
        default: return block.text
        }
    }

    /// What `resources/read` gives, or a tool's answer holds.
    package static func resource(_ content: JSONValue) -> String {
        if let text = content["text"]?.string { return text }
        return
            "[resource \(content["uri"]?.string ?? "") \(content["mimeType"]?.string ?? ""), \(size(content["blob"])) bytes]"
    }

    /// A resource for the next message: texts with their address over them, images as they are.
    static func content(of uri: String, _ contents: [JSONValue]) -> ServerContent {
        var content = ServerContent(name: uri, text: "")
        var texts: [String] = []
        for part in contents {
            let type = part["mimeType"]?.string ?? ""
            if type.hasPrefix("image/"), let data = part["blob"]?.string {
                content.attachments.append(Attachment(name: uri, mediaType: type, data: data))
            } else {
                texts.append("<\(part["uri"]?.string ?? uri)>\n\(resource(part))")
            }
        }
        content.text = texts.joined(separator: "\n\n")
        return content
    }

    private static func size(_ base64: JSONValue?) -> Int { (base64?.string?.utf8.count ?? 0) * 3 / 4 }

    /// A header's value: as it is when it is plain ASCII, else in the protocol's base64 form.
    package static func headerValue(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let blanks: [UInt8] = [0x20, 0x09]
        let edges = [bytes.first, bytes.last].compactMap { $0 }.contains { blanks.contains($0) }
        let plain = bytes.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x09 }
        let lookalike = text.hasPrefix("=?base64?") && text.hasSuffix("?=")
        return plain && !edges && !lookalike ? text : "=?base64?\(Encodings.base64(bytes))?="
    }

    /// One header for each argument whose schema asks for it with `x-mcp-header`.
    package static func mirroredArguments(_ schema: JSONValue, _ arguments: JSONValue) -> [Header] {
        var headers: [Header] = []
        for (name, property) in schema["properties"]?.object ?? JSONObject() {
            guard let value = arguments[name], !value.isNull else { continue }
            if let header = property["x-mcp-header"]?.string, let text = value.scalarText {
                headers.append(Header("Mcp-Param-\(header)", headerValue(text)))
            } else if case .object = value {
                headers += mirroredArguments(property, value)
            }
        }
        return headers
    }

    /// Why a tool cannot be offered over HTTP: `x-mcp-header` names what is no header, or stands where it may not
    /// (2026-07-28, transports). Nil when all is well.
    package static func headerObjection(_ schema: JSONValue) -> String? {
        var seen: Set<String> = []
        return headerObjection(schema, reached: true, isRoot: true, &seen)
    }

    private static func headerObjection(
        _ schema: JSONValue, reached: Bool, isRoot: Bool, _ seen: inout Set<String>
    ) -> String? {
        guard let object = schema.object else {
            for item in schema.array ?? [] {
                if let found = headerObjection(item, reached: false, isRoot: false, &seen) { return found }
            }
            return nil
        }
        if let wanted = object["x-mcp-header"], !isRoot || wanted.string != nil {
            guard let name = wanted.string, !name.isEmpty, name.utf8.allSatisfy(isToken) else {
                return "'x-mcp-header: \(wanted.text)' is no header name"
            }
            guard reached, !isRoot else { return "'x-mcp-header: \(name)' stands where no single argument is" }
            guard ["string", "integer", "boolean"].contains(object["type"]?.string) else {
                return "'x-mcp-header: \(name)' is for strings, integers and booleans"
            }
            guard seen.insert(name.lowercased()).inserted else { return "'x-mcp-header: \(name)' is there twice" }
        }
        for (key, value) in object {
            if key == "properties", let properties = value.object {
                for (_, property) in properties {
                    if let found = headerObjection(property, reached: reached, isRoot: false, &seen) { return found }
                }
            } else if !["default", "const", "enum", "examples"].contains(key),
                let found = headerObjection(value, reached: false, isRoot: false, &seen)
            {
                return found
            }
        }
        return nil
    }

    /// RFC 9110, section 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// What a form is filled with where the person said nothing.
    package static func withDefaults(_ content: JSONValue, _ schema: JSONValue) -> JSONValue {
        var filled = content.object ?? JSONObject()
        for (name, property) in schema["properties"]?.object ?? JSONObject() where filled[name] == nil {
            filled[name] = property["default"]
        }
        return .object(filled)
    }
}
