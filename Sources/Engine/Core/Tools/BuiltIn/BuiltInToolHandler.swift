/// Tools that are part of this program.
package struct BuiltInToolHandler: ToolHandler {
    package let name: String
    package var kindName: String { "built-in" }
    package let timeout: Int
    private let tools: [BuiltInTool]
    private let detail: String
    /// Why they cannot be used; nil when they can.
    private let objection: EngineError?

    package init(
        name: String, timeout: Int, tools: [BuiltInTool], detail: String, objection: EngineError? = nil
    ) {
        self.name = name
        self.timeout = timeout
        self.tools = tools
        self.detail = detail
        self.objection = objection
    }

    package func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        if let objection { return await report(HandlerUpdate(.failed, detail: objection.description)) }
        await report(HandlerUpdate(.ready, tools: tools.map(\.descriptor), detail: detail))
    }

    package func stop() async {}

    package func call(_ call: ToolCall, host: any ToolHost) async throws(EngineError) -> ToolAnswer {
        if let objection { throw objection }
        guard let tool = tools.first(where: { $0.descriptor.name == call.tool }) else {
            throw EngineError(.notFound, "there is no tool '\(call.tool)'")
        }
        return try await tool.run(BuiltInCall(id: call.id, arguments: call.arguments.object ?? [:], host: host))
    }
}

/// One tool with what it does.
package struct BuiltInTool: Sendable {
    package var descriptor: ToolDescriptor
    package var run: @Sendable (BuiltInCall) async throws(EngineError) -> ToolAnswer

    /// - Parameter properties: of the arguments' schema.
    init(
        _ name: String, _ description: String, _ properties: JSONObject, required: [String] = [], readOnly: Bool = true,
        run: @escaping @Sendable (BuiltInCall) async throws(EngineError) -> ToolAnswer
    ) {
        descriptor = ToolDescriptor(
            name: name, description: description,
            inputSchema: [
                "type": "object", "properties": .object(properties), "required": .array(required.map { .string($0) }),
                "additionalProperties": false,
            ], readOnly: readOnly)
        self.run = run
    }
}

package struct BuiltInCall: Sendable {
    let id: CallID
    let arguments: JSONObject
    let host: any ToolHost

    func text(_ name: String) -> String { arguments[name]?.string ?? "" }
    func number(_ name: String, _ standard: Int) -> Int { arguments[name]?.int ?? standard }
}

/// The shapes of arguments.
enum Argument {
    static func text(_ description: String) -> JSONValue {
        ["type": "string", "description": .string(description)]
    }

    static func number(_ description: String, _ range: ClosedRange<Int>) -> JSONValue {
        [
            "type": "integer", "description": .string(description), "minimum": .int(range.lowerBound),
            "maximum": .int(range.upperBound),
        ]
    }

    static func word(_ description: String, _ words: [String]) -> JSONValue {
        ["type": "string", "description": .string(description), "enum": .array(words.map { .string($0) })]
    }
}
