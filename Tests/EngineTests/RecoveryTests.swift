import Engine
import Support
import Testing

@Suite struct RecoveryTests {
    /// The log that a crash in mid-stream leaves.
    private func crashed() async -> MemoryStore {
        let store = MemoryStore()
        let (session, turn) = (SessionID("s-test"), TurnID("turn-x"))
        let bodies: [TurnEvent] = [.turnStarted(TurnStarted(message: MessageID("m1"), text: "tell me"))]
        for (index, body) in bodies.enumerated() {
            store.append(
                EngineEvent(
                    sequence: index + 1, at: Timestamp(milliseconds: 5), session: session, turn: turn, body: body))
        }
        store.checkpoint(
            session, Checkpoint(turn: turn, message: MessageID("m2"), text: "once upon", reasoning: ""))
        return store
    }

    @Test func afterACrashThePartialAnswerIsThereAndTheConversationGoesOn() async throws {
        let store = await crashed()
        let provider = ScriptedProvider([ScriptedProvider.says("a time")])
        let harness = Harness(provider, store: store)
        let feed = try await harness.client.feed(of: harness.session, after: 0)
        var transcript = Transcript()
        for event in feed.take() { transcript.apply(event) }
        #expect(transcript.turn == nil)
        let texts = transcript.items.map { item in
            switch item.content {
            case .user(let text): text
            case .assistant(let message, _): message.text + (message.interrupted ? "!" : "")
            case .notice(let notice): notice.text
            case .tool: "tool"
            }
        }
        #expect(texts == ["tell me", "once upon!", "interrupted: the program ended in the middle of this turn"])
        _ = try await harness.say("go on")
        #expect(provider.requests.first?.messages.map(\.text) == ["tell me", "once upon", "go on"])
        #expect(try await store.checkpoint(of: harness.session) == nil)
    }

    @Test func callsWithoutAResultGetOne() {
        var conversation = Conversation()
        let call = ToolCall(id: CallID("a"), tool: "t", arguments: [:])
        let bodies: [TurnEvent] = [
            .turnStarted(TurnStarted(message: MessageID("m1"), text: "go")),
            .messageCompleted(Message(id: MessageID("m2"), role: .assistant, text: "", toolCalls: [call])),
            .turnFinished(TurnFinished(reason: .interrupted)),
        ]
        for (index, body) in bodies.enumerated() {
            conversation.apply(
                EngineEvent(
                    sequence: index, at: Timestamp(milliseconds: 0), session: SessionID("s"), turn: TurnID("t"),
                    body: body))
        }
        #expect(conversation.forProvider.map(\.role) == [.user, .assistant, .tool])
        #expect(conversation.forProvider.last?.answers == CallID("a"))
        #expect(conversation.forProvider.last?.text.hasPrefix("Error: ") == true)
    }

    @Test func nothingIsStoredForASessionInWhichNothingWasSaid() async throws {
        let store = MemoryStore()
        let harness = Harness(ScriptedProvider([ScriptedProvider.says("hello")]), store: store)
        let feed = try await harness.client.feed(of: harness.session, after: 0)
        #expect(feed.take().kinds == ["session.opened", "pack.changed"])
        #expect(try await store.sessions(SessionFilter()).isEmpty)
        _ = try await harness.say("hi")
        let events = try await store.events(of: harness.session, after: 0)
        #expect(events.map(\.sequence) == Array(1...events.count))
        #expect(events.kinds.first == "session.opened")
    }

    @Test func aLateReaderGetsEveryEventOnce() async throws {
        let harness = Harness(ScriptedProvider([ScriptedProvider.says("one"), ScriptedProvider.says("two")]))
        _ = try await harness.say("first")
        _ = try await harness.say("second")
        let feed = try await harness.client.feed(of: harness.session, after: 0)
        let durable = feed.take().filter(\.body.isDurable).map(\.sequence)
        #expect(durable == Array(1...durable.count))
    }
}
