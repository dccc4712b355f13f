import Synchronization

/// MCP over HTTP with SSE (2024-11-05): one long stream brings every answer, and says where to send the questions.
package final class MCPSSETransport: MCPTransport {
    private struct State {
        var endpoint: String?
        var waiting: [CheckedContinuation<Void, Never>] = []
        var reader: Task<Void, Never>?
        /// Why nothing more comes.
        var ending: EngineError?
    }

    private let state = Mutex(State())
    private let replies = MCPReplies()
    private let url: WebAddress
    private let headers: [Header]
    private let authorizer: Authorizer?
    private let http: any HTTPTransport
    private let clock: any EngineClock
    private let messageLimit = 16 << 20

    package init(
        url: WebAddress, headers: [Header], authorizer: Authorizer?, http: any HTTPTransport, clock: any EngineClock
    ) {
        self.url = url
        self.headers = headers
        self.authorizer = authorizer
        self.http = http
        self.clock = clock
    }

    package var lastWords: String? { nil }
    package var mayBeModern: Bool { false }

    package func open(incoming: @escaping MCPIncoming) async throws(EngineError) {
        var request = HTTPRequest(url: url.text, headers: try await commonHeaders())
        request.headers.append(("Accept", "text/event-stream"))
        request.firstByteMilliseconds = 15_000
        request.idleMilliseconds = 0
        request.bodyLimit = 0
        let response = try await http.send(request)
        guard response.isSuccess, response.mediaType == "text/event-stream" else {
            throw EngineError(
                response.status == 401 || response.status == 403 ? .unauthorized : .protocolViolation,
                "this is no MCP server of the HTTP+SSE kind (HTTP \(response.status))")
        }
        let reader = Task { await self.read(response.body, incoming) }
        state.withLock { $0.reader = reader }
        try await withDeadline(milliseconds: 15_000, clock: clock, "the server's 'endpoint' event") {
            () async throws(EngineError) in await self.waitForEndpoint()
        }
        guard state.withLock({ $0.endpoint }) != nil else {
            throw state.withLock { $0.ending }
                ?? EngineError(.protocolViolation, "the server's stream ended without an 'endpoint' event")
        }
    }

    private func waitForEndpoint() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if state.endpoint != nil || state.ending != nil || Task.isCancelled { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if isThere { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
    }

    private func wake() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    private func read(_ body: any HTTPBody, _ incoming: @escaping MCPIncoming) async {
        var parser = ServerSentEventParser(limit: messageLimit)
        var ending = EngineError(.unreachable, "the server closed the stream")
        do throws(EngineError) {
            while let piece = try await body.next() {
                guard let events = try? parser.feed(piece) else {
                    ending = EngineError(.tooLarge, "the server sent a message of more than \(messageLimit >> 20) MiB")
                    break
                }
                for event in events { take(event, incoming) }
            }
        } catch {
            ending = error
        }
        end(ending)
    }

    private func end(_ error: EngineError) {
        state.withLock { $0.ending = $0.ending ?? error }
        replies.end(error)
        wake()
    }

    private func take(_ event: ServerSentEvent, _ incoming: @escaping MCPIncoming) {
        if event.event == "endpoint" {
            // Where else it points to is nobody's business: requests carry credentials.
            let target = url.resolve(String(decoding: event.data, as: UTF8.self))
            guard let target, target.hasOrigin(of: url) else {
                return end(EngineError(.protocolViolation, "the server's 'endpoint' points to another origin"))
            }
            state.withLock { $0.endpoint = target.text }
            return wake()
        }
        guard let message = try? JSONParser.parse(event.data) else { return }
        if message["method"] == nil, let id = message["id"]?.int { return replies.answer(id, message) }
        Task {
            guard let answer = await incoming(message, nil) else { return }
            try? await self.send(answer)
        }
    }

    private func commonHeaders() async throws(EngineError) -> [(name: String, value: String)] {
        var result = headers.map { (name: $0.name, value: $0.value) }
        if let authorizer {
            result.append(("Authorization", try await authorizer.authorization().reveal()))
        }
        return result
    }

    private func send(_ message: JSONValue) async throws(EngineError) {
        guard let endpoint = state.withLock({ $0.endpoint }) else {
            throw EngineError(.unreachable, "the server has not said where to send requests")
        }
        var request = HTTPRequest(
            url: endpoint, method: "POST", headers: try await commonHeaders(), body: message.bytes)
        request.headers.append(("Content-Type", "application/json"))
        request.totalMilliseconds = 30_000
        let response = try await http.send(request)
        let body = (try? await response.body.collect(limit: 64 << 10)) ?? []
        guard response.isSuccess else {
            let said = String(decoding: body.prefix(160), as: UTF8.self)
            throw EngineError(.refused, "the server refused (HTTP \(response.status)): \(said)")
        }
    }

    package func exchange(_ request: MCPOutgoing) async throws(EngineError) -> JSONValue {
        try await replies.wait(
            request,
            send: {
                Task {
                    do throws(EngineError) { try await self.send(request.message) } catch {
                        self.replies.fail(request.id, error)
                    }
                }
            },
            cancel: { message in Task { try? await self.send(message) } })
    }

    package func notify(_ message: JSONValue, context: MCPContext) async throws(EngineError) { try await send(message) }

    package func listen(context: MCPContext) async {}

    package func close() async {
        let reader = state.withLock { $0.reader }
        reader?.cancel()
        await reader?.value
    }
}
