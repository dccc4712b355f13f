/// Any server that speaks OpenAI's Chat Completions.
package struct OpenAIProvider: Provider {
    package struct Settings: Sendable {
        package var name: String
        package var model: String
        /// Ends before `/chat/completions`.
        package var baseURL: String
        package var key: Secret?
        /// Where the key came from, for messages.
        package var keyName: String?
        package var headers: [Header] = []
        package var maxRetries = 2
        /// The longest wait that a server may ask for, in seconds; beyond it the request fails at once.
        package var longestWait = 30.0

        package init(name: String, model: String, baseURL: String) {
            self.name = name
            self.model = model
            self.baseURL = baseURL
        }
    }

    package static let standardBaseURL = "https://api.openai.com/v1"

    private let settings: Settings
    private let transport: any HTTPTransport
    private let clock: any EngineClock

    package var name: String { settings.name }
    package var model: String { settings.model }
    package var isMock: Bool { false }

    package init(_ settings: Settings, transport: any HTTPTransport, clock: any EngineClock) {
        self.settings = settings
        self.transport = transport
        self.clock = clock
    }

    package func respond(
        to request: ProviderRequest, emit: @Sendable ([ProviderEvent]) async -> Void
    ) async throws(EngineError) {
        let http = httpRequest(request)
        let response = try await connect(http, emit)
        await emit(notes(response))
        if response.mediaType == "application/json" {
            // Some servers answer a streaming request in one piece.
            var decoder = ChatStreamDecoder()
            let body = try await response.body.collect(limit: http.bodyLimit)
            let events = try decoder.decode(body)
            await emit(events + decoder.finish())
            return
        }
        try await stream(response.body, emit)
    }

    private func httpRequest(_ request: ProviderRequest) -> HTTPRequest {
        let base = settings.baseURL.hasSuffix("/") ? String(settings.baseURL.dropLast()) : settings.baseURL
        var headers: [(name: String, value: String)] = [
            ("Content-Type", "application/json"), ("Accept", "text/event-stream"),
        ]
        if let key = settings.key { headers.append(("Authorization", "Bearer \(key.reveal())")) }
        headers += settings.headers.map { ($0.name, $0.value) }
        return HTTPRequest(
            url: base + "/chat/completions", method: "POST", headers: headers,
            body: ChatCompletions.body(request, model: settings.model).bytes)
    }

    /// Sends, and sends again after a passing failure, as long as nothing of an answer has come.
    private func connect(
        _ request: HTTPRequest, _ emit: @Sendable ([ProviderEvent]) async -> Void
    ) async throws(EngineError) -> HTTPResponse {
        var attempt = 0
        while true {
            let failure: EngineError
            do throws(EngineError) {
                let response = try await transport.send(request)
                if response.isSuccess { return response }
                failure = await refusal(response)
            } catch {
                failure = error
            }
            attempt += 1
            let wait = pause(after: failure, attempt: attempt)
            guard let wait, attempt <= settings.maxRetries, !Task.isCancelled else { throw failure }
            await emit([.retrying(attempt: attempt, milliseconds: wait, reason: failure.message)])
            do throws(CancellationError) {
                try await clock.sleep(milliseconds: wait)
            } catch {
                throw EngineError(.cancelled, "cancelled")
            }
        }
    }

    private func refusal(_ response: HTTPResponse) async -> EngineError {
        let body = (try? await response.body.collect(limit: 64 << 10)) ?? []
        let milliseconds = response.header("retry-after-ms").flatMap { Double($0) }.map { $0 / 1_000 }
        let seconds = milliseconds ?? response.header("retry-after").flatMap { Double($0) }
        return ChatErrors.error(
            provider: settings.name, status: response.status, body: body, retryAfter: seconds,
            keyName: settings.keyName)
    }

    /// Milliseconds until the next try; nil when another try is no use.
    private func pause(after failure: EngineError, attempt: Int) -> Int? {
        switch failure.code {
        case .rateLimited where failure.message.contains("insufficient_quota"): return nil
        case .rateLimited, .unreachable, .timedOut:
            if let asked = failure.retryAfter { return asked <= settings.longestWait ? Int(asked * 1_000) : nil }
            return min(8_000, 500 << (attempt - 1))
        default: return nil
        }
    }

    private func notes(_ response: HTTPResponse) -> [ProviderEvent] {
        var events: [ProviderEvent] = [.note("http.response.status_code", .int(response.status))]
        for (name, value) in response.headers {
            let lower = name.lowercased()
            if lower == "x-request-id" || lower == "openai-processing-ms" || lower.hasPrefix("x-ratelimit-") {
                events.append(.note("http.response.header.\(lower)", .string(value)))
            }
        }
        return events
    }

    private func stream(
        _ body: any HTTPBody, _ emit: @Sendable ([ProviderEvent]) async -> Void
    ) async throws(EngineError) {
        var parser = ServerSentEventParser()
        var decoder = ChatStreamDecoder()
        while let chunk = try await body.next() {
            var batch: [ProviderEvent] = []
            let events: [ServerSentEvent]
            do throws(ServerSentEventParser.TooLarge) {
                events = try parser.feed(chunk)
            } catch {
                throw EngineError(.tooLarge, "the provider sent an event of more than \(error.limit) bytes")
            }
            var failure: EngineError?
            for event in events where failure == nil {
                do throws(EngineError) {
                    batch += try decoder.decode(event.data)
                } catch {
                    failure = error
                }
            }
            if !batch.isEmpty { await emit(batch) }
            if let failure { throw failure }
            if decoder.isFinished { return }
        }
        if let last = parser.finish() { await emit(try decoder.decode(last.data)) }
        guard decoder.isFinished || decoder.hasReason else {
            throw EngineError(
                .protocolViolation, "the provider closed the stream in the middle of the answer",
                hint: "what came is kept; send again to go on")
        }
        await emit(decoder.finish())
    }
}
