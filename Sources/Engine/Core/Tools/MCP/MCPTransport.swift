/// Carries JSON-RPC messages to one MCP server and back.
package protocol MCPTransport: Sendable {
    /// Begins. `incoming` gets what is no answer to a request of ours: notifications, and requests of the server,
    /// whose answer it returns.
    func open(incoming: @escaping @Sendable (JSONValue) async -> JSONValue?) async throws(EngineError)
    /// Sends a request and returns the message that answers it, which may hold an error. Cancelling the task gives
    /// the request up.
    func exchange(_ request: MCPOutgoing) async throws(EngineError) -> JSONValue
    func notify(_ message: JSONValue, context: MCPContext) async throws(EngineError)
    /// For servers that speak on a stream of their own: reads it until it ends. Returns at once where there is none.
    func listen(context: MCPContext) async
    func close() async
    /// The server's last words, for people.
    var lastWords: String? { get }
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

package enum MCPVersions {
    package static let modern = ["2026-07-28"]
    /// Newest first.
    package static let legacy = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]
}
