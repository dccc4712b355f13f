/// The request that a call of an operation makes.
struct OpenAPIRequest {
    let operation: OpenAPIOperation
    /// Texts of credentials by the scheme's name; `*` fits every scheme.
    let credentials: [String: Secret]
    let schemes: JSONObject
    let headers: [Header]

    /// Makes up the border of a form's parts.
    static let boundary = "cleo-tui-part-7f3a91c4"

    /// - Throws: `invalidInput` for arguments that cannot be written; `unauthorized` for a credential that is missing.
    func http(_ arguments: JSONObject) throws(EngineError) -> HTTPRequest {
        var path = operation.path
        var query: [String] = []
        var header: [(name: String, value: String)] = headers.map { ($0.name, $0.value) }
        var cookies: [String] = []
        var fields = JSONObject()
        var whole: JSONValue?
        for (argument, target) in operation.targets {
            guard let value = arguments[argument], !value.isNull else { continue }
            switch target {
            case .field(let name): fields[name] = value
            case .body: whole = value
            case .parameter(let parameter):
                let text = try text(of: value, parameter)
                switch parameter.place {
                case .path:
                    guard !text.isEmpty else {
                        throw EngineError(.invalidInput, "'\(argument)' stands in the address and must not be empty")
                    }
                    path = path.replacing("{\(parameter.name)}", with: text)
                case .query: if !text.isEmpty { query.append(text) }
                case .header: header.append((parameter.name, try Self.headerText(text, parameter.name)))
                case .cookie: if !text.isEmpty { cookies.append(text) }
                }
            }
        }
        if let open = path.firstIndex(of: "{"), let close = path[open...].firstIndex(of: "}") {
            throw EngineError(
                .invalidInput, "the address needs the argument '\(path[path.index(after: open)..<close])'")
        }
        try authorize(&header, &query, &cookies)
        if !cookies.isEmpty { header.append(("Cookie", cookies.joined(separator: "; "))) }
        let url = operation.server + path + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
        var request = HTTPRequest(url: url, method: operation.method, headers: header)
        if let body = operation.body {
            let content: JSONValue? = whole ?? (fields.isEmpty && !body.isRequired ? Optional.none : .object(fields))
            if let content {
                let (bytes, type) = try encoded(content, body)
                request.body = bytes
                request.headers.append(("Content-Type", type))
            }
        }
        return request
    }

    private func text(of value: JSONValue, _ parameter: OpenAPIOperation.Parameter) throws(EngineError) -> String {
        if parameter.content != nil {
            let text = value.string ?? value.text
            let encoded =
                parameter.place == .header
                ? text : Encodings.percent(value.string.map { JSONValue.string($0).text } ?? text)
            return parameter.place == .query || parameter.place == .cookie
                ? Encodings.percent(parameter.name) + "=" + encoded : encoded
        }
        guard let text = parameter.style.text(parameter.name, value, parameter.place) else {
            throw EngineError(
                .invalidInput,
                "'\(parameter.name)' cannot be written as '\(parameter.style.style)': it is \(value.kindName)")
        }
        return text
    }

    private static func headerText(_ text: String, _ name: String) throws(EngineError) -> String {
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            throw EngineError(
                .invalidInput, "the argument '\(name)' becomes a header and may hold no control characters")
        }
        return text
    }

    // MARK: Credentials

    /// The first alternative for which every credential is there; a call never goes without one that is asked for.
    private func authorize(
        _ header: inout [(name: String, value: String)], _ query: inout [String], _ cookies: inout [String]
    ) throws(EngineError) {
        guard !operation.security.isEmpty else { return }
        let own = Set(headers.map { $0.name.lowercased() })
        func isGiven(_ name: String) -> Bool {
            if credentials[name] != nil || credentials["*"] != nil { return true }
            let scheme = schemes[name]
            let place = scheme?["in"] == "header" ? scheme?["name"]?.string ?? "" : "authorization"
            return own.contains(place.lowercased())
        }
        guard let chosen = operation.security.first(where: { $0.allSatisfy(isGiven) }) else {
            let wanted = operation.security.map { $0.joined(separator: " and ") }.joined(separator: ", or ")
            throw EngineError(
                .unauthorized, "the operation needs a credential: \(wanted)",
                hint: "give it in the tools file: credentials: {\(operation.security[0].first ?? ""): ${VARIABLE}}")
        }
        for name in chosen {
            guard let secret = credentials[name] ?? credentials["*"] else { continue }
            let text = secret.reveal()
            let scheme = schemes[name] ?? [:]
            switch (scheme["type"]?.string, scheme["in"]?.string) {
            case ("apiKey", "query"):
                query.append("\(Encodings.percent(scheme["name"]?.string ?? ""))=\(Encodings.percent(text))")
            case ("apiKey", "cookie"): cookies.append("\(scheme["name"]?.string ?? "")=\(Encodings.percent(text))")
            case ("apiKey", _): header.append((scheme["name"]?.string ?? "", text))
            case ("http", _) where scheme["scheme"]?.string?.lowercased() == "basic":
                header.append(("Authorization", "Basic " + Encodings.base64(text.utf8)))
            default: header.append(("Authorization", "Bearer " + text))
            }
        }
    }

    // MARK: Bodies

    private func encoded(
        _ value: JSONValue, _ body: OpenAPIOperation.Body
    ) throws(EngineError) -> (bytes: [UInt8], type: String) {
        let type = body.mediaType.lowercased()
        if type == "application/x-www-form-urlencoded" { return (form(value, body), body.mediaType) }
        if type.hasPrefix("multipart/") {
            return (parts(value, body), "\(body.mediaType); boundary=\(Self.boundary)")
        }
        if type == "application/octet-stream", let text = value["bytesBase64"]?.string ?? value.string {
            return (Encodings.fromBase64(text) ?? Array(text.utf8), body.mediaType)
        }
        if type.contains("json") || value.string == nil { return (value.bytes, body.mediaType) }
        return (Array((value.string ?? value.text).utf8), body.mediaType)
    }

    private func form(_ value: JSONValue, _ body: OpenAPIOperation.Body) -> [UInt8] {
        let fields = (value.object ?? JSONObject()).filter { !$1.isNull }.compactMap { name, item -> String? in
            let rules = body.encoding[name]
            let hasStyle = ["style", "explode", "allowReserved"].contains { rules?[$0] != nil }
            // Without rules an object is a document; arrays repeat.
            guard hasStyle || item.object == nil else {
                return Encodings.percent(name) + "=" + Encodings.percent(item.text)
            }
            let named = rules?["style"]?.string ?? "form"
            let style = ParameterStyle(
                style: named, explode: rules?["explode"]?.bool ?? (named == "form"),
                allowsReserved: rules?["allowReserved"]?.bool ?? false)
            return style.text(name, item, .query)
        }
        return Array(fields.filter { !$0.isEmpty }.joined(separator: "&").utf8)
    }

    private func parts(_ value: JSONValue, _ body: OpenAPIOperation.Body) -> [UInt8] {
        var bytes: [UInt8] = []
        func quoted(_ text: String) -> String {
            text.replacing("\"", with: "%22").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
        }
        func part(_ name: String, _ item: JSONValue) {
            let rules = body.encoding[name]
            let isFile = item["bytesBase64"] != nil || OpenAPIReader.isFile(body.schema["properties"]?[name])
            let usual = isFile ? "application/octet-stream" : item.object == nil ? "text/plain" : "application/json"
            let type = rules?["contentType"]?.string ?? usual
            let file = isFile ? "; filename=\"\(quoted(item["filename"]?.string ?? name))\"" : ""
            bytes += Array(
                "--\(Self.boundary)\r\nContent-Disposition: form-data; name=\"\(quoted(name))\"\(file)\r\n".utf8)
            bytes += Array("Content-Type: \(quoted(type))\r\n\r\n".utf8)
            bytes +=
                item["bytesBase64"]?.string.flatMap { Encodings.fromBase64($0) }
                ?? Array((item.string ?? item.text).utf8)
            bytes += Array("\r\n".utf8)
        }
        for (name, item) in value.object ?? JSONObject() where !item.isNull {
            for each in item.array ?? [item] { part(name, each) }
        }
        return bytes + Array("--\(Self.boundary)--\r\n".utf8)
    }
}
