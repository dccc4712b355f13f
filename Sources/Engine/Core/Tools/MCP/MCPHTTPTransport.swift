import Synchronization

/// MCP over Streamable HTTP, both eras: one POST per message, answered by JSON or by an event stream.
package final class MCPHTTPTransport: MCPTransport {
    private struct State {
        var session: String?
        var incoming: MCPIncoming?
        /// What the last refusal asked for.
        var challenge: OAuthChallenge?
    }

    private let state = Mutex(State())
    private let url: String
    private let headers: [Header]
    private let authorizer: Authorizer?
    private let http: any HTTPTransport
    private let clock: any EngineClock
    /// Nil: the server's own sign-in is not used, because the files say what to send.
    private let oauth: OAuthSession?
    private static let messageLimit = 16 << 20
    private static let resumeLimit = 5

    package init(
        url: String, headers: [Header], authorizer: Authorizer?, http: any HTTPTransport, clock: any EngineClock,
        oauth: OAuthSession? = nil
    ) {
        self.url = url
        self.headers = headers
        self.authorizer = authorizer
        self.http = http
        self.clock = clock
        self.oauth = oauth
    }

    package var lastWords: String? { nil }
    package var mirrorsArguments: Bool { true }
    package var keepsSignIn: Bool { oauth != nil }

    package func open(incoming: @escaping MCPIncoming) async throws(EngineError) {
        state.withLock { $0.incoming = incoming }
    }

    package func exchange(_ request: MCPOutgoing) async throws(EngineError) -> JSONValue {
        do throws(EngineError) {
            return try await answer(to: request)
        } catch {
            // Without a session of streams, closing the connection has said it already.
            if error.code == .cancelled, let cancellation = request.cancellation, !request.context.isModern {
                let context = request.context
                Task { try? await self.notify(cancellation, context: context) }
            }
            throw error
        }
    }

    private func answer(to request: MCPOutgoing) async throws(EngineError) -> JSONValue {
        let mirrored = request.context.isModern ? [Header("Mcp-Method", request.method)] + request.mirrored : []
        if request.method == "initialize" { state.withLock { $0.session = nil } }
        let session = state.withLock { $0.session }
        let response = try await send { () async throws(EngineError) in
            try await self.post(request.message, request.context, mirrored)
        }
        if request.method == "initialize", response.status == 200 {
            state.withLock { $0.session = response.header("mcp-session-id") }
        }
        if response.mediaType == "text/event-stream", response.isSuccess {
            return try await read(response.body, request)
        }
        let body = try await response.body.collect(limit: Self.messageLimit)
        if response.status == 404, !request.context.isModern, session != nil { throw MCPLostSession.error }
        if ![401, 403].contains(response.status), let message = try? JSONParser.parse(body), message["jsonrpc"] != nil {
            return message
        }
        throw refusal(response.status, body)
    }

    /// Sends; a token that the server does not take is renewed once.
    private func send(
        _ make: () async throws(EngineError) -> HTTPRequest
    ) async throws(EngineError) -> HTTPResponse {
        let response = try await http.send(try await make())
        if response.status == 401, authorizer?.refused() == true { return try await http.send(try await make()) }
        guard response.status == 401 || response.status == 403, let oauth else { return response }
        let challenge = OAuthChallenge(response.headers.filter { $0.name.lowercased() == "www-authenticate" })
        state.withLock { $0.challenge = challenge ?? OAuthChallenge() }
        guard response.status == 401, try await oauth.renew() else { return response }
        return try await http.send(try await make())
    }

    private func refusal(_ status: Int, _ body: [UInt8]) -> EngineError {
        let said = String(decoding: body.prefix(160), as: UTF8.self)
        let tail = said.isEmpty ? "" : ": \(said)"
        switch status {
        case 200..<300:
            return EngineError(.protocolViolation, "the server answered with something that is not JSON-RPC\(tail)")
        case 401, 403:
            return EngineError(
                .unauthorized, "the server wants to know who asks (HTTP \(status))",
                hint: oauth == nil
                    ? "the credential in the tools file is not the right one any more"
                    : "sign in: 'l' in the Tools pane, or 'cleo-tui tools login'; or set 'authType: bearer' and "
                        + "'authToken: ${VARIABLE}' in the handler's mcpConfig")
        case 404: return EngineError(.notFound, "nothing is at this address (HTTP 404)\(tail)")
        default: return EngineError(.refused, "the server refused (HTTP \(status))\(tail)")
        }
    }

    // MARK: streams

    /// Where a stream can be taken up again (legacy era).
    private struct Place {
        var lastID: String?
        var retry = 1_000

        /// A server may ask for a pause, but neither for none nor for ever.
        func pause(_ failures: Int) -> Int { min(min(max(retry, 100), 60_000) << min(failures, 5), 60_000) }
    }

    /// Reads a stream up to the answer; everything before it goes to `incoming`. A stream of the legacy era that breaks
    /// is taken up again where it broke.
    private func read(_ body: any HTTPBody, _ request: MCPOutgoing) async throws(EngineError) -> JSONValue {
        var place = Place()
        var body = body
        var failures = 0
        while true {
            let before = place.lastID
            var broke: EngineError?
            do throws(EngineError) {
                if let answer = try await read(body, until: request.id, &place, request.context) { return answer }
            } catch {
                guard error.code == .unreachable || error.code == .timedOut else { throw error }
                broke = error
            }
            failures = place.lastID == before ? failures + 1 : 0
            guard !request.context.isModern, place.lastID != nil, failures < Self.resumeLimit else {
                throw broke ?? EngineError(.unreachable, "the server closed the stream before it answered")
            }
            body = try await resume(&place, request.context)
        }
    }

    private func resume(_ place: inout Place, _ context: MCPContext) async throws(EngineError) -> any HTTPBody {
        do throws(CancellationError) {
            try await clock.sleep(milliseconds: place.pause(0))
        } catch {
            throw EngineError(.cancelled, "cancelled")
        }
        let last = place.lastID
        let response = try await send { () async throws(EngineError) in try await self.get(context, after: last) }
        guard response.isSuccess, response.mediaType == "text/event-stream" else {
            throw EngineError(.unreachable, "the stream broke, and the server does not take it up again")
        }
        return response.body
    }

    /// - Returns: the answer; nil when the stream ends before.
    private func read(
        _ body: any HTTPBody, until id: Int?, _ place: inout Place, _ context: MCPContext
    ) async throws(EngineError) -> JSONValue? {
        var parser = ServerSentEventParser(limit: Self.messageLimit)
        while let piece = try await body.next() {
            let events: [ServerSentEvent]
            do throws(ServerSentEventParser.TooLarge) {
                events = try parser.feed(piece)
            } catch {
                throw EngineError(.tooLarge, "the server sent a message of more than \(Self.messageLimit >> 20) MiB")
            }
            if let retry = parser.retry { place.retry = retry }
            for event in events {
                if let last = event.id, !last.isEmpty { place.lastID = last }
                guard let message = try? JSONParser.parse(event.data) else { continue }
                if message["method"] == nil, let id, message["id"]?.int == id { return message }
                deliver(message, id, context)
            }
        }
        return nil
    }

    /// A request of the server is answered beside the stream: the answer may take as long as a person thinks.
    private func deliver(_ message: JSONValue, _ origin: Int?, _ context: MCPContext) {
        guard let incoming = state.withLock({ $0.incoming }) else { return }
        let before = state.withLock { _ in delivering.withLock { $0 } }
        let task = Task {
            // Notices keep their order; questions wait for nobody.
            if message["id"] == nil { await before?.value }
            guard let answer = await incoming(message, origin) else { return }
            try? await self.notify(answer, context: context)
        }
        if message["id"] == nil { delivering.withLock { $0 = task } }
    }

    private let delivering = Mutex<Task<Void, Never>?>(nil)

    // MARK: requests

    private func post(
        _ message: JSONValue, _ context: MCPContext, _ mirrored: [Header] = []
    ) async throws(EngineError) -> HTTPRequest {
        var request = HTTPRequest(
            url: url, method: "POST", headers: try await commonHeaders(context), body: message.bytes)
        request.headers.append(("Content-Type", "application/json"))
        request.headers.append(("Accept", "application/json, text/event-stream"))
        request.headers += mirrored.map { ($0.name, $0.value) }
        request.bodyLimit = 0
        // How long an answer may take is the caller's to say: a tool has its timeout, a subscription none.
        request.firstByteMilliseconds = 0
        request.idleMilliseconds = 0
        return request
    }

    private func get(_ context: MCPContext, after last: String?) async throws(EngineError) -> HTTPRequest {
        var request = HTTPRequest(url: url, headers: try await commonHeaders(context))
        request.headers.append(("Accept", "text/event-stream"))
        if let last { request.headers.append(("Last-Event-ID", last)) }
        request.idleMilliseconds = 0
        request.bodyLimit = 0
        return request
    }

    private func commonHeaders(_ context: MCPContext) async throws(EngineError) -> [(name: String, value: String)] {
        var result = headers.map { (name: $0.name, value: $0.value) }
        result.append(("MCP-Protocol-Version", context.version))
        if !context.isModern, let session = state.withLock({ $0.session }) {
            result.append(("Mcp-Session-Id", session))
        }
        if let authorizer {
            result.append(("Authorization", try await authorizer.authorization().reveal()))
        } else if let token = try await oauth?.token() {
            result.append(("Authorization", "Bearer \(token.reveal())"))
        }
        return result
    }

    package func notify(_ message: JSONValue, context: MCPContext) async throws(EngineError) {
        let response = try await send { () async throws(EngineError) in
            var request = try await self.post(message, context)
            request.totalMilliseconds = 10_000
            return request
        }
        let body = (try? await response.body.collect(limit: 64 << 10)) ?? []
        guard response.isSuccess else { throw refusal(response.status, body) }
    }

    /// The legacy era's stream of the server's own. 405: it has none.
    package func listen(context: MCPContext) async {
        guard !context.isModern, state.withLock({ $0.session }) != nil else { return }
        var place = Place()
        var failures = 0
        while failures < Self.resumeLimit, !Task.isCancelled {
            let last = place.lastID
            do throws(EngineError) {
                let response = try await send { () async throws(EngineError) in try await self.get(context, after: last)
                }
                // Calls go on without it.
                guard response.isSuccess, response.mediaType == "text/event-stream" else { return }
                _ = try await read(response.body, until: nil, &place, context)
            } catch {
                if error.code == .cancelled { return }
            }
            failures = place.lastID == last ? failures + 1 : 0
            try? await clock.sleep(milliseconds: place.pause(failures))
        }
    }

    package func signIn(host: any ToolHost) async throws(EngineError) -> Bool {
        guard let oauth else { return false }
        try await oauth.signIn(state.withLock { $0.challenge } ?? OAuthChallenge(), host: host)
        return true
    }

    package func close() async {
        guard state.withLock({ $0.session }) != nil else { return }
        let context = MCPContext(version: MCPVersions.legacy[0], isModern: false)
        guard var request = try? await post([:], context) else { return }
        request.method = "DELETE"
        request.body = nil
        request.totalMilliseconds = 2_000
        _ = try? await http.send(request)
    }
}
