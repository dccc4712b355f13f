import Engine
import EngineSystem
import Support
import Synchronization
import Testing

/// Tools that turn to the person while they run.
@Suite struct QuestionTests {
    private func harness(_ change: (inout Agent) -> Void = { _ in }) -> Harness {
        let spec = ClientToolSpec(
            tool: Harness.tool("locate", readOnly: false, schema: ["type": "object"]), message: "where are you?")
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "locate", ["exact": true])]), ScriptedProvider.says("thanks"),
        ])
        let handler = ClientToolHandler(name: "person", spec: spec, timeout: 1_000)
        return Harness(provider, handlers: [handler], change: change)
    }

    private func say(
        _ harness: Harness, _ reply: QuestionReply
    ) async throws -> (events: [EngineEvent], asked: [Question]) {
        let asked = Mutex<[Question]>([])
        let events = try await harness.say("hi") { event, client in
            guard case .questionAsked(let question) = event.body else { return }
            asked.withLock { $0.append(question) }
            try await client.submit(.answerQuestion(event.session, question.id, reply))
        }
        return (events, asked.withLock { $0 })
    }

    @Test func thePersonIsTheTool() async throws {
        let (events, asked) = try await say(harness(), QuestionReply(.accept, "Oslo"))
        #expect(asked.map(\.kind) == [.answer] && asked[0].from == "locate" && asked[0].call == CallID("a"))
        #expect(asked[0].message == "where are you?\n{\n  \"exact\": true\n}")
        #expect(events.outcomes.map(\.text) == ["Oslo"] && events.outcomes[0].status == .ok)
        // Answering is the consent: nobody is asked before.
        #expect(!events.kinds.contains("approval.requested"))
        #expect(events.messages.last?.text == "thanks")
    }

    @Test func aPersonMaySayNo() async throws {
        let (events, _) = try await say(harness(), QuestionReply(.decline, "not now"))
        #expect(events.outcomes.map(\.text) == ["Error: the person declined: not now"])
        #expect(events.reason == .completed)
    }

    @Test func whatIsForbiddenIsNotEvenAsked() async throws {
        let (events, asked) = try await say(
            harness { $0.approval.tools["locate"] = .deny }, QuestionReply(.accept, "x"))
        #expect(asked.isEmpty && events.outcomes.first?.status == .denied)
    }

    @Test func aStoppedTurnTakesItsQuestionAway() async throws {
        let harness = harness()
        let events = try await harness.say("hi") { event, client in
            if case .questionAsked = event.body { try await client.submit(.cancelTurn(event.session)) }
        }
        #expect(events.outcomes.map(\.status) == [.cancelled] && events.reason == .cancelled)
        var transcript = Transcript()
        for event in events { transcript.apply(event) }
        #expect(transcript.questions.isEmpty)
    }

    /// The person's time is not the tool's.
    @Test func thinkingDoesNotCount() async throws {
        let clock = ManualClock()
        let host = SlowHost(clock: clock)
        let tools = ToolBox(
            handlers: [Asking(name: "h", timeout: 1_000)], patterns: PCREPatternCompiler(), clock: clock)
        await tools.start()
        _ = await tools.waitForStart(milliseconds: 1)
        let answer = try await tools.run(ToolCall(id: CallID("c"), tool: "t", arguments: [:]), host: host)
        #expect(answer.text == "after a while")
    }

    private struct Asking: ToolHandler {
        let name: String
        let kindName = "fake"
        let timeout: Int

        func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
            await report(HandlerUpdate(.ready, tools: [Harness.tool("t")]))
        }

        func call(_ call: ToolCall, host: any ToolHost) async throws(EngineError) -> ToolAnswer {
            let reply = await host.ask(Question(.answer, from: name, message: "?"))
            return ToolAnswer(text: reply.content?.string ?? "")
        }

        func stop() async {}
    }

    /// A person who thinks for an hour.
    private struct SlowHost: ToolHost {
        let clock: ManualClock

        func progressed(_ progress: ToolProgress) async {}
        func ask(_ question: Question) async -> QuestionReply {
            for _ in 0..<60 {
                clock.advance(60_000)
                await Task.yield()
            }
            return QuestionReply(.accept, "after a while")
        }
        func sample(_ request: SamplingRequest) async throws(EngineError) -> SamplingAnswer {
            throw EngineError(.refused, "no")
        }
        func logged(_ message: ServerLog) async {}
    }

    /// What does not fit is refused, and the question stays.
    @Test func aFormIsChecked() async throws {
        let schema: JSONValue = [
            "type": "object", "properties": ["age": ["type": "integer", "minimum": 1], "who": ["default": "me"]],
            "required": ["age", "who"],
        ]
        let handler = FakeHandler("h", tools: [Harness.tool("t")]) { _ throws(EngineError) in ToolAnswer(text: "") }
        let asking = Forms(inner: handler, schema: schema)
        let provider = ScriptedProvider([ScriptedProvider.calls([("a", "t", [:])]), ScriptedProvider.says("x")])
        let refusals = Mutex<[String]>([])
        let events = try await Harness(provider, handlers: [asking]).say("hi") { event, client in
            guard case .questionAsked(let question) = event.body else { return }
            for age in [JSONValue.int(0), "old", 7] {
                do {
                    try await client.submit(
                        .answerQuestion(event.session, question.id, QuestionReply(.accept, ["age": age])))
                } catch {
                    refusals.withLock { $0.append("\(error)") }
                }
            }
        }
        #expect(events.outcomes.map(\.text) == [#"{"age":7}"#])
        #expect(refusals.withLock { $0.count } == 2, "\(refusals.withLock { $0 })")
        let notices = events.reduce(into: Transcript()) { $0.apply($1) }.items.compactMap { item in
            if case .notice(let notice) = item.content { notice.text } else { nil }
        }
        #expect(notices == ["h: fill this in — you agreed: {\"age\":7}"])
    }

    private struct Forms: ToolHandler {
        let inner: FakeHandler
        let schema: JSONValue
        var name: String { inner.name }
        var kindName: String { inner.kindName }
        var timeout: Int { inner.timeout }

        func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
            await inner.start(report: report)
        }
        func call(_ call: ToolCall, host: any ToolHost) async throws(EngineError) -> ToolAnswer {
            let reply = await host.ask(Question(.form, from: name, message: "fill this in", schema: schema))
            return ToolAnswer(text: reply.content?.text ?? "")
        }
        func stop() async {}
    }
}
