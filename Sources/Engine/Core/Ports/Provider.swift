/// Something that answers as a model does.
package protocol Provider: Sendable {
    /// What the files and the screen call it.
    var name: String { get }
    var model: String { get }
    /// True when it only plays a model.
    var isMock: Bool { get }
    /// Nil when the model's price is not known.
    var price: PriceTable.Found? { get }
    /// The wire format whose native answers it takes back; nil when it has none.
    var nativeFormat: String? { get }
    /// Asks, and hands the answer over as it comes: deltas, calls, the usage, the end. Throws when the answer
    /// breaks off; what was handed over before stands.
    /// - Parameter emit: called in order; suspends while the reader is behind, which holds back the sender.
    func respond(to request: ProviderRequest, emit: @Sendable ([ProviderEvent]) async -> Void) async throws(EngineError)
}

extension ProviderRequest {
    /// About how many tokens are sent. An image counts as a thousand.
    package var estimatedTokens: Int {
        TokenEstimate.tokens(system)
            + messages.reduce(0) { sum, message in
                sum + TokenEstimate.tokens(message.text) + 4 + message.attachments.count * 1_000
                    + message.toolCalls.reduce(0) { $0 + TokenEstimate.tokens($1.arguments.text) }
            }
            + tools.reduce(0) { $0 + TokenEstimate.tokens($1.inputSchema.text + $1.description) }
    }
}

extension Provider {
    package var price: PriceTable.Found? { nil }
    package var nativeFormat: String? { nil }
    package var identity: ProviderIdentity {
        ProviderIdentity(name: name, model: model, isMock: isMock, price: price)
    }
}

/// Who answers.
package struct ProviderIdentity: Sendable, Equatable {
    package var name: String
    package var model: String
    package var isMock: Bool
    package var price: PriceTable.Found?

    package init(name: String, model: String, isMock: Bool = false, price: PriceTable.Found? = nil) {
        self.name = name
        self.model = model
        self.isMock = isMock
        self.price = price
    }
}

package struct ProviderRequest: Sendable, Equatable {
    package var system: String
    package var messages: [Message]
    package var tools: [ToolDescriptor]
    package var toolChoice: ToolChoice
    package var parameters: ModelParameters
    /// The step of a composition that asks; a mock answers by it.
    package var step: String?
    /// The JSON Schema that the answer has to fit. A provider that knows how asks its model for it; the engine checks
    /// the answer in any case.
    package var outputSchema: JSONValue?

    package init(
        system: String, messages: [Message], tools: [ToolDescriptor] = [], toolChoice: ToolChoice = .auto,
        parameters: ModelParameters = ModelParameters(), step: String? = nil
    ) {
        self.system = system
        self.messages = messages
        self.tools = tools
        self.toolChoice = toolChoice
        self.parameters = parameters
        self.step = step
    }
}

package enum ToolChoice: String, Sendable, Equatable { case auto, required, none }

/// A tool as a model is told of it.
package struct ToolDescriptor: Sendable, Equatable {
    package var name: String
    package var description: String
    package var inputSchema: JSONValue
    /// Whether the tool is known to change nothing. An untrusted hint where it comes from a server.
    package var readOnly: Bool
    /// What its answers fit, where it says so.
    package var outputSchema: JSONValue?
    /// For people.
    package var title: String?
    /// MCP's annotations: hints, not to be trusted.
    package var hints: JSONValue?

    package init(name: String, description: String, inputSchema: JSONValue, readOnly: Bool) {
        self.name = name
        self.description = description
        self.inputSchema = inputSchema
        self.readOnly = readOnly
    }
}

package enum ProviderEvent: Sendable, Equatable {
    case text(String)
    case reasoning(String)
    case toolCall(ToolCall)
    case usage(TokenUsage)
    /// What the server says that the call cost.
    case cost(Money)
    /// The whole answer in its maker's form, where that holds more than ours.
    case native(NativeAnswer)
    /// What the wire said about itself: status, request id, rate limits. For the trace.
    case note(String, JSONValue)
    /// Something of the request could not be sent, or was sent differently.
    case warning(String)
    /// A try failed; another one follows after a pause.
    case retrying(ModelRetry)
    /// Another provider than the first one answers.
    case answering(ProviderIdentity)
    /// What went over the network, so far.
    case wire(WireExchange)
    case finished(StopReason)
}

package enum StopReason: String, Sendable, Equatable { case stop, length, toolCalls = "tool_calls", filtered }
