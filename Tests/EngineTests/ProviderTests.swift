import Engine
import EngineSystem
import Support
import Testing

@Suite struct OpenAIStreamTests {
    private func decode(_ name: String, chunk: Int) throws -> [ProviderEvent] {
        let text = try #require(readText("Tests/Fixtures/openai/\(name).sse"))
        let bytes = Array(text.utf8)
        var parser = ServerSentEventParser()
        var decoder = ChatStreamDecoder()
        var events: [ProviderEvent] = []
        var start = 0
        while start < bytes.count {
            for event in try parser.feed(Array(bytes[start..<min(start + chunk, bytes.count)])) {
                if event.data == Array("[DONE]".utf8) { continue }
                events += try decoder.decode(event.data)
            }
            start += chunk
        }
        return Self.joined(events + decoder.finish())
    }

    /// Pieces of text come as the network cut them.
    private static func joined(_ events: [ProviderEvent]) -> [ProviderEvent] {
        events.reduce(into: []) { result, event in
            if case .text(let more) = event, case .text(let text)? = result.last {
                result[result.count - 1] = .text(text + more)
            } else {
                result.append(event)
            }
        }
    }

    @Test(arguments: ["openai-chat-text", "openai-chat-tools", "openai-compatible-reasoning-openrouter"])
    func theResultDoesNotDependOnThePieces(name: String) throws {
        let whole = try decode(name, chunk: .max >> 1)
        for chunk in [1, 2, 3, 7, 64, 1_000] { #expect(try decode(name, chunk: chunk) == whole) }
        #expect(whole.contains { if case .usage = $0 { true } else { false } })
    }

    @Test func toolCallsComeWhole() throws {
        let calls = try decode("openai-chat-tools", chunk: 5).compactMap {
            if case .toolCall(let call) = $0 { call } else { nil }
        }
        #expect(calls.count >= 1)
        #expect(calls.first?.tool == "get_weather")
        #expect(calls.first?.arguments["city"] == "Oslo")
    }

    @Test func anErrorInTheStreamIsAnError() {
        #expect(throws: EngineError.self) { try decode("openai-chat-midstream-error", chunk: 11) }
    }
}

@Suite struct MockTests {
    private func script(_ yaml: String) throws -> MockScript {
        let document = try #require(LibYAMLReader().read(Array(yaml.utf8), file: "x.mock.yaml").value)
        let loaded = MockScriptLoader.load(document, patterns: PCREPatternCompiler())
        #expect(loaded.diagnostics.isEmpty)
        return try #require(loaded.value)
    }

    private func play(_ yaml: String, scenario: String? = nil, say texts: [String], handlers: [any ToolHandler] = [])
        async throws -> [String]
    {
        let provider = MockProvider(script: try script(yaml), scenario: scenario, clock: SystemClock())
        let harness = Harness(provider, handlers: handlers)
        var answers: [String] = []
        for text in texts { answers += try await harness.say(text).messages.filter { !$0.text.isEmpty }.map(\.text) }
        return answers
    }

    private let weather = FakeHandler(
        "w", tools: [Harness.tool("weather", schema: ["type": "object", "properties": ["days": ["type": "integer"]]])]
    ) {
        call throws(EngineError) in
        guard call.arguments["days"]?.int != nil else { throw EngineError(.invalidInput, "no days") }
        if call.arguments["city"] == "Atlantis" { throw EngineError(.notFound, "it sank") }
        return ToolAnswer(text: #"{"days": [{"sky": "blue"}, {"sky": "grey"}]}"#)
    }

    @Test func rulesCallToolsWithCapturesAndQuoteTheirResults() async throws {
        let yaml = """
            rules:
              - when: 'weather in (\\w+) for (\\d+)'
                calls: [{name: weather, arguments: {city: $1, days: $2}}]
                then: 'In $1 it will be ${weather.days.1.sky}'
                failed: 'No: ${error}'
            default_response: what?
            """
        let answers = try await play(
            yaml, say: ["Weather in Oslo for 3", "WEATHER in Atlantis for 3", "hm"], handlers: [weather])
        #expect(answers[0] == "In Oslo it will be grey" || answers[0].contains("grey"))
        #expect(answers[1] == "No: it sank")
        #expect(answers[2] == "what?")
    }

    @Test func aPromptArenaFileIsPlayedTurnByTurn() async throws {
        let yaml = """
            default_response: none
            scenarios:
              chat:
                turns:
                  1: hello
                  2: {response: again}
            """
        #expect(try await play(yaml, scenario: "chat", say: ["a", "b", "c"]) == ["hello", "again", "none"])
    }

    @Test func aMistakeInAPatternHasItsPlace() throws {
        let document = try #require(
            LibYAMLReader().read(Array("rules:\n  - when: '(a'\n    say: x\n".utf8), file: "m.yaml").value)
        let loaded = MockScriptLoader.load(document, patterns: PCREPatternCompiler())
        #expect(loaded.value == nil)
        #expect(
            loaded.diagnostics.first?.description.hasPrefix("m.yaml:2:11: error: the pattern '(a' cannot be read")
                == true)
    }
}
