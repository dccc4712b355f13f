package import Engine
import Synchronization

/// Time that tests move by hand.
package final class ManualClock: EngineClock {
    private struct State {
        var now = 1_700_000_000_000
        var sleepers: [(until: Int, wake: CheckedContinuation<Void, any Error>, id: Int)] = []
        var next = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func now() -> Timestamp { Timestamp(milliseconds: state.withLock { $0.now }) }

    package func advance(_ milliseconds: Int) {
        let due = state.withLock { state in
            state.now += milliseconds
            let due = state.sleepers.filter { $0.until <= state.now }
            state.sleepers.removeAll { $0.until <= state.now }
            return due
        }
        for sleeper in due { sleeper.wake.resume() }
    }

    package func sleep(milliseconds: Int) async throws(CancellationError) {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        do {
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                    if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                    state.withLock { state in
                        state.sleepers.append((state.now + milliseconds, continuation, id))
                    }
                }
            } onCancel: {
                let sleeper = state.withLock { state in
                    let index = state.sleepers.firstIndex { $0.id == id }
                    return index.map { state.sleepers.remove(at: $0) }
                }
                sleeper?.wake.resume(throwing: CancellationError())
            }
        } catch {
            throw CancellationError()
        }
    }
}

/// Names that count: `turn-1`, `span-2`.
package final class CountingIdentifiers: IdentifierSource {
    private let count = Mutex(0)

    package init() {}

    package func next(_ prefix: String) -> String {
        let number = count.withLock { count in
            count += 1
            return count
        }
        return "\(prefix)-\(number)"
    }
}

/// Variables from a table.
package struct FixedVariables: VariableSource {
    private let values: [String: String]
    package init(_ values: [String: String] = [:]) { self.values = values }
    package func value(of name: String) -> String? { values[name] }
}

/// A provider that does what a test says, call by call, and keeps what it was asked.
package final class ScriptedProvider: Provider {
    package enum Step: Sendable {
        case events([ProviderEvent])
        case failure(EngineError)
        /// Waits until the turn is cancelled.
        case hang
    }

    package let name = "scripted"
    package let model: String
    package let isMock = false
    private let answers: Mutex<[[Step]]>
    private let asked = Mutex<[ProviderRequest]>([])

    package init(model: String = "test-model", _ answers: [[Step]]) {
        self.model = model
        self.answers = Mutex(answers)
    }

    package var requests: [ProviderRequest] { asked.withLock { $0 } }

    package func respond(
        to request: ProviderRequest, emit: @Sendable ([ProviderEvent]) async -> Void
    ) async throws(EngineError) {
        asked.withLock { $0.append(request) }
        let steps = answers.withLock { $0.isEmpty ? [] : $0.removeFirst() }
        for step in steps {
            switch step {
            case .events(let events): await emit(events)
            case .failure(let error): throw error
            case .hang:
                while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(2)) }
                throw EngineError(.cancelled, "cancelled")
            }
        }
    }

    /// A text and the end.
    package static func says(_ text: String) -> [Step] { [.events([.text(text), .finished(.stop)])] }

    /// Calls and the end.
    package static func calls(_ calls: [(String, String, JSONValue)]) -> [Step] {
        [
            .events(
                calls.map { .toolCall(ToolCall(id: CallID($0.0), tool: $0.1, arguments: $0.2)) }
                    + [.finished(.toolCalls)])
        ]
    }
}

/// A provider with a price.
package struct Priced: Provider {
    private let inner: any Provider
    private let own: PriceTable.Found?

    package init(_ inner: any Provider, _ price: PriceTable.Found?) {
        self.inner = inner
        own = price
    }

    package var name: String { inner.name }
    package var model: String { inner.model }
    package var isMock: Bool { inner.isMock }
    package var price: PriceTable.Found? { own ?? inner.price }
    package var nativeFormat: String? { inner.nativeFormat }

    package func respond(
        to request: ProviderRequest, emit: @Sendable ([ProviderEvent]) async -> Void
    ) async throws(EngineError) { try await inner.respond(to: request, emit: emit) }
}

/// A handler whose tools are closures.
package final class FakeHandler: ToolHandler {
    package typealias Body = @Sendable (ToolCall) async throws(EngineError) -> ToolAnswer

    package let name: String
    package let kindName = "fake"
    package let timeout: Int
    private let tools: [ToolDescriptor]
    private let body: Body

    package init(_ name: String, timeout: Int = 30_000, tools: [ToolDescriptor], body: @escaping Body) {
        self.name = name
        self.timeout = timeout
        self.tools = tools
        self.body = body
    }

    package func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        await report(HandlerUpdate(.ready, tools: tools))
    }

    package func call(
        _ call: ToolCall, host: any ToolHost
    ) async throws(EngineError) -> ToolAnswer { try await body(call) }

    package func stop() async {}
}
