/// What went between the program and the world: a file `recording.jsonl`, one fact a line, in the order in which they
/// ended. It can be played back without any network.
package struct Recording: Sendable {
    package static let version = 1
    package static let fileName = "recording.jsonl"

    /// The first line.
    package struct Head: Sendable, Equatable, Codable {
        package var version: Int
        package var program: String
        package var made: Timestamp
        /// `recording`, or `session` when it was made from a stored one.
        package var origin: String

        package init(made: Timestamp, origin: String) {
            version = Recording.version
            program = ProgramInfo.version
            self.made = made
            self.origin = origin
        }
    }

    /// A handler and what it offered.
    package struct Handler: Sendable, Equatable, Codable {
        package var name: String
        package var kind: String
        package var tools: [ToolSummary]

        package init(name: String, kind: String, tools: [ToolSummary]) {
            self.name = name
            self.kind = kind
            self.tools = tools
        }
    }

    /// A tool's call and what came of it.
    package struct Call: Sendable, Equatable, Codable {
        package var handler: String
        package var tool: String
        package var arguments: JSONValue
        /// What the tool said; nil when it could not be called.
        package var text: String?
        package var isError: Bool
        package var error: ErrorInfo?
        package var milliseconds: Int

        package init(
            handler: String, tool: String, arguments: JSONValue, text: String?, isError: Bool = false,
            error: ErrorInfo? = nil, milliseconds: Int
        ) {
            self.handler = handler
            self.tool = tool
            self.arguments = arguments
            self.text = text
            self.isError = isError
            self.error = error
            self.milliseconds = milliseconds
        }
    }

    /// A question to a model and its answer, without a wire: of a mock, or of a stored session.
    package struct Answer: Sendable, Equatable, Codable {
        package var provider: String
        package var model: String
        package var system: String
        package var messages: [Message]
        package var text: String
        package var reasoning: String
        package var calls: [ToolCall]
        package var usage: TokenUsage?
        package var stop: String
        package var error: ErrorInfo?
        package var milliseconds: Int

        package init(
            provider: String, model: String, system: String, messages: [Message], text: String, reasoning: String,
            calls: [ToolCall], usage: TokenUsage?, stop: StopReason, error: ErrorInfo? = nil, milliseconds: Int
        ) {
            self.provider = provider
            self.model = model
            self.system = system
            self.messages = messages
            self.text = text
            self.reasoning = reasoning
            self.calls = calls
            self.usage = usage
            self.stop = stop.rawValue
            self.error = error
            self.milliseconds = milliseconds
        }
    }

    package enum Fact: Sendable, Equatable {
        case head(Head)
        case handler(Handler)
        case exchange(WireExchange)
        case answer(Answer)
        case call(Call)

        /// One line.
        package var json: JSONValue {
            func line(_ kind: String, _ payload: some Encodable) -> JSONValue {
                ["kind": .string(kind), "data": JSONValue(encoding: payload)]
            }
            return switch self {
            case .head(let payload): line("recording", payload)
            case .handler(let payload): line("handler", payload)
            case .exchange(let payload): line("exchange", payload)
            case .answer(let payload): line("answer", payload)
            case .call(let payload): line("tool", payload)
            }
        }

        /// - Returns: nil for a kind of a newer version.
        init?(json: JSONValue) throws {
            guard let data = json["data"] else { return nil }
            switch json["kind"]?.string {
            case "recording": self = .head(try data.decoded())
            case "handler": self = .handler(try data.decoded())
            case "exchange": self = .exchange(try data.decoded())
            case "answer": self = .answer(try data.decoded())
            case "tool": self = .call(try data.decoded())
            default: return nil
            }
        }
    }

    package var head: Head?
    package var handlers: [Handler] = []
    package var exchanges: [WireExchange] = []
    package var answers: [Answer] = []
    package var calls: [Call] = []

    package init() {}

    package mutating func add(_ fact: Fact) {
        switch fact {
        case .head(let head): self.head = head
        case .handler(let handler):
            handlers.removeAll { $0.name == handler.name }
            handlers.append(handler)
        case .exchange(let exchange): exchanges.append(exchange)
        case .answer(let answer): answers.append(answer)
        case .call(let call): calls.append(call)
        }
    }

    /// - Throws: `invalidInput` with the line for what is no recording.
    package static func read(_ bytes: [UInt8], file: String) throws(EngineError) -> Recording {
        var recording = Recording()
        for (index, line) in bytes.split(separator: 0x0A).enumerated() {
            let fact: Fact?
            do {
                fact = try Fact(json: try JSONParser.parse(Array(line)))
            } catch {
                throw EngineError(.invalidInput, "\(file):\(index + 1): this line is no fact of a recording")
            }
            if let fact { recording.add(fact) }
            if index == 0, recording.head?.version != version {
                throw EngineError(
                    .invalidInput, "\(file) is no recording of this program's version",
                    hint: "--record DIR and 'sessions export ID --format recording' make one")
            }
        }
        return recording
    }
}
