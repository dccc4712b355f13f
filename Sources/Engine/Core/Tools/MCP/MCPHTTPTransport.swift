import Synchronization

/// MCP over Streamable HTTP, both eras: one POST per message, answered by JSON or by an event stream.
package final class MCPHTTPTransport: MCPTransport {
    private struct State {
        var session: String?
        var incoming: (@Sendable (JSONValue) async -> JSONValue?)?
    }

    private let state = Mutex(State())
    private let url: String
    private let headers: [Header]
    private let credential: Credential?
    private let http: any HTTPTransport
    private let files: any FileSource
    private let messageLimit = 16 << 20

    package init(
        url: String, headers: [Header], credential: Credential?, http: any HTTPTransport, files: any FileSource
    ) {
        self.url = url
        self.headers = headers
        self.credential = credential
        self.http = http
        self.files = files
    }

    package var lastWords: String? { nil }

    package func open(incoming: @escaping @Sendable (JSONValue) async -> JSONValue?) async throws(EngineError) {
        state.withLock { $0.incoming = incoming }
    }

    package func exchange(_ request: MCPOutgoing) async throws(EngineError) -> JSONValue {
        var http = try post(request.message, request.context)
        if request.context.isModern {
            http.headers.append(("Mcp-Method", request.method))
            http.headers += request.mirrored.map { ($0.name, $0.value) }
        }
        do throws(EngineError) {
            return try await answer(to: http, request)
        } catch {
            // Without a session of streams, closing the connection has said it already.
            if error.code == .cancelled, let cancellation = request.cancellation, !request.context.isModern {
                let context = request.context
                Task { try? await self.notify(cancellation, context: context) }
            }
            throw error
        }
    }

    private func answer(to http: HTTPRequest, _ request: MCPOutgoing) async throws(EngineError) -> JSONValue {
        let response = try await self.http.send(http)
        if request.method == "initialize", response.status == 200 {
            state.withLock { $0.session = response.header("mcp-session-id") }
        }
        if response.mediaType == "text/event-stream", response.isSuccess {
            return try await read(response.body, until: request.id)
        }
        let body = try await response.body.collect(limit: messageLimit)
        if let message = try? JSONParser.parse(body), message["jsonrpc"] != nil { return message }
        throw Self.refusal(response.status, body)
    }

    private static func refusal(_ status: Int, _ body: [UInt8]) -> EngineError {
        let said = String(decoding: body.prefix(160), as: UTF8.self)
        let tail = said.isEmpty ? "" : ": \(said)"
        switch status {
        case 200..<300:
            return EngineError(.protocolViolation, "the server answered with something that is not JSON-RPC\(tail)")
        case 401, 403:
            return EngineError(
                .unauthorized, "the server wants to know who asks (HTTP \(status))",
                hint: "set 'authType: bearer' and 'authToken: ${VARIABLE}' in the handler's mcpConfig")
        case 404: return EngineError(.notFound, "nothing is at this address (HTTP 404)\(tail)")
        default: return EngineError(.refused, "the server refused (HTTP \(status))\(tail)")
        }
    }

    /// Reads a stream up to the answer; everything before it goes to `incoming`.
    private func read(_ body: any HTTPBody, until id: Int?) async throws(EngineError) -> JSONValue {
        var parser = ServerSentEventParser(limit: messageLimit)
        while let piece = try await body.next() {
            let events: [ServerSentEvent]
            do throws(ServerSentEventParser.TooLarge) {
                events = try parser.feed(piece)
            } catch {
                throw EngineError(.tooLarge, "the server sent a message of more than \(messageLimit >> 20) MiB")
            }
            for event in events {
                guard let message = try? JSONParser.parse(event.data) else { continue }
                if message["method"] == nil, let id, message["id"]?.int == id { return message }
                await deliver(message)
            }
        }
        throw EngineError(.unreachable, "the server closed the stream before it answered")
    }

    private func deliver(_ message: JSONValue) async {
        guard let incoming = state.withLock({ $0.incoming }), let answer = await incoming(message) else { return }
        // Only servers of the legacy era ask; any legacy version will do for the answer's header.
        try? await notify(answer, context: MCPContext(version: MCPVersions.legacy[0], isModern: false))
    }

    private func post(_ message: JSONValue, _ context: MCPContext) throws(EngineError) -> HTTPRequest {
        var request = HTTPRequest(url: url, method: "POST", headers: try commonHeaders(context), body: message.bytes)
        request.headers.append(("Content-Type", "application/json"))
        request.headers.append(("Accept", "application/json, text/event-stream"))
        request.bodyLimit = 0
        // How long an answer may take is the caller's to say: a tool has its timeout, a subscription none.
        request.firstByteMilliseconds = 0
        request.idleMilliseconds = 0
        return request
    }

    private func commonHeaders(_ context: MCPContext) throws(EngineError) -> [(name: String, value: String)] {
        var result = headers.map { (name: $0.name, value: $0.value) }
        result.append(("MCP-Protocol-Version", context.version))
        if !context.isModern, let session = state.withLock({ $0.session }) {
            result.append(("Mcp-Session-Id", session))
        }
        if let credential {
            result.append(("Authorization", try credential.authorization(files: files).reveal()))
        }
        return result
    }

    package func notify(_ message: JSONValue, context: MCPContext) async throws(EngineError) {
        var request = try post(message, context)
        request.totalMilliseconds = 10_000
        let response = try await http.send(request)
        _ = try? await response.body.collect(limit: 64 << 10)
        guard response.isSuccess else { throw Self.refusal(response.status, []) }
    }

    /// The legacy era's stream of the server's own. 405: it has none.
    package func listen(context: MCPContext) async {
        guard !context.isModern, state.withLock({ $0.session }) != nil else { return }
        do throws(EngineError) {
            var request = HTTPRequest(url: url, headers: try commonHeaders(context))
            request.headers.append(("Accept", "text/event-stream"))
            request.idleMilliseconds = 0
            request.bodyLimit = 0
            let response = try await http.send(request)
            guard response.isSuccess, response.mediaType == "text/event-stream" else { return }
            _ = try await read(response.body, until: nil)
        } catch {
            // The stream ends when the server or the session does; calls go on without it.
        }
    }

    package func close() async {
        guard state.withLock({ $0.session }) != nil else { return }
        let context = MCPContext(version: MCPVersions.legacy[0], isModern: false)
        guard var request = try? post([:], context) else { return }
        request.method = "DELETE"
        request.body = nil
        request.totalMilliseconds = 2_000
        _ = try? await http.send(request)
    }
}
