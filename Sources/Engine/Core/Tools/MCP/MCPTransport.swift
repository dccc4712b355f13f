import Synchronization

/// What is no answer to a request of ours: notifications, and requests of the server.
///
/// - Parameters:
///   - message: the JSON-RPC message.
///   - origin: our request on whose stream it came; nil where that is not known.
/// - Returns: the answer to a request.
package typealias MCPIncoming = @Sendable (_ message: JSONValue, _ origin: Int?) async -> JSONValue?

/// Carries JSON-RPC messages to one MCP server and back.
package protocol MCPTransport: Sendable {
    func open(incoming: @escaping MCPIncoming) async throws(EngineError)
    /// Sends a request and returns the message that answers it, which may hold an error. Cancelling the task gives
    /// the request up.
    func exchange(_ request: MCPOutgoing) async throws(EngineError) -> JSONValue
    func notify(_ message: JSONValue, context: MCPContext) async throws(EngineError)
    /// For servers that speak on a stream of their own: reads it until it ends. Returns at once where there is none.
    func listen(context: MCPContext) async
    func close() async
    /// The server's last words, for people.
    var lastWords: String? { get }
    /// Headers that repeat arguments are only for HTTP.
    var mirrorsArguments: Bool { get }
    /// Whether the protocol without a handshake is defined for it.
    var mayBeModern: Bool { get }
    /// Whether it holds tokens that the next conversation wants, too.
    var keepsSignIn: Bool { get }
    /// Tries whatever may be tried with the person's help after the server wanted to know who asks.
    /// - Returns: whether it is worth trying again.
    func signIn(host: any ToolHost) async throws(EngineError) -> Bool
}

extension MCPTransport {
    package var mirrorsArguments: Bool { false }
    package var mayBeModern: Bool { true }
    package var keepsSignIn: Bool { false }
    package func signIn(host: any ToolHost) async throws(EngineError) -> Bool { false }
}

/// A request on its way out.
package struct MCPOutgoing: Sendable {
    package var id: Int
    package var method: String
    package var message: JSONValue
    package var context: MCPContext
    /// HTTP headers that repeat parts of the message (2026-07-28): `Mcp-Name`, `Mcp-Param-…`.
    package var mirrored: [Header]
    /// Told to the server when the request is given up; nil where closing the connection says so.
    package var cancellation: JSONValue?
}

/// What was agreed with the server.
package struct MCPContext: Sendable, Equatable {
    package var version: String
    package var isModern: Bool

    package init(version: String, isModern: Bool) {
        self.version = version
        self.isModern = isModern
    }
}

/// The server no longer knows the session that a request was sent with, so nothing was done.
enum MCPLostSession {
    static let error = EngineError(.unreachable, "the server has forgotten the session")
}

package enum MCPVersions {
    package static let modern = ["2026-07-28"]
    /// Newest first.
    package static let legacy = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]
    package static var all: String { (modern + legacy).joined(separator: ", ") }
}

/// Requests that wait for their answers on a connection that carries all of them.
final class MCPReplies: Sendable {
    private struct State {
        var waiting: [Int: CheckedContinuation<Result<JSONValue, EngineError>, Never>] = [:]
        var ended: EngineError?
    }

    private let state = Mutex(State())

    /// Sends, and waits for the message with that id.
    /// - Parameter send: sends it; not called when the connection has ended.
    func wait(
        _ request: MCPOutgoing, send: () -> Void, cancel: @escaping @Sendable (JSONValue) -> Void
    ) async throws(EngineError) -> JSONValue {
        let result: Result<JSONValue, EngineError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ended = state.withLock { state -> EngineError? in
                    if let ended = state.ended { return ended }
                    if Task.isCancelled { return EngineError(.cancelled, "cancelled") }
                    state.waiting[request.id] = continuation
                    return nil
                }
                if let ended { return continuation.resume(returning: .failure(ended)) }
                send()
            }
        } onCancel: {
            let waiting = state.withLock { $0.waiting.removeValue(forKey: request.id) }
            guard let waiting else { return }
            if let cancellation = request.cancellation { cancel(cancellation) }
            waiting.resume(returning: .failure(EngineError(.cancelled, "cancelled")))
        }
        return try result.get()
    }

    /// Hands an answer over to who waits for it.
    func answer(_ id: Int, _ message: JSONValue) {
        state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: .success(message))
    }

    func fail(_ id: Int, _ error: EngineError) {
        state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: .failure(error))
    }

    /// Nothing comes any more.
    func end(_ error: EngineError) {
        let waiting = state.withLock { state in
            if state.ended == nil { state.ended = error }
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(returning: .failure(error)) }
    }
}
