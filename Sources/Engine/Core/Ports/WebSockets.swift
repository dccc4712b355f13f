/// Opens WebSocket connections (RFC 6455).
package protocol WebSocketDialer: Sendable {
    /// Returns once the other side has agreed. Cancelling the task gives up.
    /// - Throws: `unreachable`, `timedOut`; what an HTTP answer says otherwise, with its `status`.
    func dial(_ request: WebSocketRequest) async throws(EngineError) -> any WebSocketConnection
}

package struct WebSocketRequest: Sendable {
    /// `ws://` or `wss://`.
    package var url: String
    package var headers: [Header]
    package var connectMilliseconds = 10_000
    /// A connection over which nothing comes for so long, not even a ping, is taken for lost; zero: never.
    package var silenceMilliseconds = 90_000
    /// Of one message.
    package var messageLimit = 16 << 20

    package init(url: String, headers: [Header] = []) {
        self.url = url
        self.headers = headers
    }
}

/// A connection. Pings are answered by it; dropping it closes it.
package protocol WebSocketConnection: Sendable {
    /// Queues a message.
    /// - Returns: false when the connection has ended, or too much waits.
    @discardableResult func send(_ message: WebSocketMessage) -> Bool
    /// The next message; nil when the connection has ended.
    func next() async -> WebSocketMessage?
    /// Says goodbye; what was queued before still goes out.
    func close(_ code: Int, _ reason: String)
    /// How it ended, once it has.
    var ending: WebSocketEnding? { get }
}

package enum WebSocketMessage: Sendable, Equatable {
    case text(String), binary([UInt8])
}

package struct WebSocketEnding: Sendable, Equatable {
    /// As RFC 6455 numbers it; 1006 where no goodbye was heard.
    package var code: Int
    package var reason: String

    package init(code: Int, reason: String) {
        self.code = code
        self.reason = reason
    }
}
