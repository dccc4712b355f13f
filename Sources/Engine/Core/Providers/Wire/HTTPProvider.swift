/// A model behind an HTTP API, whatever its format.
package struct HTTPProvider: Provider {
    package struct Settings: Sendable {
        package var name: String
        package var model: String
        package var format: any WireFormat
        /// Nil: the format's own.
        package var baseURL: String?
        package var key: KeyReader?
        /// Where the key comes from, for messages: `$OPENAI_API_KEY`.
        package var keyName: String?
        /// Signs requests with the key, which then is AWS's.
        package var signature: AWSSignature?
        package var headers: [Header] = []
        package var options = WireOptions()
        package var timeouts = WireTimeouts()
        package var retry = RetryRules()
        package var price: PriceTable.Found?
        /// Gets each exchange when it is over, whole.
        package var record: (@Sendable (WireExchange) -> Void)?

        package init(name: String, model: String, format: any WireFormat) {
            self.name = name
            self.model = model
            self.format = format
        }
    }

    private let settings: Settings
    private let transport: any HTTPTransport
    private let clock: any EngineClock
    private let ids: any IdentifierSource
    private let redactor: Redactor

    package var name: String { settings.name }
    package var model: String { settings.model }
    package var isMock: Bool { false }
    package var price: PriceTable.Found? { settings.price }
    package var nativeFormat: String? { settings.format.name }

    package init(
        _ settings: Settings, transport: any HTTPTransport, clock: any EngineClock, ids: any IdentifierSource,
        redactor: Redactor
    ) {
        self.settings = settings
        self.transport = transport
        self.clock = clock
        self.ids = ids
        self.redactor = redactor
    }

    package func respond(
        to request: ProviderRequest, emit: @Sendable ([ProviderEvent]) async -> Void
    ) async throws(EngineError) {
        let call = WireCall(
            request: request, model: model, options: settings.options, isStreaming: settings.options.isStreaming)
        var body = settings.format.body(call)
        for (name, value) in settings.options.extraBody { body[name] = value }
        if !call.losses.texts.isEmpty { await emit(call.losses.texts.map { .warning($0) }) }
        let bytes = JSONValue.object(body).bytes
        var attempt = 1
        var mayAskForKey = true
        while true {
            var attemptState = Attempt(call: call)
            do throws(EngineError) {
                return try await ask(bytes, &attemptState, emit)
            } catch {
                // Nobody asks again for something whose beginning was shown.
                guard !attemptState.hasShown, !Task.isCancelled else { throw error }
                if error.code == .unauthorized, mayAskForKey, settings.key?.refused() == true {
                    mayAskForKey = false
                    continue
                }
                let pause = settings.retry.pause(
                    after: error, attempt: attempt, serverSays: attemptState.serverSays,
                    spread: Double.random(in: 0..<1))
                guard let pause else { throw error }
                let retry = ModelRetry(
                    provider: name, model: model, attempt: attempt, milliseconds: pause, reason: error.message,
                    code: error.code.rawValue, isAsked: error.retryAfter != nil)
                await emit(attemptState.notes + [.retrying(retry)])
                do throws(CancellationError) {
                    try await clock.sleep(milliseconds: pause)
                } catch {
                    throw EngineError(.cancelled, "cancelled")
                }
                attempt += 1
            }
        }
    }

    /// What one try has come to.
    private struct Attempt {
        let call: WireCall
        var hasShown = false
        /// Whether asking again is any use, where the server says so.
        var serverSays: Bool?
        var notes: [ProviderEvent] = []
    }

    private func ask(
        _ body: [UInt8], _ attempt: inout Attempt, _ emit: @Sendable ([ProviderEvent]) async -> Void
    ) async throws(EngineError) {
        let http = try await httpRequest(body)
        var tap = WireTap(
            http, id: ids.next("wire"), provider: name, model: model, format: settings.format.name, clock: clock,
            redactor: redactor, keyName: settings.keyName,
            limit: settings.record == nil ? Self.shownBytes : .max >> 1)
        await emit([.wire(tap.exchange)])
        do throws(EngineError) {
            let response = try await transport.send(http)
            tap.head(response)
            await emit([.wire(tap.exchange)])
            guard response.isSuccess else { throw await refusal(response, &attempt, &tap) }
            attempt.notes = WireNotes.of(response)
            await emit(attempt.notes)
            try await read(response, &attempt, &tap, emit)
        } catch {
            tap.end(error)
            await emit([.wire(tap.exchange)])
            settings.record?(tap.exchange)
            throw error
        }
        tap.end(nil)
        await emit([.wire(tap.exchange)])
        settings.record?(tap.exchange)
    }

    /// Bytes of a body that the screen can show.
    private static let shownBytes = 4 << 20

    private func httpRequest(_ body: [UInt8]) async throws(EngineError) -> HTTPRequest {
        let streaming = settings.options.isStreaming
        let url = settings.format.url(
            base: settings.baseURL ?? settings.format.standardBaseURL, model: model, streaming: streaming)
        var headers = [Header("Content-Type", "application/json")]
        headers.append(Header("Accept", streaming ? "text/event-stream, application/json" : "application/json"))
        headers += settings.format.headers(settings.options)
        let own = Set(settings.headers.map { $0.name.lowercased() })
        headers = headers.filter { !own.contains($0.name.lowercased()) } + settings.headers
        if let key = try await settings.key?.key() {
            if let signature = settings.signature,
                let keys = (try? JSONParser.parse([UInt8](key.reveal().utf8))).flatMap({ AWSKeys(json: $0) })
            {
                headers += signature.headers(
                    method: "POST", url: url, headers: headers, body: body, keys: keys, now: clock.now())
            } else {
                let header = settings.format.authorization(key)
                if !own.contains(header.name.lowercased()) { headers.append(header) }
            }
        }
        var request = HTTPRequest(
            url: url, method: "POST", headers: headers.map { ($0.name, $0.value) }, body: body)
        request.connectMilliseconds = settings.timeouts.connect
        request.firstByteMilliseconds = settings.timeouts.firstByte
        request.idleMilliseconds = settings.timeouts.idle
        // Proxies that compress a stream hold it back.
        request.acceptsCompression = !streaming
        if streaming { request.bodyLimit = 0 }
        return request
    }

    private func refusal(
        _ response: HTTPResponse, _ attempt: inout Attempt, _ tap: inout WireTap
    ) async -> EngineError {
        var body: [UInt8] = []
        while body.count < Self.refusalBytes, let piece = try? await response.body.next() {
            _ = tap.chunk(piece)
            body += piece
        }
        attempt.notes = WireNotes.of(response)
        let refusal = WireErrors.Refusal(response, body: body, now: clock.now())
        if let word = response.header("x-should-retry") { attempt.serverSays = word == "true" }
        return WireErrors.error(
            refusal, provider: name, model: model, keyName: settings.keyName,
            window: price?.price.contextWindow, estimate: attempt.call.request.estimatedTokens)
    }

    private static let refusalBytes = 64 << 10

    private func read(
        _ response: HTTPResponse, _ attempt: inout Attempt, _ tap: inout WireTap,
        _ emit: @Sendable ([ProviderEvent]) async -> Void
    ) async throws(EngineError) {
        let framing = StreamFramer.Framing.of(
            mediaType: response.mediaType, standard: settings.options.isStreaming ? settings.format.framing : .whole)
        var framer = StreamFramer(framing)
        var answer = AnswerReader(settings.format.decoder(model: model))
        var failure: EngineError?
        while failure == nil, !answer.isFinished {
            do throws(EngineError) {
                guard let chunk = try await response.body.next() else { break }
                let isTime = tap.chunk(chunk)
                for piece in try framer.feed(chunk) { try answer.take(piece) }
                if isTime { answer.events.append(.wire(tap.exchange)) }
            } catch {
                failure = error
            }
            await pass(&answer.events, &attempt, emit)
        }
        if let failure { throw failure }
        do throws(EngineError) {
            for piece in framer.finish() { try answer.take(piece) }
            try answer.end()
        } catch {
            failure = error
        }
        await pass(&answer.events, &attempt, emit)
        if let failure { throw failure }
        response.body.finish()
    }

    /// Hands events over, with the tools' own names.
    private func pass(
        _ events: inout [ProviderEvent], _ attempt: inout Attempt, _ emit: @Sendable ([ProviderEvent]) async -> Void
    ) async {
        guard !events.isEmpty else { return }
        var passed: [ProviderEvent] = []
        // What came together is said together.
        var text = ""
        func flush() {
            guard !text.isEmpty else { return }
            passed.append(.text(text))
            text = ""
        }
        for event in events {
            if case .text(let more) = event {
                attempt.hasShown = true
                text += more
                continue
            }
            flush()
            switch event {
            case .reasoning: attempt.hasShown = true
            case .toolCall(var call):
                attempt.hasShown = true
                call.tool = attempt.call.names.own(call.tool)
                passed.append(.toolCall(call))
                continue
            default: break
            }
            passed.append(event)
        }
        flush()
        await emit(passed)
        events = []
    }
}

/// How long a provider may take, in milliseconds.
package struct WireTimeouts: Sendable, Equatable {
    package var connect = 10_000
    /// Until the answer's head: a model may think before it says a word.
    package var firstByte = 300_000
    /// Between two pieces of the answer.
    package var idle = 120_000

    package init() {}
}

/// Reads pieces of JSON as an answer, and knows how it ended.
package struct AnswerReader {
    private var decoder: any AnswerDecoder
    package var events: [ProviderEvent] = []
    private var hasAnything = false

    package init(_ decoder: any AnswerDecoder) { self.decoder = decoder }

    package var isFinished: Bool { decoder.isFinished }

    package mutating func take(_ piece: [UInt8]) throws(EngineError) {
        guard !decoder.isFinished else { return }
        hasAnything = true
        if piece.elementsEqual("[DONE]".utf8) {
            events += decoder.finish()
            return
        }
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONParser.parse(piece)
        } catch {
            let excerpt = String(decoding: piece.prefix(80), as: UTF8.self)
            throw EngineError(
                .protocolViolation, "the provider sent something that is not JSON (\(error.message)): \(excerpt)")
        }
        events += try decoder.decode(value)
    }

    /// The body is over.
    package mutating func end() throws(EngineError) {
        guard !decoder.isFinished else { return }
        guard hasAnything else {
            throw EngineError(
                .protocolViolation, "the provider began an answer and sent nothing",
                hint: "its own log may say why; some servers end like this when the conversation is too long for them")
        }
        guard decoder.hasReason else {
            throw EngineError(
                .protocolViolation, "the provider closed the stream in the middle of the answer",
                hint: "what came is kept; send again to go on")
        }
        events += decoder.finish()
    }
}

/// What the head of an answer tells a trace.
enum WireNotes {
    private static let names: Set = [
        "x-request-id", "request-id", "openai-processing-ms", "x-generation-id", "x-litellm-call-id",
        "x-litellm-model-id", "x-litellm-response-cost", "x-amzn-requestid", "retry-after", "retry-after-ms",
    ]

    static func of(_ response: HTTPResponse) -> [ProviderEvent] {
        var events: [ProviderEvent] = [.note("http.response.status_code", .int(response.status))]
        if let version = response.version { events.append(.note("network.protocol.version", .string(version))) }
        for (name, value) in response.headers {
            let lower = name.lowercased()
            let isLimit = lower.hasPrefix("x-ratelimit-") || lower.hasPrefix("anthropic-ratelimit-")
            if isLimit || names.contains(lower) {
                events.append(.note("http.response.header.\(lower)", .string(value)))
            }
            if lower == "x-litellm-response-cost", let dollars = Double(value), dollars > 0 {
                events.append(.cost(Money(dollars: dollars)))
            }
        }
        return events
    }
}
