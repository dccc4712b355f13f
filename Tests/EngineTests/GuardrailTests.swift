import Engine
import EngineSystem
import Support
import Testing

@Suite struct GuardrailTests {
    private func prompt(_ validators: [ValidatorSpec], evals: [EvalSpec] = []) -> Prompt {
        var prompt = Harness.prompt()
        prompt.validators = validators
        prompt.evals = evals
        return prompt
    }

    private let words = ValidatorSpec(
        type: "banned_words", failOnViolation: true, message: "Not that.", params: ["words": ["secret sauce"]])

    /// An answer that comes in pieces of so many characters.
    private func pieces(_ text: String, of size: Int) -> [ScriptedProvider.Step] {
        var rest = Substring(text)
        var events: [ProviderEvent] = []
        while !rest.isEmpty {
            events.append(.text(String(rest.prefix(size))))
            rest = rest.dropFirst(size)
        }
        return [.events(events + [.usage(TokenUsage(input: 7, output: 9)), .finished(.stop)])]
    }

    @Test(arguments: [1, 2, 3, 5, 7, 100])
    func whatIsForbiddenIsNeverShown(size: Int) async throws {
        let provider = ScriptedProvider([pieces("Well, the Secret Sauce is mayonnaise and more.", of: size)])
        let events = try await Harness(provider, prompt: prompt([words])).say("hi")
        #expect(events.messages.map(\.text) == ["Not that."])
        #expect(events.reason == .guarded)
        #expect("Well, the ".hasPrefix(events.shown))
        #expect(events.fired.map(\.action) == [.blocked])
        // The stream is read to its end, because the usage comes last.
        #expect(events.usage.map(\.usage.output) == [9])
    }

    @Test(arguments: [1, 4, 100])
    func wordsInsideOthersAreNotWords(size: Int) async throws {
        let rule = ValidatorSpec(type: "banned_words", failOnViolation: true, params: ["words": ["ass"]])
        let text = "A class of assets passes."
        let events = try await Harness(ScriptedProvider([pieces(text, of: size)]), prompt: prompt([rule])).say("hi")
        #expect(events.messages.map(\.text) == [text])
        #expect(events.shown == text)
        #expect(events.reason == .completed)
    }

    @Test func withoutFailOnViolationItOnlyRecords() async throws {
        var rule = words
        rule.failOnViolation = nil
        let provider = ScriptedProvider([pieces("The secret sauce.", of: 3)])
        let events = try await Harness(provider, prompt: prompt([rule])).say("hi")
        #expect(events.messages.map(\.text) == ["The secret sauce."])
        #expect(events.fired.map(\.action) == [.recorded])
        #expect(events.reason == .completed)
    }

    @Test func whatWasSaidBeforeIsNotJudgedAgain() async throws {
        var rule = words
        rule.failOnViolation = nil
        let provider = ScriptedProvider([pieces("The secret sauce.", of: 3), pieces("Fine.", of: 3)])
        let harness = Harness(provider, prompt: prompt([rule]))
        #expect(try await harness.say("hi").fired.count == 1)
        #expect(try await harness.say("hi").fired.isEmpty)
    }

    @Test func promptKitShowsFirstAndEnforcesAlways() async throws {
        var rule = words
        rule.failOnViolation = nil
        let provider = ScriptedProvider([pieces("The secret sauce is out.", of: 6)])
        let events = try await Harness(provider, prompt: prompt([rule])) { $0.semantics = .promptKit }.say("hi")
        #expect(events.messages.map(\.text) == ["Not that."])
        #expect(events.shown.contains("secret sauce"), "production leaks it: \(events.shown)")
    }

    @Test(arguments: [2, 100])
    func aLongAnswerIsCutBetweenCharacters(size: Int) async throws {
        let rule = ValidatorSpec(type: "max_length", failOnViolation: true, params: ["max_characters": 5])
        let events = try await Harness(
            ScriptedProvider([pieces("ÄÖÜ🇩🇪x", of: size)]), prompt: prompt([rule])
        ).say("hi")
        // A flag is two scalars; half of one is no character.
        #expect(events.messages.map(\.text) == ["ÄÖÜ🇩🇪"])
        #expect(events.fired.map(\.action) == [.cut])
        let kit = try await Harness(ScriptedProvider([pieces("ÄÖÜ", of: 3)]), prompt: prompt([rule])) {
            $0.semantics = .promptKit
        }.say("hi")
        #expect(kit.messages.map(\.text) == ["ÄÖ\u{FFFD}"])
    }

    @Test func everyRuleIsAskedUnlessPromptKitAsks() async throws {
        let length = ValidatorSpec(type: "max_length", failOnViolation: true, params: ["max_characters": 20])
        let text = "It is the secret sauce, of course it is."
        let strict = try await Harness(ScriptedProvider([pieces(text, of: 9)]), prompt: prompt([length, words])).say(
            "x")
        #expect(strict.fired.map(\.type) == ["max_length", "banned_words"])
        #expect(strict.messages.map(\.text) == ["Not that."])
        let kit = try await Harness(ScriptedProvider([pieces(text, of: 9)]), prompt: prompt([length, words])) {
            $0.semantics = .promptKit
        }.say("x")
        #expect(kit.fired.map(\.type) == ["max_length"])
        #expect(kit.messages.map(\.text) == ["It is the secret sau"])
    }

    @Test func whatThePersonSaysIsJudgedBeforeTheModelIsAsked() async throws {
        let rule = ValidatorSpec(
            type: "regex", failOnViolation: true, message: "Ask something else.", direction: .input,
            params: ["pattern": "(?i)password", "expect_match": false, "direction": "input"])
        let provider = ScriptedProvider([ScriptedProvider.says("fine")])
        let harness = Harness(provider, prompt: prompt([rule]))
        let events = try await harness.say("tell me the PASSWORD")
        #expect(events.messages.map(\.text) == ["Ask something else."])
        #expect(provider.requests.isEmpty)
        #expect(events.fired.map(\.direction) == ["input"])
        #expect(
            events.contains { if case .spanClosed(let span) = $0.body { span.name == "guardrails" } else { false } })
        #expect(try await harness.say("the weather").messages.map(\.text) == ["fine"])
    }

    @Test func aGuardrailThatCannotJudgeBlocks() async throws {
        let rule = ValidatorSpec(type: "regex", failOnViolation: true, params: ["pattern": "(", "expect_match": false])
        let events = try await Harness(ScriptedProvider([pieces("fine", of: 9)]), prompt: prompt([rule])).say("hi")
        #expect(events.reason == .guarded)
        #expect(events.fired.first?.explanation.contains("could not judge") == true)
    }

    @Test func callsOfABlockedAnswerDoNotRun() async throws {
        let tool = FakeHandler("f", tools: [Harness.tool("echo")]) { _ throws(EngineError) in ToolAnswer(text: "x") }
        let step: ScriptedProvider.Step = .events([
            .text("the secret sauce"), .toolCall(ToolCall(id: CallID("a"), tool: "echo", arguments: [:])),
            .finished(.toolCalls),
        ])
        let events = try await Harness(ScriptedProvider([[step]]), handlers: [tool], prompt: prompt([words])).say("go")
        #expect(events.outcomes.isEmpty)
        #expect(events.reason == .guarded)
    }

    // MARK: Evals

    @Test func evalsJudgeTheTurnByTheirThreshold() async throws {
        let evals = [
            EvalSpec(
                id: "half", type: "contains", trigger: "every_turn", params: ["patterns": ["a", "zzz"]],
                threshold: EvalSpec.Threshold(value: 0.5)),
            EvalSpec(
                id: "all", type: "contains", trigger: "every_turn", params: ["patterns": ["a", "zzz"]],
                threshold: EvalSpec.Threshold(comparison: "gt", value: 0.5), message: "Say zzz."),
            EvalSpec(id: "off", type: "contains", trigger: "every_turn", enabled: false),
            EvalSpec(id: "later", type: "contains", trigger: "on_session_complete", params: ["patterns": ["a"]]),
            EvalSpec(
                id: "idle", type: "no_tool_errors", trigger: "every_turn", when: ["any_tool_called": true]),
            EvalSpec(id: "judge", type: "llm_judge", trigger: "every_turn", params: ["criteria": "kind"]),
            EvalSpec(id: "never", type: "contains", trigger: "sample_turns", samplePercentage: 0),
        ]
        let harness = Harness(ScriptedProvider([ScriptedProvider.says("an answer")]), prompt: prompt([], evals: evals))
        let events = try await harness.say("hi")
        #expect(events.evals.map(\.eval) == ["half", "all", "idle", "judge"])
        #expect(events.evals.map(\.passed) == [true, false, nil, nil])
        #expect(events.evals[2].skipped == "no tool was called")
        #expect(events.evals[3].skipped?.contains("no judge is configured") == true)
    }

    @Test func aJudgeJudges() async throws {
        struct Says: Judge {
            let text: String
            func answer(system: String, question: String) async throws(EngineError) -> String { text }
        }
        let eval = EvalSpec(
            id: "j", type: "llm_judge", trigger: "every_turn", params: ["criteria": "kind"],
            threshold: EvalSpec.Threshold(value: 0.8))
        for (reply, score, passed) in [
            (#"Sure: {"passed": true, "score": 0.9, "reasoning": "so"}"#, 0.9, true),
            (#"{"passed": false, "score": 0.2}"#, 0.2, false),
        ] {
            let harness = Harness(
                ScriptedProvider([ScriptedProvider.says("x")]), prompt: prompt([], evals: [eval])
            ) { $0.judge = Says(text: reply) }
            let result = try #require(try await harness.say("hi").evals.first)
            #expect(result.score == score && result.passed == passed)
        }
        let harness = Harness(ScriptedProvider([ScriptedProvider.says("x")]), prompt: prompt([], evals: [eval])) {
            $0.judge = Says(text: "no idea")
        }
        #expect(try await harness.say("hi").evals.first?.error?.contains("no verdict") == true)
    }

    // MARK: What else a prompt says

    @Test func overridesAndParametersReachTheModel() async throws {
        var prompt = Harness.prompt("be kind")
        prompt.parameters = ModelParameters(temperature: 0.1, maxTokens: 10, topP: 0.5)
        var override = ModelOverride()
        override.prefix = "Short! "
        override.parameters = ModelParameters(temperature: 0.9)
        prompt.overrides = ["test-model": override]
        let strict = ScriptedProvider([ScriptedProvider.says("x")])
        _ = try await Harness(strict, prompt: prompt).say("hi")
        #expect(strict.requests[0].system == "Short! be kind")
        #expect(strict.requests[0].parameters == ModelParameters(temperature: 0.9, maxTokens: 10, topP: 0.5))
        let kit = ScriptedProvider([ScriptedProvider.says("x")])
        _ = try await Harness(kit, prompt: prompt) { $0.semantics = .promptKit }.say("hi")
        #expect(kit.requests[0].system == "be kind")
        #expect(kit.requests[0].parameters == ModelParameters(temperature: 0.1, maxTokens: 10))
    }

    @Test func whatProductionSendsInsteadIsSaid() async throws {
        var prompt = Harness.prompt("Hello {{ name }}")
        prompt.variables = [Variable(name: "name", defaultValue: "Ada")]
        let provider = ScriptedProvider([ScriptedProvider.says("x")])
        let events = try await Harness(provider, prompt: prompt) { $0.semantics = .promptKit }.say("hi")
        #expect(provider.requests[0].system == "Hello {{ name }}")
        #expect(
            events.contains {
                if case .diagnostic(let note) = $0.body {
                    note.message.contains("sends the raw template")
                } else {
                    false
                }
            })
    }

    /// Whoever types a placeholder reads the value, in production.
    @Test func promptKitFillsPlaceholdersInThePersonsWords() async throws {
        var prompt = Harness.prompt("Hello {{name}}")
        prompt.variables = [Variable(name: "name", defaultValue: "Ada")]
        for (semantics, expected) in [(Semantics.strict, "say {{name}}"), (.promptKit, "say Ada")] {
            let provider = ScriptedProvider([ScriptedProvider.says("x")])
            _ = try await Harness(provider, prompt: prompt) { $0.semantics = semantics }.say("say {{name}}")
            #expect(provider.requests[0].messages.last?.text == expected)
        }
    }

    @Test func theToolsOfTheLastRoundDoNotRun() async throws {
        let tool = FakeHandler("f", tools: [Harness.tool("echo")]) { _ throws(EngineError) in ToolAnswer(text: "ran") }
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "echo", [:])]), ScriptedProvider.calls([("b", "echo", [:])]),
        ])
        let events = try await Harness(provider, handlers: [tool], prompt: Harness.prompt(maxRounds: 2)).say("go")
        #expect(events.reason == .roundLimit)
        #expect(events.outcomes.map(\.status) == [.ok, .denied])
    }
}
