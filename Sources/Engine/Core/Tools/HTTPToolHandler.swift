/// A tool behind an HTTP address.
package struct HTTPToolHandler: ToolHandler {
    package let name: String
    package var kindName: String { "http" }
    package let timeout: Int
    private let spec: HTTPHandlerSpec
    private let transport: any HTTPTransport
    private let files: any FileSource
    private let clock: any EngineClock
    private let network: NetworkSettings

    private static let redirectLimit = 5
    /// Omnia's runtime reads no more of an answer either.
    private static let bodyLimit = 10 << 20

    package init(
        name: String, spec: HTTPHandlerSpec, timeout: Int, transport: any HTTPTransport, files: any FileSource,
        clock: any EngineClock, network: NetworkSettings = NetworkSettings()
    ) {
        self.network = network
        self.name = name
        self.spec = spec
        self.timeout = timeout
        self.transport = transport
        self.files = files
        self.clock = clock
    }

    package func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        await report(HandlerUpdate(.ready, tools: [spec.tool], detail: "\(spec.method) \(spec.url)"))
    }

    package func stop() async {}

    package func call(
        _ call: ToolCall, progress: @escaping @Sendable (ToolProgress) async -> Void
    ) async throws(EngineError) -> ToolAnswer {
        let request = try request(for: call.arguments.object ?? JSONObject())
        var attempt = 1
        while true {
            let failure: EngineError
            do throws(EngineError) {
                return try await exchange(request, attempt: attempt)
            } catch {
                failure = error
            }
            guard attempt < spec.retry.maxAttempts, mayRetry(failure), !Task.isCancelled else { throw failure }
            do throws(CancellationError) {
                try await clock.sleep(milliseconds: pause(after: failure, attempt: attempt))
            } catch {
                throw EngineError(.cancelled, "cancelled")
            }
            attempt += 1
        }
    }

    /// What will be sent. Arguments go where the file says; what is left goes into the query of a GET, HEAD or
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
        if let credential = spec.credential {
            headers.append(("Authorization", try credential.authorization(files: files).reveal()))
        }
        var request = HTTPRequest(url: url, method: spec.method, headers: headers)
        if hasBody, !left.isEmpty {
            request.body = try mapped(.object(left), by: spec.bodyMapping, "bodyMapping").bytes
            request.headers.append(("Content-Type", spec.contentType))
        }
        request.mayReachLinkLocal = network.allowsLinkLocal
        request.bodyLimit = Self.bodyLimit
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

    private func mapped(
        _ value: JSONValue, by mapping: JMESPath?, _ name: String
    ) throws(EngineError) -> JSONValue {
        guard let mapping else { return value }
        do throws(JMESPathError) {
            return try mapping.search(value)
        } catch {
            throw EngineError(.invalidInput, "'\(name)' of the tool failed: \(error.message)")
        }
    }

    private func exchange(_ request: HTTPRequest, attempt: Int) async throws(EngineError) -> ToolAnswer {
        var request = request
        var response = try await transport.send(request)
        var redirects = 0
        while (300..<400).contains(response.status), let place = response.header("location") {
            redirects += 1
            guard redirects <= Self.redirectLimit else {
                throw EngineError(.refused, "HTTP \(response.status): the tool redirects in circles")
            }
            request = try redirected(request, response.status, to: place)
            response = try await transport.send(request)
        }
        var attributes = JSONObject()
        attributes["http.request.method"] = .string(request.method)
        attributes["url.full"] = .string(request.url)
        attributes["http.response.status_code"] = .int(response.status)
        if attempt > 1 { attributes["http.request.resend_count"] = .int(attempt - 1) }
        if redirects > 0 { attributes["cleo.http.redirects"] = .int(redirects) }
        let body = try await response.body.collect(limit: Self.bodyLimit)
        guard response.isSuccess else {
            let excerpt = String(decoding: body.prefix(512), as: UTF8.self) + (body.count > 512 ? "…" : "")
            throw EngineError(
                response.status == 429 || response.status >= 500 ? .unreachable : .refused,
                "HTTP \(response.status)\(excerpt.isEmpty ? "" : ": " + excerpt)",
                retryAfter: RetryAfter.seconds(response, now: clock.now()))
        }
        return ToolAnswer(text: try told(body), attributes: attributes)
    }

    /// The request that a redirection asks for (RFC 9110, section 15.4). It stays on the tool's own host, or goes to one
    /// that is allowed; credentials stay with the origin that they were meant for.
    private func redirected(
        _ request: HTTPRequest, _ status: Int, to place: String
    ) throws(EngineError) -> HTTPRequest {
        guard let from = WebAddress(request.url), let to = from.resolve(place),
            !(from.scheme == "https" && to.scheme == "http"),
            to.host == from.host || network.redirectHosts.contains(to.host)
        else {
            throw EngineError(
                .refused, "HTTP \(status): the tool redirects to '\(place)', and only its own host is followed",
                hint: "put the final address into the tools file, or the host under network.redirect_hosts in cleo.yaml"
            )
        }
        var next = request
        next.url = to.text
        if status == 303 || ((status == 301 || status == 302) && request.method == "POST") {
            next.method = "GET"
            next.body = nil
            next.headers.removeAll { $0.name.lowercased() == "content-type" }
        }
        if !to.hasOrigin(of: from) {
            let own = Set(["authorization", "cookie"] + spec.headers.map { $0.name.lowercased() })
            next.headers.removeAll { own.contains($0.name.lowercased()) }
        }
        return next
    }

    /// What the model is told of an answer.
    private func told(_ body: [UInt8]) throws(EngineError) -> String {
        let isTouched = !spec.redact.isEmpty || spec.responseMapping != nil
        guard isTouched, let value = try? JSONParser.parse(body) else {
            return String(decoding: body, as: UTF8.self)
        }
        let mapped = try mapped(redacted(value), by: spec.responseMapping, "responseMapping")
        return mapped.string ?? mapped.text
    }

    /// At every depth: a name that is secret at the top is secret below, too.
    private func redacted(_ value: JSONValue) -> JSONValue {
        guard !spec.redact.isEmpty else { return value }
        switch value {
        case .array(let items): return .array(items.map(redacted))
        case .object(let object):
            return .object(
                JSONObject(
                    object.map { key, item in
                        (key, spec.redact.contains(key) ? .string("[REDACTED]") : redacted(item))
                    }))
        case .null, .bool, .number, .string: return value
        }
    }

    private func mayRetry(_ failure: EngineError) -> Bool {
        if failure.message.hasPrefix("HTTP ") {
            let status = Int(failure.message.dropFirst(5).prefix(3)) ?? 0
            return spec.retry.retryOn.contains(status)
        }
        return failure.code == .unreachable && spec.retry.retryOnNetworkError
    }

    private func pause(after failure: EngineError, attempt: Int) -> Int {
        var wait = Double(spec.retry.initialBackoff)
        for _ in 1..<attempt { wait *= spec.retry.multiplier }
        if spec.retry.respectRetryAfter, let asked = failure.retryAfter { wait = max(wait, asked * 1_000) }
        return Int(min(wait, Double(spec.retry.maxBackoff)))
    }
}
