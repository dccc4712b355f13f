import Engine
import EngineSystem
import Support
import Testing

@Suite struct ModelSwitchTests {
    private let native = NativeAnswer(
        format: "anthropic", model: "one", items: [["type": "thinking", "thinking": "hm", "signature": "s"]])

    private func client(_ first: any Provider, _ second: any Provider) -> LocalClient {
        let prompt = Harness.prompt()
        let pack = PromptPack(id: "test", name: "test", version: "1.0.0", prompts: [prompt])
        let agent = Agent(
            workspace: "test", pack: pack, prompt: prompt, provider: first, patterns: PCREPatternCompiler())
        let tools = ToolBox(handlers: [], patterns: PCREPatternCompiler(), clock: SystemClock())
        return LocalClient(
            agent: agent, tools: tools, store: MemoryStore(), clock: SystemClock(), ids: CountingIdentifiers()
        ) { _ in
        } chooseProvider: { name throws(EngineError) in
            guard name == "two" else { throw EngineError(.invalidInput, "there is no '\(name)'") }
            return (second, ModelParameters(temperature: 0.9, maxTokens: 7))
        }
    }

    private func turn(_ client: LocalClient, _ feed: EventFeed, _ text: String) async throws -> [EngineEvent] {
        try await client.submit(.send(SessionID("s"), text: text))
        var events: [EngineEvent] = []
        while let batch = await feed.next() {
            events += batch
            if events.contains(where: { if case .turnFinished = $0.body { true } else { false } }) { break }
        }
        return events
    }

    @Test func anotherModelTakesTheConversationOver() async throws {
        let first = ScriptedProvider(
            model: "one", [[.events([.text("hello"), .native(native), .finished(.stop)])]])
        let second = ScriptedProvider(model: "two", [ScriptedProvider.says("and I am two")])
        let client = client(first, second)
        let feed = try await client.feed(of: SessionID("s"), after: 0)
        _ = try await turn(client, feed, "hi")
        try await client.submit(.setParameter(SessionID("s"), "temperature", .double(0.2)))
        try await client.submit(.chooseModel(SessionID("s"), "two"))
        let events = try await turn(client, feed, "again")
        let notes = events.compactMap { if case .diagnostic(let note) = $0.body { note.message } else { nil } }
        #expect(notes.contains { $0.hasPrefix("two (scripted) answers") })
        #expect(notes.contains { $0.hasPrefix("the reasoning behind one answer stays with one") })
        let asked = try #require(second.requests.first)
        #expect(asked.messages.map(\.text) == ["hi", "hello", "again"])
        // The person's word wins over the file's; the file's other values act.
        #expect(asked.parameters.temperature == 0.2 && asked.parameters.maxTokens == 7)
        #expect(
            events.contains { if case .sessionOpened(let opened) = $0.body { opened.model == "two" } else { false } })
    }

    @Test func whatCannotBeChosenIsSaidAndNothingChanges() async throws {
        let client = client(ScriptedProvider(model: "one", []), ScriptedProvider(model: "two", []))
        await #expect(throws: EngineError.self) {
            try await client.submit(.chooseModel(SessionID("s"), "three"))
        }
        await #expect(throws: EngineError.self) {
            try await client.submit(.setParameter(SessionID("s"), "temperature", 9))
        }
        await #expect(throws: EngineError.self) {
            try await client.submit(.setParameter(SessionID("s"), "temprature", 1))
        }
        #expect(client.source.current.agent.provider.model == "one")
        #expect(client.source.current.agent.overrides == ModelParameters())
    }
}
