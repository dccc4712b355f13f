/// One handler of the tools file at work: a server with its tools, or a single tool.
package protocol ToolHandler: Sendable {
    var name: String { get }
    /// `http`, `mcp/stdio`, `mcp/http`.
    var kindName: String { get }
    /// For one call, in milliseconds.
    var timeout: Int { get }
    /// Connects, lists, and keeps telling: every change of the state or the tools goes to `report`. Never fails: a
    /// server that cannot be reached is a state.
    func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async
    /// - Parameter host: whom the tool can tell how far it is, and ask.
    func call(
        _ call: ToolCall, host: any ToolHost
    ) async throws(EngineError) -> ToolAnswer
    func stop() async
    /// Asks for a sign of life, and changes nothing.
    func probe() async throws(EngineError)
    /// What a call sends, beside what Omnia's runtime would send; nil where nothing is sent.
    func preview(_ call: ToolCall) throws(EngineError) -> CallPreview?
    /// The MCP server behind it, where there is one.
    var server: MCPToolHandler? { get }
}

extension ToolHandler {
    package func probe() async throws(EngineError) {}
    package func preview(_ call: ToolCall) throws(EngineError) -> CallPreview? { nil }
    package var server: MCPToolHandler? { nil }
}

/// A state of a handler, with all that a model needs to know of its tools.
package struct HandlerUpdate: Sendable, Equatable {
    package var phase: HandlerState.Phase
    package var tools: [ToolDescriptor]
    package var detail: String?
    package var prompts: [PromptSummary]?
    package var resources: [ResourceSummary]?

    package init(_ phase: HandlerState.Phase, tools: [ToolDescriptor] = [], detail: String? = nil) {
        self.phase = phase
        self.tools = tools
        self.detail = detail
    }
}

/// What a tool said.
package struct ToolAnswer: Sendable, Equatable {
    package var text: String
    /// The tool itself says that it failed.
    package var isError: Bool
    /// For the trace.
    package var attributes: JSONObject
    /// The answer as JSON, where the tool gives it so.
    package var structured: JSONValue?

    package init(text: String, isError: Bool = false, attributes: JSONObject = JSONObject()) {
        self.text = text
        self.isError = isError
        self.attributes = attributes
    }
}
