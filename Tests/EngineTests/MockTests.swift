import Engine
import EngineSystem
import Support
import Testing

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
