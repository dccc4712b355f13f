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
    /// What a person's message brings along.
    package var attachments: [Attachment]
    /// The answer as its maker wants it back.
    package var native: NativeAnswer?

    package init(
        id: MessageID, role: Role, text: String, reasoning: String? = nil, toolCalls: [ToolCall] = [],
        answers: CallID? = nil, interrupted: Bool = false, attachments: [Attachment] = [], native: NativeAnswer? = nil
    ) {
        self.id = id
        self.role = role
        self.text = text
        self.reasoning = reasoning
        self.toolCalls = toolCalls
        self.answers = answers
        self.interrupted = interrupted
        self.attachments = attachments
        self.native = native
    }

    private enum CodingKeys: String, CodingKey {
        case id, role, text, reasoning, toolCalls, answers, interrupted, attachments, native
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try values.decode(MessageID.self, forKey: .id), role: try values.decode(Role.self, forKey: .role),
            text: try values.decode(String.self, forKey: .text),
            reasoning: try values.decodeIfPresent(String.self, forKey: .reasoning),
            toolCalls: try values.decode([ToolCall].self, forKey: .toolCalls),
            answers: try values.decodeIfPresent(CallID.self, forKey: .answers),
            interrupted: try values.decode(Bool.self, forKey: .interrupted),
            attachments: try values.decodeIfPresent([Attachment].self, forKey: .attachments) ?? [],
            native: try values.decodeIfPresent(NativeAnswer.self, forKey: .native))
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(id, forKey: .id)
        try values.encode(role, forKey: .role)
        try values.encode(text, forKey: .text)
        try values.encodeIfPresent(reasoning, forKey: .reasoning)
        try values.encode(toolCalls, forKey: .toolCalls)
        try values.encodeIfPresent(answers, forKey: .answers)
        try values.encode(interrupted, forKey: .interrupted)
        if !attachments.isEmpty { try values.encode(attachments, forKey: .attachments) }
        try values.encodeIfPresent(native, forKey: .native)
    }
}

/// A file that goes to the model with a message.
package struct Attachment: Sendable, Equatable, Codable {
    package var name: String
    /// IANA media type: `image/png`.
    package var mediaType: String
    /// Base64 (RFC 4648, section 4).
    package var data: String

    package init(name: String, mediaType: String, data: String) {
        self.name = name
        self.mediaType = mediaType
        self.data = data
    }
}

/// An answer in the form of the API that gave it. It holds what our own form cannot, such as signed reasoning, and goes
/// back only to the model that it came from.
package struct NativeAnswer: Sendable, Equatable, Codable {
    /// The wire format's name: `anthropic`, `openai-responses`, …
    package var format: String
    package var model: String
    /// Blocks, items or parts, in the format's own words.
    package var items: [JSONValue]

    package init(format: String, model: String, items: [JSONValue]) {
        self.format = format
        self.model = model
        self.items = items
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
    /// True when the person answered in the tool's place.
    package var isMocked: Bool?

    package init(
        call: CallID, tool: String, status: Status, text: String, cutBytes: Int = 0, milliseconds: Int = 0,
        isMocked: Bool? = nil
    ) {
        self.call = call
        self.tool = tool
        self.status = status
        self.text = text
        self.cutBytes = cutBytes
        self.milliseconds = milliseconds
        self.isMocked = isMocked
    }
}

/// Tokens of one model call, in parts that do not overlap.
package struct TokenUsage: Sendable, Equatable, Codable {
    /// Prompt tokens that were neither read from nor written to the vendor's cache.
    package var input: Int
    package var cacheRead: Int
    /// Written to the cache, whatever its life.
    package var cacheWrite: Int
    /// The part of `cacheWrite` that is kept for an hour, which some vendors charge more for.
    package var cacheWriteLong: Int
    /// Tokens of the answer, reasoning included.
    package var output: Int
    /// The part of `output` that was reasoning.
    package var reasoning: Int

    /// Numbers come from servers and files: what no call can have is cut down.
    package static let range = 0...1_000_000_000_000

    package init(
        input: Int = 0, cacheRead: Int = 0, cacheWrite: Int = 0, cacheWriteLong: Int = 0, output: Int = 0,
        reasoning: Int = 0
    ) {
        func bounded(_ number: Int) -> Int { min(max(number, Self.range.lowerBound), Self.range.upperBound) }
        self.input = bounded(input)
        self.cacheRead = bounded(cacheRead)
        self.cacheWrite = bounded(cacheWrite)
        self.cacheWriteLong = min(bounded(cacheWriteLong), self.cacheWrite)
        self.output = bounded(output)
        self.reasoning = bounded(reasoning)
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            input: try values.decode(Int.self, forKey: .input),
            cacheRead: try values.decode(Int.self, forKey: .cacheRead),
            cacheWrite: try values.decode(Int.self, forKey: .cacheWrite),
            cacheWriteLong: try values.decodeIfPresent(Int.self, forKey: .cacheWriteLong) ?? 0,
            output: try values.decode(Int.self, forKey: .output),
            reasoning: try values.decode(Int.self, forKey: .reasoning))
    }

    private enum CodingKeys: String, CodingKey { case input, cacheRead, cacheWrite, cacheWriteLong, output, reasoning }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(input, forKey: .input)
        try values.encode(cacheRead, forKey: .cacheRead)
        try values.encode(cacheWrite, forKey: .cacheWrite)
        if cacheWriteLong > 0 { try values.encode(cacheWriteLong, forKey: .cacheWriteLong) }
        try values.encode(output, forKey: .output)
        try values.encode(reasoning, forKey: .reasoning)
    }

    /// All tokens that were sent.
    package var prompt: Int { input + cacheRead + cacheWrite }

    package static func + (a: Self, b: Self) -> Self {
        TokenUsage(
            input: a.input + b.input, cacheRead: a.cacheRead + b.cacheRead,
            cacheWrite: a.cacheWrite + b.cacheWrite, cacheWriteLong: a.cacheWriteLong + b.cacheWriteLong,
            output: a.output + b.output,
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

    /// A date and time of RFC 3339, with whatever fraction and offset; nil for anything else.
    package init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        func number(_ start: Int, _ count: Int) -> Int? {
            guard start + count <= bytes.count else { return nil }
            return Int(String(decoding: bytes[start..<(start + count)], as: UTF8.self))
        }
        guard bytes.count >= 20, let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2), (1...12).contains(month),
            (1...31).contains(day)
        else { return nil }
        var at = 19
        var milliseconds = 0
        if bytes[at] == UInt8(ascii: ".") {
            let digits = bytes[(at + 1)...].prefix { (0x30...0x39).contains($0) }
            milliseconds = Int((String(decoding: digits, as: UTF8.self) + "000").prefix(3)) ?? 0
            at += 1 + digits.count
        }
        var offset = 0
        if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") {
            guard let hours = number(at + 1, 2), let minutes = number(at + 4, 2) else { return nil }
            offset = (bytes[at] == UInt8(ascii: "-") ? -1 : 1) * (hours * 60 + minutes)
        }
        let minutes = (HTTPDate.days(year, month, day) * 24 + hour) * 60 + minute - offset
        self.init(milliseconds: (minutes * 60 + second) * 1_000 + milliseconds)
    }

    /// RFC 3339, in UTC, to the second.
    package var utcText: String {
        let seconds = milliseconds / 1_000
        let (year, month, day) = HTTPDate.date(days: seconds / 86_400)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let clock = [seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60].map(two).joined(separator: ":")
        return "\(year)-\(two(month))-\(two(day))T\(clock)Z"
    }

    package static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }

    package init(from decoder: any Decoder) throws {
        milliseconds = try decoder.singleValueContainer().decode(Int.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}
