import Synchronization

/// How fast a recording is played.
package enum ReplayPace: Sendable, Equatable {
    /// So many times as fast as it was.
    case times(Double)
    case instant

    /// `recorded`, `instant`, or a factor such as `4`.
    package init?(_ word: String) {
        switch word {
        case "recorded": self = .times(1)
        case "instant": self = .instant
        default:
            guard let factor = Double(word), factor > 0, factor.isFinite else { return nil }
            self = .times(factor)
        }
    }

    /// What a pause of the recording takes now.
    func milliseconds(_ recorded: Int) -> Int {
        switch self {
        case .instant: 0
        case .times(let factor): Int(Double(recorded) / factor)
        }
    }
}

/// Plays a recording: each recorded fact once, to whoever asks for the same. What differs is an error that shows how.
package final class Replay: Sendable {
    package let recording: Recording
    private let pace: ReplayPace
    private let clock: any EngineClock
    private let redactor: Redactor
    private let used = Mutex(Played())

    package init(_ recording: Recording, pace: ReplayPace, clock: any EngineClock, redactor: Redactor) {
        self.recording = recording
        self.pace = pace
        self.clock = clock
        self.redactor = redactor
    }

    fileprivate func pause(_ recorded: Int) async throws(EngineError) {
        let milliseconds = pace.milliseconds(recorded)
        guard milliseconds > 0 else { return }
        do throws(CancellationError) {
            try await clock.sleep(milliseconds: milliseconds)
        } catch {
            throw EngineError(.cancelled, "cancelled")
        }
    }

    /// What was played, by the position in the recording.
    private struct Played {
        var exchanges: Set<Int> = []
        var answers: Set<Int> = []
        var calls: Set<Int> = []
    }

    /// The first fact that was not played and fits; the first that was not played at all when none does.
    private func take<Value: Sendable>(
        _ values: [Value], _ place: any WritableKeyPath<Played, Set<Int>> & Sendable, fits: (Value) -> Bool
    ) -> (value: Value, fits: Bool)? {
        let fitting = values.indices.filter { fits(values[$0]) }
        let found = used.withLock { used -> Int? in
            let index = fitting.first { !used[keyPath: place].contains($0) }
            if let index { used[keyPath: place].insert(index) }
            return index
        }
        if let found { return (values[found], true) }
        let played = used.withLock { $0[keyPath: place] }
        return values.indices.first { !played.contains($0) }.map { (values[$0], false) }
    }

    private static func exhausted(_ what: String, _ count: Int) -> EngineError {
        EngineError(
            .refused, "the recording has no more \(what): all \(count) were played",
            hint: "the conversation went on longer than the recorded one")
    }

    private static func differs(_ what: String, _ lines: [String]) -> EngineError {
        EngineError(
            .refused, "\(what) differs from the recorded one:\n" + lines.prefix(12).joined(separator: "\n"),
            hint: "record it anew, or undo what changed it")
    }

    // MARK: The wire

    func exchange(_ request: HTTPRequest) throws(EngineError) -> WireExchange {
        let now = Self.parsed(redactor.masked(request.body ?? []))
        let found = take(recording.exchanges, \.exchanges) { exchange in
            exchange.method == request.method && Self.path(exchange.url) == Self.path(redactor.clean(url: request.url))
                && RequestDiff.lines(Self.parsed(exchange.requestBody.bytes), now).isEmpty
        }
        guard let found else { throw Self.exhausted("exchanges", recording.exchanges.count) }
        if found.fits { return found.value }
        var lines: [String] = []
        if Self.path(found.value.url) != Self.path(redactor.clean(url: request.url)) {
            lines = ["address", "  - \(Self.path(found.value.url))", "  + \(Self.path(request.url))"]
        }
        lines += RequestDiff.lines(Self.parsed(found.value.requestBody.bytes), now)
        throw Self.differs("the request", lines)
    }

    private static func parsed(_ bytes: [UInt8]) -> JSONValue {
        (try? JSONParser.parse(bytes)) ?? .string(String(decoding: bytes, as: UTF8.self))
    }

    /// The address behind the host: a recording may be played against another one's name.
    private static func path(_ url: String) -> String {
        url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).dropFirst(3).joined()
    }

    // MARK: Answers and tools

    func answer(_ request: ProviderRequest) throws(EngineError) -> Recording.Answer {
        let now = Self.summary(request.system, request.messages)
        let found = take(recording.answers, \.answers) {
            RequestDiff.lines(Self.summary($0.system, $0.messages), now).isEmpty
        }
        guard let found else { throw Self.exhausted("answers", recording.answers.count) }
        if found.fits { return found.value }
        throw Self.differs(
            "what the model is told", RequestDiff.lines(Self.summary(found.value.system, found.value.messages), now))
    }

    private static func summary(_ system: String, _ messages: [Message]) -> JSONValue {
        [
            "system": .string(system),
            "messages": .array(
                messages.map { message in
                    [
                        "role": .string(message.role.rawValue), "text": .string(message.text),
                        "calls": .array(
                            message.toolCalls.map { ["tool": .string($0.tool), "arguments": $0.arguments] }),
                    ]
                }),
        ]
    }

    func call(_ call: ToolCall) throws(EngineError) -> Recording.Call {
        let recorded = recording.calls.filter { $0.tool == call.tool }
        let found = take(recording.calls, \.calls) {
            $0.tool == call.tool && RequestDiff.lines($0.arguments, call.arguments).isEmpty
        }
        if let found, found.fits { return found.value }
        guard let other = recorded.first else { throw Self.exhausted("calls of '\(call.tool)'", 0) }
        let lines = RequestDiff.lines(other.arguments, call.arguments)
        if lines.isEmpty { throw Self.exhausted("calls of '\(call.tool)'", recorded.count) }
        throw Self.differs("the call of '\(call.tool)'", lines)
    }

    /// The recorded handlers.
    package var handlers: [any ToolHandler] {
        let named = Set(recording.handlers.flatMap { $0.tools.map(\.name) })
        let strays = Set(recording.calls.map(\.tool)).subtracting(named).sorted()
        let known = recording.handlers.map { ReplayedHandler($0, self) }
        guard !strays.isEmpty else { return known }
        let tools = strays.map {
            ToolSummary(name: $0, description: "", readOnly: true, inputSchema: ["type": "object"])
        }
        return known + [ReplayedHandler(Recording.Handler(name: "recorded", kind: "recording", tools: tools), self)]
    }
}

/// HTTP, from a recording.
package struct ReplayTransport: HTTPTransport {
    private let replay: Replay

    package init(_ replay: Replay) { self.replay = replay }

    package func send(_ request: HTTPRequest) async throws(EngineError) -> HTTPResponse {
        let exchange = try replay.exchange(request)
        guard let status = exchange.status else {
            try await replay.pause(exchange.endedAt ?? 0)
            throw EngineError(.unreachable, exchange.error ?? "the recorded request failed")
        }
        try await replay.pause(exchange.headAt ?? 0)
        return HTTPResponse(
            status: status, headers: exchange.responseHeaders.map { ($0.name, $0.value) },
            body: ReplayedBody(exchange, replay))
    }
}

private final class ReplayedBody: HTTPBody {
    private let exchange: WireExchange
    private let replay: Replay
    private let position = Mutex((next: 0, at: 0))

    init(_ exchange: WireExchange, _ replay: Replay) {
        self.exchange = exchange
        self.replay = replay
        position.withLock { $0.at = exchange.headAt ?? 0 }
    }

    func next() async throws(EngineError) -> [UInt8]? {
        let step = position.withLock { position -> (chunk: WireExchange.Chunk, pause: Int)? in
            guard exchange.chunks.indices.contains(position.next) else { return nil }
            let chunk = exchange.chunks[position.next]
            defer { position = (position.next + 1, chunk.at) }
            return (chunk, chunk.at - position.at)
        }
        guard let step else {
            // A refusal carries its words in its body; anything else that ended early broke off.
            if let error = exchange.error, exchange.status.map({ (200..<300).contains($0) }) == true {
                throw EngineError(.unreachable, error)
            }
            return nil
        }
        try await replay.pause(step.pause)
        return step.chunk.bytes.bytes
    }
}

/// A provider's answers, from a recording that has no wire.
package struct ReplayProvider: Provider {
    package let name: String
    package let model: String
    package let price: PriceTable.Found?
    package var isMock: Bool { true }
    private let replay: Replay

    package init(_ replay: Replay, price: (String) -> PriceTable.Found?) {
        self.replay = replay
        name = "replay"
        model = replay.recording.answers.first?.model ?? "replay"
        self.price = price(model)
    }

    package func respond(
        to request: ProviderRequest, emit: @Sendable ([ProviderEvent]) async -> Void
    ) async throws(EngineError) {
        let answer = try replay.answer(request)
        // A thinking pause, then the words at an even pace.
        let pieces = answer.text.isEmpty ? [] : MockText.pieces(answer.text, of: max(1, answer.text.count / 40))
        let step = answer.milliseconds / max(pieces.count + 2, 1)
        try await replay.pause(step * 2)
        if !answer.reasoning.isEmpty { await emit([.reasoning(answer.reasoning)]) }
        for piece in pieces {
            try await replay.pause(step)
            await emit([.text(piece)])
        }
        if let error = answer.error {
            throw EngineError(EngineError.Code(rawValue: error.code) ?? .failed, error.message, hint: error.hint)
        }
        await emit(
            answer.calls.map { .toolCall($0) } + (answer.usage.map { [.usage($0)] } ?? [])
                + [.finished(StopReason(rawValue: answer.stop) ?? .stop)])
    }
}

private struct ReplayedHandler: ToolHandler {
    private let recorded: Recording.Handler
    private let replay: Replay
    var name: String { recorded.name }
    var kindName: String { "replay" }
    var timeout: Int { 3_600_000 }

    init(_ recorded: Recording.Handler, _ replay: Replay) {
        self.recorded = recorded
        self.replay = replay
    }

    func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        let tools = recorded.tools.map {
            ToolDescriptor(
                name: $0.name, description: $0.description, inputSchema: $0.inputSchema, readOnly: $0.readOnly)
        }
        await report(HandlerUpdate(.ready, tools: tools, detail: "from a recording of \(recorded.kind)"))
    }

    func call(
        _ call: ToolCall, host: any ToolHost
    ) async throws(EngineError) -> ToolAnswer {
        let recorded = try replay.call(call)
        try await replay.pause(recorded.milliseconds)
        if let error = recorded.error {
            throw EngineError(EngineError.Code(rawValue: error.code) ?? .failed, error.message, hint: error.hint)
        }
        return ToolAnswer(text: recorded.text ?? "", isError: recorded.isError)
    }

    func stop() async {}
}
