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
    /// - Parameter progress: how far the tool is, when it says so.
    func call(
        _ call: ToolCall, progress: @escaping @Sendable (ToolProgress) async -> Void
    ) async throws(EngineError) -> ToolAnswer
    func stop() async
}

/// A state of a handler, with all that a model needs to know of its tools.
package struct HandlerUpdate: Sendable, Equatable {
    package var phase: HandlerState.Phase
    package var tools: [ToolDescriptor]
    package var detail: String?

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

    package init(text: String, isError: Bool = false, attributes: JSONObject = JSONObject()) {
        self.text = text
        self.isError = isError
        self.attributes = attributes
    }
}
