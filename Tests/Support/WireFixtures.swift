package import Engine
import EngineSystem

/// Answers of every vendor, under `Tests/Fixtures/providers`.
package enum WireFixtures {
    package struct File: Sendable {
        package var name: String
        package var text: String
    }

    package static let folder = "Tests/Fixtures/providers"

    package static func format(of name: String) -> any WireFormat {
        if name.hasPrefix("anthropic") { return AnthropicMessages() }
        if name.hasPrefix("gemini") { return Gemini() }
        if name.hasPrefix("ollama") { return Ollama() }
        return name.hasPrefix("openai-responses") ? OpenAIResponses() : ChatCompletions()
    }

    /// Every answer that is no refusal.
    package static func streams() throws(EngineError) -> [(File, any WireFormat)] {
        let files = DiskFiles(root: packageRoot)
        var result: [(File, any WireFormat)] = []
        for name in files.list(folder) where !name.contains("-error-429") && !name.hasSuffix(".decoded") {
            let text = String(decoding: try files.read("\(folder)/\(name)"), as: UTF8.self)
            result.append((File(name: name, text: text), format(of: name)))
        }
        return result
    }

    private static func framing(_ name: String) -> StreamFramer.Framing {
        if name.hasSuffix(".ndjson") { return .lines }
        if name.hasSuffix(".frames") { return .frames }
        return name.hasSuffix(".json") ? .whole : .events
    }

    /// What comes of the bytes when they arrive in pieces; neighbouring texts are joined.
    /// - Parameter cuts: where the pieces end.
    package static func decode(
        _ bytes: [UInt8], _ name: String, _ format: any WireFormat, cuts: [Int] = []
    ) -> (events: [ProviderEvent], error: EngineError?) {
        var framer = StreamFramer(framing(name), limit: 1 << 20)
        var reader = AnswerReader(format.decoder(model: "test-model"))
        var failure: EngineError?
        do throws(EngineError) {
            var start = 0
            for end in cuts.filter({ $0 < bytes.count }) + [bytes.count] where end >= start {
                for piece in try framer.feed(Array(bytes[start..<end])) { try reader.take(piece) }
                start = end
            }
            for piece in framer.finish() { try reader.take(piece) }
            try reader.end()
        } catch {
            failure = error
        }
        return (joined(reader.events), failure)
    }

    private static func joined(_ events: [ProviderEvent]) -> [ProviderEvent] {
        events.reduce(into: []) { result, event in
            switch (result.last, event) {
            case (.text(let text)?, .text(let more)): result[result.count - 1] = .text(text + more)
            case (.reasoning(let text)?, .reasoning(let more)):
                result[result.count - 1] = .reasoning(text + more)
            default: result.append(event)
            }
        }
    }

    /// One line an event, for files that people compare.
    package static func picture(_ events: [ProviderEvent], _ error: EngineError?) -> String {
        var lines = events.map { event in
            switch event {
            case .text(let text): "text \(JSONValue.string(text).text)"
            case .reasoning(let text): "reasoning \(JSONValue.string(text).text)"
            case .toolCall(let call): "call \(call.id.rawValue) \(call.tool) \(call.arguments.text)"
            case .usage(let usage): "usage \(JSONValue(encoding: usage).text)"
            case .cost(let cost): "cost \(cost.text)"
            case .native(let native):
                "native \(native.format)\n" + native.items.map { "    \($0.text)" }.joined(separator: "\n")
            case .note(let name, let value): "note \(name) \(value.text)"
            case .warning(let text): "warning \(text)"
            case .finished(let reason): "finished \(reason.rawValue)"
            case .retrying, .answering, .wire: "\(event)"
            }
        }
        if let error { lines.append("error \(error.code.rawValue): \(error.message)") }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// Frames of AWS's event stream, as Bedrock sends them.
package enum AmazonFrames {
    /// Each text as the payload's `bytes`.
    package static func encode(_ payloads: [String]) -> [UInt8] {
        payloads.flatMap { text -> [UInt8] in
            let value: JSONValue = ["bytes": .string(Encodings.base64([UInt8](text.utf8)))]
            let payload = value.bytes
            // One header, `:event-type: chunk`, as a string (type 7).
            let name = [UInt8](":event-type".utf8)
            let headers = [UInt8(name.count)] + name + [7, 0, 5] + [UInt8]("chunk".utf8)
            let lengths = number(16 + headers.count + payload.count) + number(headers.count)
            let start = lengths + number(Int(StreamFramer.crc32(lengths))) + headers + payload
            return start + number(Int(StreamFramer.crc32(start)))
        }
    }

    private static func number(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
