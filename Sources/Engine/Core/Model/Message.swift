/// One message of a conversation.
package struct Message: Sendable, Equatable, Codable {
    package enum Role: String, Sendable, Codable { case user, assistant, tool, system }

    package var id: MessageID
    package var role: Role
    package var text: String
    /// What the model thought aloud, where it says so. Not part of the answer.
    package var reasoning: String?
    /// What an assistant's message asks for.
    package var toolCalls: [ToolCall]
    /// For a tool's message: the call that it answers.
    package var answers: CallID?
    /// True when the answer stopped before its end: cancelled, crashed, or the stream broke.
    package var interrupted: Bool

    package init(
        id: MessageID, role: Role, text: String, reasoning: String? = nil, toolCalls: [ToolCall] = [],
        answers: CallID? = nil, interrupted: Bool = false
    ) {
        self.id = id
        self.role = role
        self.text = text
        self.reasoning = reasoning
        self.toolCalls = toolCalls
        self.answers = answers
        self.interrupted = interrupted
    }
}

/// A model's wish to run a tool.
package struct ToolCall: Sendable, Equatable, Codable {
    package var id: CallID
    package var tool: String
    /// The arguments as JSON; a text where the model wrote something that is not JSON.
    package var arguments: JSONValue

    package init(id: CallID, tool: String, arguments: JSONValue) {
        self.id = id
        self.tool = tool
        self.arguments = arguments
    }
}

/// How a tool call ended.
package struct ToolOutcome: Sendable, Equatable, Codable {
    package enum Status: String, Sendable, Codable {
        case ok
        /// The tool ran and says that it failed, or could not be run.
        case failed
        /// The person, or a policy, said no.
        case denied
        case cancelled
    }

    package var call: CallID
    package var tool: String
    package var status: Status
    /// What the model is told.
    package var text: String
    /// Bytes that the tool gave beyond what the model is told; zero when nothing was cut.
    package var cutBytes: Int
    package var milliseconds: Int

    package init(
        call: CallID, tool: String, status: Status, text: String, cutBytes: Int = 0, milliseconds: Int = 0
    ) {
        self.call = call
        self.tool = tool
        self.status = status
        self.text = text
        self.cutBytes = cutBytes
        self.milliseconds = milliseconds
    }
}

/// Tokens of one model call, in parts that do not overlap.
package struct TokenUsage: Sendable, Equatable, Codable {
    /// Prompt tokens that were neither read from nor written to the vendor's cache.
    package var input: Int
    package var cacheRead: Int
    package var cacheWrite: Int
    /// Tokens of the answer, reasoning included.
    package var output: Int
    /// The part of `output` that was reasoning.
    package var reasoning: Int

    /// Numbers come from servers and files: what no call can have is cut down.
    package static let range = 0...1_000_000_000_000

    package init(input: Int = 0, cacheRead: Int = 0, cacheWrite: Int = 0, output: Int = 0, reasoning: Int = 0) {
        func bounded(_ number: Int) -> Int { min(max(number, Self.range.lowerBound), Self.range.upperBound) }
        self.input = bounded(input)
        self.cacheRead = bounded(cacheRead)
        self.cacheWrite = bounded(cacheWrite)
        self.output = bounded(output)
        self.reasoning = bounded(reasoning)
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            input: try values.decode(Int.self, forKey: .input),
            cacheRead: try values.decode(Int.self, forKey: .cacheRead),
            cacheWrite: try values.decode(Int.self, forKey: .cacheWrite),
            output: try values.decode(Int.self, forKey: .output),
            reasoning: try values.decode(Int.self, forKey: .reasoning))
    }

    /// All tokens that were sent.
    package var prompt: Int { input + cacheRead + cacheWrite }

    package static func + (a: Self, b: Self) -> Self {
        TokenUsage(
            input: a.input + b.input, cacheRead: a.cacheRead + b.cacheRead,
            cacheWrite: a.cacheWrite + b.cacheWrite, output: a.output + b.output,
            reasoning: a.reasoning + b.reasoning)
    }
}

/// Where a number comes from.
package enum NumberSource: String, Sendable, Codable {
    /// The provider said so.
    case reported
    /// Counted here, because the provider said nothing.
    case estimated
}

/// Milliseconds since 1970, UTC.
package struct Timestamp: Hashable, Comparable, Sendable, Codable {
    package var milliseconds: Int

    package init(milliseconds: Int) { self.milliseconds = milliseconds }

    package static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }

    package init(from decoder: any Decoder) throws {
        milliseconds = try decoder.singleValueContainer().decode(Int.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}
