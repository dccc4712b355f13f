import Synchronization

/// Writes down what goes between the program and the world, with secrets masked.
package final class Recorder: Sendable {
    private let clock: any EngineClock
    private let redactor: Redactor
    /// Appends one line to the file.
    private let write: @Sendable (String) -> Void
    private let known = Mutex<[String: Recording.Handler]>([:])

    package init(clock: any EngineClock, redactor: Redactor, write: @escaping @Sendable (String) -> Void) {
        self.clock = clock
        self.redactor = redactor
        self.write = write
        put(.head(Recording.Head(made: clock.now(), origin: "recording")))
    }

    package func put(_ fact: Recording.Fact) {
        // An exchange was cleaned byte by byte when it was written down.
        let json = if case .exchange = fact { fact.json } else { redactor.clean(fact.json) }
        write(json.text + "\n")
    }

    /// A handler, recorded: what it offers once, and each call.
    package func watching(_ handler: any ToolHandler) -> any ToolHandler { RecordedHandler(handler, self, clock) }

    /// A provider without a wire, recorded answer by answer.
    package func watching(_ provider: any Provider) -> any Provider { RecordedProvider(provider, self, clock) }

    fileprivate func offers(_ handler: Recording.Handler) {
        let isNew = known.withLock { known in
            defer { known[handler.name] = handler }
            return known[handler.name] != handler
        }
        if isNew { put(.handler(handler)) }
    }
}

private struct RecordedHandler: ToolHandler {
    let inner: any ToolHandler
    let recorder: Recorder
    let clock: any EngineClock

    init(_ inner: any ToolHandler, _ recorder: Recorder, _ clock: any EngineClock) {
        self.inner = inner
        self.recorder = recorder
        self.clock = clock
    }

    var name: String { inner.name }
    var kindName: String { inner.kindName }
    var timeout: Int { inner.timeout }

    func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        let (recorder, name, kind) = (recorder, name, kindName)
        await inner.start { update in
            if update.phase == .ready {
                recorder.offers(Recording.Handler(name: name, kind: kind, tools: update.tools.map(ToolSummary.init)))
            }
            await report(update)
        }
    }

    func call(
        _ call: ToolCall, host: any ToolHost
    ) async throws(EngineError) -> ToolAnswer {
        let started = clock.now().milliseconds
        func record(_ answer: ToolAnswer?, _ error: EngineError?) {
            recorder.put(
                .call(
                    Recording.Call(
                        handler: name, tool: call.tool, arguments: call.arguments, text: answer?.text,
                        isError: answer?.isError ?? false, error: error?.info,
                        milliseconds: clock.now().milliseconds - started)))
        }
        do throws(EngineError) {
            let answer = try await inner.call(call, host: host)
            record(answer, nil)
            return answer
        } catch {
            record(nil, error)
            throw error
        }
    }

    func stop() async { await inner.stop() }

    func probe() async throws(EngineError) { try await inner.probe() }

    var server: MCPToolHandler? { inner.server }
}

private struct RecordedProvider: Provider {
    let inner: any Provider
    let recorder: Recorder
    let clock: any EngineClock

    init(_ inner: any Provider, _ recorder: Recorder, _ clock: any EngineClock) {
        self.inner = inner
        self.recorder = recorder
        self.clock = clock
    }

    var name: String { inner.name }
    var model: String { inner.model }
    var isMock: Bool { inner.isMock }
    var price: PriceTable.Found? { inner.price }
    var nativeFormat: String? { inner.nativeFormat }

    func respond(
        to request: ProviderRequest, emit: @Sendable ([ProviderEvent]) async -> Void
    ) async throws(EngineError) {
        let started = clock.now().milliseconds
        let collector = AnswerCollector()
        var failure: EngineError?
        do throws(EngineError) {
            try await inner.respond(to: request) { events in
                collector.take(events)
                await emit(events)
            }
        } catch {
            failure = error
        }
        let answer = collector.answer
        recorder.put(
            .answer(
                Recording.Answer(
                    provider: name, model: model, system: request.system, messages: request.messages,
                    text: answer.text, reasoning: answer.reasoning, calls: answer.calls, usage: answer.usage,
                    stop: answer.stop ?? .stop, error: failure?.info,
                    milliseconds: clock.now().milliseconds - started)))
        if let failure { throw failure }
    }
}
