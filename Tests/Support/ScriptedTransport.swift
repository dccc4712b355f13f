package import Engine
import Synchronization

/// A transport that answers as a test says, and keeps what it was asked.
package final class ScriptedTransport: HTTPTransport {
    package enum Answer: Sendable {
        case failure(EngineError)
        /// The pieces of the body, and how it ends when not well.
        case body(status: Int, headers: [(name: String, value: String)], pieces: [String], end: EngineError?)

        package static func stream(_ text: String, end: EngineError? = nil) -> Answer {
            .body(status: 200, headers: [("Content-Type", "text/event-stream")], pieces: [text], end: end)
        }

        package static func refuse(
            _ status: Int, _ body: String = "{}", _ headers: [(name: String, value: String)] = []
        ) -> Answer {
            .body(
                status: status, headers: [("Content-Type", "application/json")] + headers, pieces: [body], end: nil)
        }
    }

    private let answers: Mutex<[Answer]>
    private let asked = Mutex<[HTTPRequest]>([])

    package init(_ answers: [Answer]) { self.answers = Mutex(answers) }

    package var requests: [HTTPRequest] { asked.withLock { $0 } }

    package func send(_ request: HTTPRequest) async throws(EngineError) -> HTTPResponse {
        asked.withLock { $0.append(request) }
        let answer = answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        switch answer {
        case nil: throw EngineError(.internal, "the test has no more answers")
        case .failure(let error)?: throw error
        case .body(let status, let headers, let pieces, let end)?:
            return HTTPResponse(status: status, headers: headers, body: ScriptedBody(pieces, end))
        }
    }
}

private final class ScriptedBody: HTTPBody {
    private let pieces: Mutex<[String]>
    private let end: EngineError?

    init(_ pieces: [String], _ end: EngineError?) {
        self.pieces = Mutex(pieces)
        self.end = end
    }

    func next() async throws(EngineError) -> [UInt8]? {
        if let piece = pieces.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return Array(piece.utf8) }
        if let end { throw end }
        return nil
    }
}

/// A clock that never makes anybody wait, and keeps how long it was asked to.
package final class HastyClock: EngineClock {
    private let state = Mutex((now: 1_700_000_000_000, pauses: [Int]()))

    package init() {}

    package var pauses: [Int] { state.withLock { $0.pauses } }
    package func now() -> Timestamp { Timestamp(milliseconds: state.withLock { $0.now }) }

    package func sleep(milliseconds: Int) async throws(CancellationError) {
        state.withLock { state in
            state.now += milliseconds
            state.pauses.append(milliseconds)
        }
        await Task.yield()
    }
}
