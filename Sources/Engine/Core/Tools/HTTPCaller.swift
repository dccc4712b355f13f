/// Sends a tool's request: again after passing trouble, along redirections of its own host, and makes of the answer what
/// the model is told.
struct HTTPCaller: Sendable {
    let retry: RetryPolicy
    /// Names of fields whose values the model never sees.
    var redact: [String] = []
    var mapping: JMESPath?
    /// Headers that stay with the origin that they were written for.
    var ownHeaders: [String] = []
    var redirectHosts: [String] = []
    let transport: any HTTPTransport
    let clock: any EngineClock

    private static let redirectLimit = 5
    /// Omnia's runtime reads no more of an answer either.
    static let bodyLimit = 10 << 20

    func answer(to request: HTTPRequest) async throws(EngineError) -> ToolAnswer {
        try await retry.run(clock: clock) { attempt throws(EngineError) in
            try await exchange(request, attempt: attempt)
        }
    }

    /// What an expression makes of a value.
    static func mapped(
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
            var error = EngineError(
                response.status == 429 || response.status >= 500 ? .unreachable : .refused,
                "HTTP \(response.status)\(excerpt.isEmpty ? "" : ": " + excerpt)",
                retryAfter: RetryAfter.seconds(response, now: clock.now()))
            error.status = response.status
            throw error
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
            to.host == from.host || redirectHosts.contains(to.host)
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
            let own = Set(["authorization", "cookie"] + ownHeaders.map { $0.lowercased() })
            next.headers.removeAll { own.contains($0.name.lowercased()) }
        }
        return next
    }

    /// What the model is told of an answer.
    private func told(_ body: [UInt8]) throws(EngineError) -> String {
        let isTouched = !redact.isEmpty || mapping != nil
        guard isTouched, let value = try? JSONParser.parse(body) else {
            return String(decoding: body, as: UTF8.self)
        }
        let mapped = try Self.mapped(redacted(value), by: mapping, "responseMapping")
        return mapped.string ?? mapped.text
    }

    /// At every depth: a name that is secret at the top is secret below, too.
    private func redacted(_ value: JSONValue) -> JSONValue {
        guard !redact.isEmpty else { return value }
        switch value {
        case .array(let items): return .array(items.map(redacted))
        case .object(let object):
            return .object(
                JSONObject(
                    object.map { key, item in
                        (key, redact.contains(key) ? .string("[REDACTED]") : redacted(item))
                    }))
        case .null, .bool, .number, .string: return value
        }
    }
}
