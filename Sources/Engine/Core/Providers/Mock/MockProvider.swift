/// Plays a model from a script, so that everything else runs for real without a key or a network.
///
/// It keeps no state: what it says follows from the messages that it is sent. It decides only what a model would
/// decide; the tools that it calls run for real.
package struct MockProvider: Provider {
    package let name: String
    package let model: String
    package var isMock: Bool { true }
    private let script: MockScript
    private let scenario: String?
    package let price: PriceTable.Found?
    private let clock: any EngineClock

    package init(
        name: String = "mock", model: String = "mock", script: MockScript, scenario: String? = nil,
        price: PriceTable.Found? = nil, clock: any EngineClock
    ) {
        self.name = name
        self.model = model
        self.script = script
        self.scenario = scenario
        self.price = price
        self.clock = clock
    }

    package func respond(
        to request: ProviderRequest, emit: @Sendable ([ProviderEvent]) async -> Void
    ) async throws(EngineError) {
        let answer = answer(to: request)
        try await stream(answer.text, emit)
        let calls = request.toolChoice == .none ? [] : answer.calls
        if !calls.isEmpty { await emit(calls.map { .toolCall($0) }) }
        await emit([.usage(usage(request, answer)), .finished(calls.isEmpty ? .stop : .toolCalls)])
    }

    private struct Answer {
        var text: String
        var calls: [ToolCall]
    }

    private func answer(to request: ProviderRequest) -> Answer {
        if let played = played {
            if let step = request.step.flatMap({ played.steps[$0] }) {
                return Answer(text: step.text, calls: calls(of: step, captures: [], in: request))
            }
            return turn(of: played, in: request)
        }
        let lastUser = request.messages.lastIndex { $0.role == .user } ?? 0
        let words = request.messages.isEmpty ? "" : request.messages[lastUser].text
        for rule in script.rules {
            guard let captures = rule.when.firstMatch(in: words) else { continue }
            return rounds(of: rule.step, captures: captures, after: lastUser, in: request)
        }
        let names = script.scenarios.keys.sorted()
        let text =
            script.standard
            ?? (names.isEmpty
                ? nil : "This mock plays scenarios; choose one with `--scenario`: " + names.joined(separator: ", "))
            ?? "I am the mock provider: I only say what a script tells me. "
            + "Name a real model with `--provider openai --model NAME`, or give me a script."
        return Answer(text: text, calls: [])
    }

    /// The scenario that was chosen; without a choice, the one called `default`, or the only one there is.
    private var played: MockScript.Scenario? {
        if let scenario { return script.scenarios[scenario] }
        guard script.rules.isEmpty else { return nil }
        return script.scenarios["default"] ?? (script.scenarios.count == 1 ? script.scenarios.values.first : nil)
    }

    private func turn(of scenario: MockScript.Scenario, in request: ProviderRequest) -> Answer {
        let number = MockScript.turnNumber(request.messages)
        guard let step = scenario.turns[number] else {
            return Answer(
                text: scenario.standard ?? script.standard ?? "Mock response for provider \(name) model \(model)",
                calls: [])
        }
        return Answer(text: step.text, calls: calls(of: step, captures: [], in: request))
    }

    /// Walks a rule's steps along the tool rounds that have happened since the person spoke.
    private func rounds(
        of first: MockScript.Step, captures: [String?], after lastUser: Int, in request: ProviderRequest
    ) -> Answer {
        var step = first
        var results: [String: JSONValue] = [:]
        let since = request.messages[(lastUser + 1)...]
        for message in since where message.role == .assistant && !message.toolCalls.isEmpty {
            var failure: String?
            for call in message.toolCalls {
                guard let result = since.first(where: { $0.answers == call.id }) else { continue }
                let value = (try? JSONParser.parse(result.text)) ?? .string(result.text)
                results[call.tool] = value
                if result.text.hasPrefix("Error: ") { failure = String(result.text.dropFirst(7)) }
            }
            let next: MockScript.Next
            if let failure {
                results["error"] = .string(failure)
                next = step.failed
                if case .end = next { return Answer(text: "That did not work: \(failure)", calls: []) }
            } else {
                next = step.then
            }
            guard case .step(let following) = next else { return Answer(text: "Done.", calls: []) }
            step = following
        }
        return Answer(
            text: MockText.fill(step.text, captures: captures, results: results),
            calls: calls(of: step, captures: captures, in: request))
    }

    private func calls(of step: MockScript.Step, captures: [String?], in request: ProviderRequest) -> [ToolCall] {
        let before = request.messages.reduce(0) { $0 + $1.toolCalls.count }
        return step.calls.enumerated().map { index, call in
            let schema = request.tools.first { $0.name == call.tool }?.inputSchema["properties"]
            return ToolCall(
                id: CallID("call_\(before + index + 1)"), tool: call.tool,
                arguments: MockText.fill(call.arguments, schema: schema, captures: captures))
        }
    }

    /// Streams at the script's pace: ten pieces a second at the least, words never cut.
    private func stream(_ text: String, _ emit: @Sendable ([ProviderEvent]) async -> Void) async throws(EngineError) {
        guard !text.isEmpty else { return }
        guard script.pace > 0 else { return await emit([.text(text)]) }
        for piece in MockText.pieces(text, of: max(1, script.pace / 30)) {
            do throws(CancellationError) {
                try await clock.sleep(milliseconds: piece.count * 1_000 / script.pace)
            } catch {
                throw EngineError(.cancelled, "cancelled")
            }
            await emit([.text(piece)])
        }
    }

    private func usage(_ request: ProviderRequest, _ answer: Answer) -> TokenUsage {
        let output =
            TokenEstimate.tokens(answer.text)
            + answer.calls.reduce(0) { $0 + TokenEstimate.tokens($1.arguments.text) + 8 }
        return TokenUsage(input: request.estimatedTokens, output: output)
    }
}

/// The small template language of a mock's texts: `$1` is a capture, `${tool.path}` a part of a tool's result,
/// `${error}` why a call failed.
enum MockText {
    static func fill(_ text: String, captures: [String?], results: [String: JSONValue]) -> String {
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "{", let close = rest.firstIndex(of: "}") {
                let path = rest[rest.index(after: rest.startIndex)..<close]
                result += value(at: path, in: results)
                rest = rest[rest.index(after: close)...]
            } else if let digit = rest.first, let number = digit.wholeNumberValue {
                result += captures.indices.contains(number) ? captures[number] ?? "" : ""
                rest = rest.dropFirst()
            } else {
                result += "$"
            }
        }
        return result + rest
    }

    private static func value(at path: Substring, in results: [String: JSONValue]) -> String {
        let parts = path.split(separator: ".").map(String.init)
        guard let first = parts.first, var value = results[first] else { return "(no result)" }
        for part in parts.dropFirst() {
            guard let next = Int(part).flatMap({ value[$0] }) ?? value[part] else { return "(no \(part))" }
            value = next
        }
        return value.scalarText ?? value.text
    }

    /// Fills the texts inside arguments. A text that is one capture alone takes the type that the schema asks for.
    static func fill(_ value: JSONValue, schema: JSONValue?, captures: [String?]) -> JSONValue {
        switch value {
        case .string(let text):
            let filled = fill(text, captures: captures, results: [:])
            let type = schema?["type"]?.string
            if type == "integer" || type == "number", Double(filled) != nil {
                return .number(JSONNumber(filled))
            }
            return .string(filled)
        case .object(let object):
            return .object(
                JSONObject(object.map { ($0, fill($1, schema: schema?[$0], captures: captures)) }))
        case .array(let items):
            return .array(items.map { fill($0, schema: schema?["items"], captures: captures) })
        case .null, .bool, .number: return value
        }
    }

    /// Pieces of at least `size` characters that end at spaces.
    static func pieces(_ text: String, of size: Int) -> [String] {
        var pieces: [String] = []
        var piece = ""
        for character in text {
            piece.append(character)
            if piece.count >= size, character.isWhitespace {
                pieces.append(piece)
                piece = ""
            }
        }
        if !piece.isEmpty { pieces.append(piece) }
        return pieces
    }
}
