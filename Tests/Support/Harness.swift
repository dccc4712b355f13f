package import Engine
import EngineSystem

/// A session with a scripted provider, and everything that happened in it.
package final class Harness: Sendable {
    package let store: any SessionStore
    package let client: LocalClient
    package let tools: ToolBox
    package let session = SessionID("s-test")

    package init(
        _ provider: any Provider, handlers: [any ToolHandler] = [], prompt: Prompt = Harness.prompt(),
        store: any SessionStore = MemoryStore(), price: PriceTable.Found? = nil, secrets: [Secret] = [],
        clock: any EngineClock = SystemClock(), change: (inout Agent) -> Void = { _ in }
    ) {
        self.store = store
        let pack = PromptPack(id: "test", name: "test", version: "1.0.0", prompts: [prompt])
        var agent = Agent(
            workspace: "test", pack: pack, prompt: prompt, provider: Priced(provider, price),
            patterns: PCREPatternCompiler())
        change(&agent)
        tools = ToolBox(handlers: handlers, patterns: PCREPatternCompiler(), clock: clock)
        client = LocalClient(
            agent: agent, tools: tools, store: store, clock: clock, ids: CountingIdentifiers(),
            redactor: Redactor(secrets))
    }

    package static func prompt(_ template: String = "be kind", maxRounds: Int = 5, maxCalls: Int = 10) -> Prompt {
        var policy = ToolPolicy()
        policy.maxRounds = maxRounds
        policy.maxToolCallsPerTurn = maxCalls
        return Prompt(key: "main", id: "main", version: "1.0.0", systemTemplate: template, policy: policy)
    }

    package static func tool(_ name: String, readOnly: Bool = true, schema: JSONValue = ["type": "object"])
        -> ToolDescriptor
    {
        ToolDescriptor(name: name, description: "", inputSchema: schema, readOnly: readOnly)
    }

    /// Says something and returns what happened until the turn was over.
    /// - Parameter react: sees every event; may submit commands.
    package func say(
        _ text: String, react: @Sendable (EngineEvent, LocalClient) async throws -> Void = { _, _ in }
    ) async throws -> [EngineEvent] {
        await tools.start()
        let feed = try await client.feed(of: session, after: 0)
        _ = feed.take()
        try await client.submit(.send(session, text: text))
        var events: [EngineEvent] = []
        while let batch = await feed.next() {
            for event in batch {
                events.append(event)
                try await react(event, client)
                switch event.body {
                case .turnFinished, .turnFailed: return events
                default: break
                }
            }
        }
        return events
    }
}

extension [EngineEvent] {
    package var messages: [Message] {
        compactMap { if case .messageCompleted(let message) = $0.body { message } else { nil } }
    }
    package var outcomes: [ToolOutcome] {
        compactMap { if case .toolCallFinished(let outcome) = $0.body { outcome } else { nil } }
    }
    package var reason: TurnFinished.Reason? {
        compactMap { if case .turnFinished(let finished) = $0.body { finished.reason } else { nil } }.last
    }
    package var failure: ErrorInfo? {
        compactMap { if case .turnFailed(let error) = $0.body { error } else { nil } }.last
    }
    package var usage: [UsageReport] {
        compactMap { if case .usageReported(let report) = $0.body { report } else { nil } }
    }
    package var fired: [GuardrailFired] {
        compactMap { if case .guardrailFired(let fired) = $0.body { fired } else { nil } }
    }
    package var evals: [EvalResult] {
        compactMap { if case .evalCompleted(let result) = $0.body { result } else { nil } }
    }
    package var moves: [WorkflowMoved] {
        compactMap { if case .workflowMoved(let moved) = $0.body { moved } else { nil } }
    }
    package var steps: [StepFinished] {
        compactMap { if case .stepFinished(let step) = $0.body { step } else { nil } }
    }
    /// The answer as it was shown while it came.
    package var shown: String {
        compactMap { if case .messageDelta(let delta) = $0.body, delta.channel == .text { delta.text } else { nil } }
            .joined()
    }
    package var kinds: [String] { map { $0.body.encoded().kind } }
}
