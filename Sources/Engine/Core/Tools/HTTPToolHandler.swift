/// A tool behind an HTTP address.
package struct HTTPToolHandler: ToolHandler {
    package let name: String
    package var kindName: String { "http" }
    package let timeout: Int
    let spec: HTTPHandlerSpec
    private let authorizer: Authorizer?
    private let caller: HTTPCaller

    package init(
        name: String, spec: HTTPHandlerSpec, timeout: Int, transport: any HTTPTransport,
        authorizer: Authorizer? = nil, clock: any EngineClock, network: NetworkSettings = NetworkSettings()
    ) {
        self.name = name
        self.spec = spec
        self.timeout = timeout
        self.authorizer = authorizer
        caller = HTTPCaller(
            retry: spec.retry, redact: spec.redact, mapping: spec.responseMapping, ownHeaders: spec.headers.map(\.name),
            redirectHosts: network.redirectHosts, transport: transport, clock: clock)
    }

    package func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        await report(HandlerUpdate(.ready, tools: [spec.tool], detail: "\(spec.method) \(spec.url)"))
    }

    package func stop() async {}

    package func probe() async throws(EngineError) { try await HTTPProbe.reach(spec.url, caller.transport) }

    package func call(
        _ call: ToolCall, host: any ToolHost
    ) async throws(EngineError) -> ToolAnswer {
        var request = try request(for: call.arguments.object ?? JSONObject())
        if let authorizer {
            request.headers.append(("Authorization", try await authorizer.authorization().reveal()))
        }
        request.replace(host.headers)
        return try await caller.answer(to: request)
    }

    /// What will be sent, but for the credential. Arguments go where the file says; what is left goes into the query of a GET, HEAD or
    /// DELETE, and into the body of the others.
    package func request(for arguments: JSONObject) throws(EngineError) -> HTTPRequest {
        var left = spec.staticBody ?? JSONObject()
        for (key, value) in arguments { left[key] = value }
        var url = spec.url
        for (key, value) in left where url.contains("{\(key)}") {
            url = url.replacing("{\(key)}", with: Encodings.percent(value.scalarText ?? value.text))
            left[key] = nil
        }
        if let open = url.firstIndex(of: "{"), let close = url[open...].firstIndex(of: "}") {
            throw EngineError(.invalidInput, "the address needs the argument '\(url[url.index(after: open)..<close])'")
        }
        var headers = spec.headers.map { (name: $0.name, value: $0.value) }
        for parameter in spec.headerParams {
            guard let value = left[parameter.name] else { continue }
            headers.append((parameter.value, try headerText(value, parameter.name)))
            left[parameter.name] = nil
        }
        var query = spec.staticQuery.map { ($0.name, $0.value) }
        let hasBody = ["POST", "PUT", "PATCH"].contains(spec.method)
        for (key, value) in left where !hasBody || spec.queryParams.contains(key) {
            query += (value.array ?? [value]).filter { !$0.isNull }.map { (key, $0.scalarText ?? $0.text) }
            left[key] = nil
        }
        if !query.isEmpty {
            let text = query.map { "\(Encodings.percent($0.0))=\(Encodings.percent($0.1))" }.joined(separator: "&")
            url += (url.contains("?") ? "&" : "?") + text
        }
        var request = HTTPRequest(url: url, method: spec.method, headers: headers)
        if hasBody, !left.isEmpty {
            request.body = try HTTPCaller.mapped(.object(left), by: spec.bodyMapping, "bodyMapping").bytes
            request.headers.append(("Content-Type", spec.contentType))
        }
        request.bodyLimit = HTTPCaller.bodyLimit
        request.totalMilliseconds = timeout
        return request
    }

    private func headerText(_ value: JSONValue, _ name: String) throws(EngineError) -> String {
        let text = value.scalarText ?? value.text
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            throw EngineError(
                .invalidInput, "the argument '\(name)' becomes a header and may hold no control characters")
        }
        return text
    }
}
