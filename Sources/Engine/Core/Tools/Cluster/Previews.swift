/// What each adapter sends, beside what Omnia's runtime sends for the same call.

extension HTTPToolHandler {
    package func preview(_ call: ToolCall) throws(EngineError) -> CallPreview? {
        let arguments = call.arguments.object ?? JSONObject()
        var settings = OmniaRequest.Settings(
            endpoint: spec.url, urlTemplate: spec.isTemplate ? spec.url : nil, method: spec.method,
            headers: spec.headers)
        settings.contentType = spec.contentType
        settings.queryParams = spec.queryParams
        settings.headerParams = spec.headerParams
        settings.staticQuery = spec.staticQuery
        settings.staticBody = spec.staticBody
        settings.bodyMapping = spec.bodyMapping
        return CallPreview(
            here: SentCall(try request(for: arguments)),
            cluster: try OmniaRequest(settings, handler: name, tool: call.tool).sent(arguments),
            notes: notes(arguments))
    }

    private func notes(_ arguments: JSONObject) -> [String] {
        var notes = [PreviewNotes.headers]
        let hasBody = ["POST", "PUT", "PATCH"].contains(spec.method)
        if !hasBody, !spec.queryParams.isEmpty {
            let lost = arguments.keys.filter {
                key in
                !spec.queryParams.contains(key) && !spec.url.contains("{\(key)}")
                    && !spec.headerParams.contains { $0.name == key }
            }
            if !lost.isEmpty {
                notes.append(
                    "with 'queryParams' on a \(spec.method), the cluster drops: \(lost.joined(separator: ", "))")
            }
        }
        if arguments.contains(where: { key, value in
            spec.url.contains("{\(key)}") && value.string?.contains("/") == true
        }) {
            notes.append("in an address the cluster does not escape '/' of an argument, so it leads elsewhere")
        }
        return notes + PreviewNotes.values(arguments) + PreviewNotes.redaction(spec.redact)
    }
}

extension OpenAPIToolHandler {
    package func preview(_ call: ToolCall) throws(EngineError) -> CallPreview? {
        let arguments = call.arguments.object ?? JSONObject()
        let operation = try operation(call.tool)
        let settings = OmniaRequest.Settings(
            endpoint: (spec.baseURL.map(BaseURL.trimmed) ?? operation.server) + operation.path,
            method: operation.method, headers: spec.headers)
        var notes = [PreviewNotes.headers]
        for (place, words) in [
            (ParameterStyle.Place.path, "the cluster leaves parameters of the path as they are, in braces"),
            (.header, "the cluster puts parameters of the header into the query or the body"),
            (.cookie, "the cluster puts parameters of the cookie into the query or the body"),
        ] where operation.has(place) { notes.append(words) }
        if ["POST", "PUT", "PATCH"].contains(operation.method), operation.has(.query) {
            notes.append("the cluster puts parameters of the query into the body")
        }
        if operation.body.map({ $0.mediaType != "application/json" }) == true {
            notes.append("the cluster sends every body as JSON")
        }
        return CallPreview(
            here: SentCall(try request(for: call)),
            cluster: try OmniaRequest(settings, handler: name, tool: call.tool).sent(arguments),
            notes: notes + PreviewNotes.values(arguments))
    }
}

extension GRPCToolHandler {
    package func preview(_ call: ToolCall) throws(EngineError) -> CallPreview? {
        let here = SentCall(
            method: "gRPC", target: "\(spec.endpoint) omnia.tools.v1.ToolService/Execute",
            headers: spec.metadata, body: call.arguments.text)
        var cluster = here
        cluster.headers = OmniaRequest.context(handler: name, tool: call.tool, arguments: nil).map {
            Header($0.name.lowercased(), $0.value)
        }
        let own = spec.metadata.isEmpty ? [] : ["'metadata' is known here only"]
        return CallPreview(here: here, cluster: cluster, notes: [PreviewNotes.headers] + own)
    }
}

extension MCPToolHandler {
    package nonisolated func preview(_ call: ToolCall) throws(EngineError) -> CallPreview? {
        let target: String
        var headers: [Header] = []
        var notes = ["no X-Omnia headers go to MCP servers", "a lost session is not opened again in the cluster"]
        switch spec.transport {
        case .stdio(let command):
            target = command.arguments.joined(separator: " ")
            if !command.environment.isEmpty {
                let names = command.environment.keys.sorted().joined(separator: ", ")
                notes.append("in the cluster its environment is only: \(names), so there is no PATH and no HOME")
            }
        case .http(let url, let own), .sse(let url, let own): (target, headers) = (url, own)
        }
        let sent = SentCall(
            method: "tools/call", target: target, headers: headers,
            body: JSONValue.object(["name": .string(call.tool), "arguments": call.arguments]).text)
        var cluster = sent
        if !headers.isEmpty {
            cluster.headers = []
            notes.append("'headers' of an MCP server are known here only")
        }
        return CallPreview(here: sent, cluster: cluster, notes: notes)
    }
}

private enum PreviewNotes {
    static let headers =
        "the cluster adds X-Omnia headers, among them arguments, which end up in access logs; beside those shown it sends agent, namespace, request, user, origin, workspace and claims"

    static func values(_ arguments: JSONObject) -> [String] {
        var notes: [String] = []
        if arguments.contains(where: { $0.1.array != nil || $0.1.object != nil || $0.1.isNull }) {
            notes.append("in addresses and headers the cluster writes lists, maps and null as Go prints them")
        }
        if arguments.contains(where: { ($0.1.double ?? 0).magnitude >= 1_000_000 }) {
            notes.append("in addresses and headers the cluster writes numbers from a million on with an exponent")
        }
        return notes
    }

    static func redaction(_ fields: [String]) -> [String] {
        fields.isEmpty ? [] : ["the cluster redacts only fields at the top of an answer, and only in JSON"]
    }
}
