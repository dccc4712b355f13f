import Engine
import EngineSystem
import Support
import Synchronization
import Testing

@Suite struct PolicyTests {
    private func policy(_ yaml: String) throws -> ApprovalPolicy {
        let document = try #require(LibYAMLReader().read(Array(yaml.utf8), file: "cleo.yaml").value)
        let loaded = WorkspaceConfigLoader.load(document, variables: FixedVariables())
        #expect(loaded.diagnostics.isEmpty, "\(loaded.diagnostics)")
        return try #require(loaded.value).approval
    }

    private static let yaml = """
        approval:
          default: ask
          handlers: {trusted: never}
          tools: {"drop_*": deny}
          rules:
            - {tool: pay, when: "amount > `100`", rule: deny, reason: too much}
            - {tool: pay, when: "amount <= `10`", rule: never}
            - {handler: shady, rule: always}
        """

    @Test(arguments: [
        ("pay", "bank", 500, ApprovalPolicy.Rule.deny), ("pay", "bank", 5, .never), ("pay", "bank", 50, .ask),
        ("drop_all", "trusted", 0, .deny), ("read", "trusted", 0, .never), ("read", "shady", 0, .always),
        ("read", "other", 0, .ask),
    ])
    func theFirstRuleThatHoldsDecides(
        tool: String, handler: String, amount: Int, expected: ApprovalPolicy.Rule
    ) throws {
        let (rule, reason) = try policy(Self.yaml).rule(
            for: tool, handler: handler, arguments: ["amount": .int(amount)])
        #expect(rule == expected, "\(reason)")
    }

    @Test func whatIsForbiddenDoesNotRunWhateverWasGranted() async throws {
        let ran = Mutex(0)
        let handler = FakeHandler("bank", tools: [Harness.tool("pay", readOnly: false)]) { _ throws(EngineError) in
            ran.withLock { $0 += 1 }
            return ToolAnswer(text: "paid")
        }
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "pay", ["amount": 5]), ("b", "pay", ["amount": 500])]),
            ScriptedProvider.says("done"),
        ])
        let rules = try policy(Self.yaml)
        let harness = Harness(provider, handlers: [handler]) { $0.approval = rules }
        let events = try await harness.say("pay")
        #expect(ran.withLock { $0 } == 1)
        let denied = try #require(events.outcomes.first { $0.status == .denied })
        #expect(denied.text == "Error: the policy does not allow this call: approval.rules[0] = deny: too much")
        // Every decision is in the trace, with its reason.
        let decisions = events.compactMap { event -> String? in
            guard case .spanClosed(let span) = event.body, span.category == .tool else { return nil }
            return span.attributes["cleo.policy.decision"]?.string
        }
        #expect(Set(decisions) == ["runs: approval.rules[1] = never", "denied: approval.rules[0] = deny: too much"])
        #expect(
            events.contains { if case .toolCallStarted(let s) = $0.body { s.call.id == CallID("b") } else { false } })
    }

    @Test func aToolThatFailsAgainAndAgainIsLeftAlone() async throws {
        let calls = Mutex(0)
        let isDown = Mutex(true)
        let handler = FakeHandler("h", tools: [Harness.tool("t")]) { _ throws(EngineError) in
            calls.withLock { $0 += 1 }
            if isDown.withLock({ $0 }) { throw EngineError(.unreachable, "down") }
            return ToolAnswer(text: "up")
        }
        let clock = ManualClock()
        let tools = ToolBox(handlers: [handler], patterns: PCREPatternCompiler(), clock: clock)
        await tools.start()
        _ = await tools.waitForStart(milliseconds: 1_000)
        func call() async -> String {
            do throws(EngineError) {
                return try await tools.run(ToolCall(id: CallID("c"), tool: "t", arguments: [:]), host: LonelyHost())
                    .text
            } catch {
                return error.message
            }
        }
        for _ in 0..<5 { #expect(await call() == "down") }
        #expect(await call() == "'t' failed 5 times in a row and is left alone for 30s more")
        #expect(calls.withLock { $0 } == 5)
        clock.advance(30_000)
        // One try; it fails, and the way is closed again.
        #expect(await call() == "down")
        #expect(await call().contains("left alone"))
        clock.advance(30_000)
        isDown.withLock { $0 = false }
        #expect(await call() == "up")
        #expect(await call() == "up")
    }

    @Test func aToolsOwnNoIsNoFailure() async throws {
        var breaker = CircuitBreaker()
        let settings = CircuitBreaker.Settings()
        let now = Timestamp(milliseconds: 0)
        for _ in 0..<20 { breaker.ended(EngineError(.refused, "404"), settings, now: now) }
        #expect(breaker.objection("t", now: now) == nil)
    }

    @Test func thePersonAnswersForATool() async throws {
        let handler = FakeHandler("h", tools: [Harness.tool("t")]) { _ throws(EngineError) in ToolAnswer(text: "real") }
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "t", [:])]), ScriptedProvider.says("1"),
            ScriptedProvider.calls([("b", "t", [:])]), ScriptedProvider.says("2"),
        ])
        let harness = Harness(provider, handlers: [handler])
        await harness.tools.start()
        _ = await harness.tools.waitForStart(milliseconds: 1_000)
        try await harness.client.submit(.mockTool(harness.session, "t", ["status": "lost"]))
        let mocked = try #require(try await harness.say("x").outcomes.first)
        #expect(mocked.text == #"{"status":"lost"}"# && mocked.isMocked == true)
        try await harness.client.submit(.mockTool(harness.session, "t", nil))
        #expect(try await harness.say("x").outcomes.first?.text == "real")
        await #expect(throws: EngineError.self) {
            try await harness.client.submit(.mockTool(harness.session, "nope", "x"))
        }
    }
}
