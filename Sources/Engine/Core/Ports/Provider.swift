/// Something that answers as a model does.
package protocol Provider: Sendable {
    /// What the files and the screen call it.
    var name: String { get }
    var model: String { get }
    /// True when it only plays a model.
    var isMock: Bool { get }
    /// Asks, and hands the answer over as it comes: deltas, calls, the usage, the end. Throws when the answer
    /// breaks off; what was handed over before stands.
    /// - Parameter emit: called in order; suspends while the reader is behind, which holds back the sender.
    func respond(to request: ProviderRequest, emit: @Sendable ([ProviderEvent]) async -> Void) async throws(EngineError)
}

package struct ProviderRequest: Sendable, Equatable {
    package var system: String
    package var messages: [Message]
    package var tools: [ToolDescriptor]
    package var toolChoice: ToolChoice
    package var parameters: ModelParameters
    /// The step of a composition that asks; a mock answers by it.
    package var step: String?

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

/// Sampling parameters; nil leaves the provider's default.
package struct ModelParameters: Sendable, Equatable {
    package var temperature: Double?
    package var maxTokens: Int?
    package var topP: Double?
    package var topK: Int?
    package var frequencyPenalty: Double?
    package var presencePenalty: Double?

    package init(
        temperature: Double? = nil, maxTokens: Int? = nil, topP: Double? = nil, topK: Int? = nil,
        frequencyPenalty: Double? = nil, presencePenalty: Double? = nil
    ) {
        self.temperature = temperature
        self.maxTokens = maxTokens
        self.topP = topP
        self.topK = topK
        self.frequencyPenalty = frequencyPenalty
        self.presencePenalty = presencePenalty
    }

    /// These values, and where one is missing, the other's.
    package func over(_ other: Self) -> Self {
        Self(
            temperature: temperature ?? other.temperature, maxTokens: maxTokens ?? other.maxTokens,
            topP: topP ?? other.topP, topK: topK ?? other.topK,
            frequencyPenalty: frequencyPenalty ?? other.frequencyPenalty,
            presencePenalty: presencePenalty ?? other.presencePenalty)
    }
}

/// A tool as a model is told of it.
package struct ToolDescriptor: Sendable, Equatable {
    package var name: String
    package var description: String
    package var inputSchema: JSONValue
    /// Whether the tool is known to change nothing. An untrusted hint where it comes from a server.
    package var readOnly: Bool

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
    /// What the wire said about itself: status, request id, rate limits. For the trace.
    case note(String, JSONValue)
    /// A try failed and another one follows after a pause.
    case retrying(attempt: Int, milliseconds: Int, reason: String)
    case finished(StopReason)
}

package enum StopReason: String, Sendable, Equatable { case stop, length, toolCalls = "tool_calls", filtered }
