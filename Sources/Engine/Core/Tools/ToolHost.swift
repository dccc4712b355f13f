import Synchronization

/// Whom a running tool can turn to: the session that called it.
package protocol ToolHost: Sendable {
    /// The conversation that calls; nil where there is none.
    var session: SessionID? { get }
    /// What policies put into the call's request.
    var headers: [Header] { get }
    /// How far the tool is.
    func progressed(_ progress: ToolProgress) async
    /// Lays a question before the person and waits for the answer. The time that this takes is not the tool's.
    func ask(_ question: Question) async -> QuestionReply
    /// Asks the session's model. Whether it may, is asked before.
    func sample(_ request: SamplingRequest) async throws(EngineError) -> SamplingAnswer
    /// A server's log message, for people.
    func logged(_ message: ServerLog) async
}

extension ToolHost {
    package var session: SessionID? { nil }
    package var headers: [Header] { [] }
}

/// What an MCP server wants from the model (`sampling/createMessage`).
package struct SamplingRequest: Sendable {
    package var from: String
    package var call: CallID?
    package var system: String?
    package var messages: [Message]
    package var parameters: ModelParameters

    package init(from: String, call: CallID?, system: String?, messages: [Message], parameters: ModelParameters) {
        self.from = from
        self.call = call
        self.system = system
        self.messages = messages
        self.parameters = parameters
    }
}

package struct SamplingAnswer: Sendable, Equatable {
    package var text: String
    package var model: String
    package var stop: StopReason?

    package init(text: String, model: String, stop: StopReason?) {
        self.text = text
        self.model = model
        self.stop = stop
    }
}

/// `notifications/message` of an MCP server.
package struct ServerLog: Sendable, Equatable {
    /// RFC 5424's names, from `debug` to `emergency`.
    package var level: String
    package var from: String
    package var text: String

    package init(level: String, from: String, text: String) {
        self.level = level
        self.from = from
        self.text = text
    }

    /// From the least to the most urgent.
    package static let levels = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]

    /// From `warning` on, a person should see it.
    package var severity: Diagnostic.Severity {
        switch level {
        case "error", "critical", "alert", "emergency": .error
        case "warning": .warning
        default: .note
        }
    }
}

/// A host where nobody is: what would be asked is declined.
package struct LonelyHost: ToolHost {
    private let report: @Sendable (ToolProgress) async -> Void

    package init(progress: @escaping @Sendable (ToolProgress) async -> Void = { _ in }) { report = progress }

    package func progressed(_ progress: ToolProgress) async { await report(progress) }
    package func ask(_ question: Question) async -> QuestionReply {
        .unanswered
    }
    package func sample(_ request: SamplingRequest) async throws(EngineError) -> SamplingAnswer {
        throw EngineError(.refused, "there is no model here")
    }
    package func logged(_ message: ServerLog) async {}
}

/// A host that counts how long it kept the tool waiting, which is not the tool's time.
final class PatientHost: ToolHost {
    private struct Waiting {
        var open = 0
        var since = 0
        var total = 0
    }

    private let host: any ToolHost
    private let clock: any EngineClock
    private let waiting = Mutex(Waiting())

    init(_ host: any ToolHost, clock: any EngineClock) {
        self.host = host
        self.clock = clock
    }

    /// Milliseconds until now.
    var waited: Int {
        let now = clock.now().milliseconds
        return waiting.withLock { $0.total + ($0.open > 0 ? now - $0.since : 0) }
    }

    private func begin() {
        let now = clock.now().milliseconds
        waiting.withLock {
            if $0.open == 0 { $0.since = now }
            $0.open += 1
        }
    }

    private func end() {
        let now = clock.now().milliseconds
        waiting.withLock {
            $0.open -= 1
            if $0.open == 0 { $0.total += now - $0.since }
        }
    }

    var session: SessionID? { host.session }
    var headers: [Header] { host.headers }
    func progressed(_ progress: ToolProgress) async { await host.progressed(progress) }

    func ask(_ question: Question) async -> QuestionReply {
        begin()
        defer { end() }
        return await host.ask(question)
    }

    func sample(_ request: SamplingRequest) async throws(EngineError) -> SamplingAnswer {
        begin()
        defer { end() }
        return try await host.sample(request)
    }

    func logged(_ message: ServerLog) async { await host.logged(message) }
}
