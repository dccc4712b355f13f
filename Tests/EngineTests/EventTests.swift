import Engine
import Support
import Testing

@Suite struct EventTests {
    private static let call = ToolCall(id: CallID("c"), tool: "t", arguments: ["a": 1])
    private static let span = TraceSpan(
        id: SpanID("s"), parent: SpanID("p"), name: "chat", category: .model, started: Timestamp(milliseconds: 1),
        ended: Timestamp(milliseconds: 2), status: .error, attributes: ["x": [1, "two"]])

    private static let exchange: WireExchange = {
        var exchange = WireExchange(
            id: "w", provider: "p", model: "m", format: "anthropic", started: Timestamp(milliseconds: 1),
            method: "POST", url: "http://x/", requestHeaders: [Header("A", "b")],
            requestBody: WireBytes([UInt8]("{}".utf8)))
        exchange.status = 200
        exchange.version = "2"
        exchange.keyVariable = "$K"
        exchange.responseHeaders = [Header("C", "d")]
        exchange.headAt = 3
        exchange.chunks = [
            WireExchange.Chunk(at: 4, bytes: WireBytes([0xFF, 0x00])),
            WireExchange.Chunk(at: 5, bytes: WireBytes([UInt8]("ø".utf8))),
        ]
        exchange.endedAt = 6
        exchange.error = "e"
        exchange.cutBytes = 7
        return exchange
    }()

    static let all: [TurnEvent] = [
        .sessionOpened(
            SessionOpened(
                workspace: "w", pack: "p", packVersion: "1.0.0", prompt: "q", provider: "mock", model: "m",
                isMock: true, program: "1")),
        .sessionRenamed(SessionRenamed(title: "ü")),
        .turnStarted(
            TurnStarted(
                message: MessageID("m"), text: "hi",
                attachments: [Attachment(name: "a.png", mediaType: "image/png", data: "AA==")])),
        .promptRendered(PromptRendered(prompt: "q", text: "t", unused: ["v"])),
        .messageDelta(MessageDelta(message: MessageID("m"), channel: .reasoning, text: "hm")),
        .messageCompleted(
            Message(
                id: MessageID("m"), role: .assistant, text: "x", reasoning: "r", toolCalls: [call], interrupted: true,
                native: NativeAnswer(format: "gemini", model: "g", items: [["text": "x"]]))),
        .toolCallStarted(ToolCallStarted(call: call, handler: "h")),
        .toolProgress(ToolProgress(call: CallID("c"), progress: 0.5, total: 1, message: "half")),
        .toolCallFinished(
            ToolOutcome(call: CallID("c"), tool: "t", status: .denied, text: "no", cutBytes: 3, milliseconds: 4)),
        .approvalRequested(ApprovalRequest(call: call, handler: nil, reason: "r", covers: "c")),
        .approvalAnswered(ApprovalAnswered(call: CallID("c"), decision: .deny, reason: "why")),
        .questionAsked(
            Question(.form, from: "h", call: CallID("c"), message: "m", schema: ["type": "object"], url: "u")),
        .questionAnswered(QuestionAnswered(id: QuestionID("q"), reply: QuestionReply(.accept, ["a": 1]))),
        .serverContent(ServerContent(name: "n", text: "t")), .suggestions(["a"]),
        .spanOpened(span), .spanClosed(span),
        .usageReported(
            UsageReport(
                provider: "p", model: "m",
                usage: TokenUsage(input: 1, cacheRead: 2, cacheWrite: 3, output: 4, reasoning: 5), source: .reported,
                cost: nil, priceSource: nil, contextWindow: 9)),
        .modelRetried(
            ModelRetry(
                provider: "p", model: "m", attempt: 1, milliseconds: 2, reason: "r", code: "rateLimited", isAsked: true,
                next: "n")), .wire(exchange),
        .handlerChanged(
            HandlerState(
                handler: "h", kind: "http", phase: .ready,
                tools: [ToolSummary(name: "t", description: "d", readOnly: true, inputSchema: ["type": "object"])])),
        .diagnostic(Diagnostic(.warning, "m", file: "f", place: Place(line: 1, column: 2), hint: "h")),
        .guardrailFired(
            GuardrailFired(
                type: "regex", direction: "output", action: .cut, score: 0.5, explanation: "e", text: "t")),
        .evalCompleted(
            EvalResult(
                eval: "e", type: "contains", trigger: "every_turn", score: 1, passed: true, explanation: "x",
                skipped: "s", error: "r", message: "m")),
        .workflowMoved(
            WorkflowMoved(
                from: "A", to: "B", event: "E", cause: .model, meant: "C", context: "c", isEnd: true, resets: true)),
        .artifactSet(ArtifactSet(name: "a", value: "v")),
        .stepFinished(
            StepFinished(
                composition: "c", step: "s", kind: "branch", status: .skipped, output: ["a": 1], taken: "t",
                error: "e", isResult: true)),
        .packChanged(
            PackState(
                pack: "p", version: "1.0.0", file: "f", prompt: "q", semantics: "strict", editions: ["1.4.0"],
                spans: [PackState.Span(text: "x", source: "variable", name: "v")], tokens: 1, unused: ["u"],
                variables: [
                    PackState.Value(
                        name: "v", type: "string", text: "x", origin: .standard, isRequired: true, isMissing: false,
                        problem: "p", description: "d")
                ], rules: [PackState.Rule(type: "regex", direction: "both", isEnforced: true, isEnabled: true)],
                evals: 1, policy: "p", divergences: ["d"],
                states: [
                    PackState.State(
                        name: "A", events: ["E": "B"], isEnd: false, visits: 1, maxVisits: 2, isCurrent: true)
                ], artifacts: ["a": "v"], skills: ["s"], members: ["m"], problems: [], before: "b")),
        .turnFinished(TurnFinished(reason: .guarded)), .turnFailed(ErrorInfo(code: "busy", message: "m", hint: nil)),
    ]

    @Test func everyKindComesBackAsItWent() throws {
        #expect(Set(Self.all.map { $0.encoded().kind }) == Set(TurnEvent.Kind.allCases.map(\.rawValue)))
        for body in Self.all {
            let event = EngineEvent(
                sequence: 3, at: Timestamp(milliseconds: 5), session: SessionID("s"), turn: TurnID("t"), body: body)
            #expect(EngineEvent(json: try JSONParser.parse(event.json.text)) == event)
        }
    }

    @Test func anUnknownKindIsKeptAsItCame() throws {
        let text = #"{"v":1,"seq":9,"at":1,"session":"s","type":"swarm.joined","data":{"arms":[1,2]}}"#
        let event = try #require(EngineEvent(json: try JSONParser.parse(text)))
        #expect(event.body == .unknown(kind: "swarm.joined", data: ["arms": [1, 2]]))
        #expect(event.json.text == text)
    }

    @Test func knownKindsWithStrangeDataAreKeptToo() throws {
        let text = #"{"v":1,"seq":9,"at":1,"session":"s","type":"turn.started","data":{"words":1}}"#
        let event = try #require(EngineEvent(json: try JSONParser.parse(text)))
        #expect(event.json.text == text)
    }

    @Test func deltasThatWaitAreJoined() {
        let feed = EventFeed()
        func delta(_ text: String) -> EngineEvent {
            EngineEvent(
                sequence: 1, at: Timestamp(milliseconds: 0), session: SessionID("s"), turn: nil,
                body: .messageDelta(MessageDelta(message: MessageID("m"), channel: .text, text: text)))
        }
        for _ in 0..<1_000 { feed.post([delta("x")]) }
        let waiting = feed.take()
        #expect(waiting.count == 1)
        #expect(waiting.first == delta(String(repeating: "x", count: 1_000)))
    }

    @Test func ofProgressTheLastWordStands() {
        let feed = EventFeed()
        for number in 1...1_000 {
            let progress = ToolProgress(call: CallID("c"), progress: Double(number))
            feed.post([
                EngineEvent(
                    sequence: 1, at: Timestamp(milliseconds: 0), session: SessionID("s"), turn: nil,
                    body: .toolProgress(progress))
            ])
        }
        #expect(feed.take().map(\.body) == [.toolProgress(ToolProgress(call: CallID("c"), progress: 1_000))])
    }

    @Test func anUnknownPriceIsNeverZero() {
        var ledger = CostLedger()
        func report(_ cost: Money?) -> EngineEvent {
            let usage = UsageReport(
                provider: "p", model: "m", usage: TokenUsage(input: 5), source: .reported, cost: cost, priceSource: nil,
                contextWindow: nil)
            return EngineEvent(
                sequence: 1, at: Timestamp(milliseconds: 0), session: SessionID("s"), turn: nil,
                body: .usageReported(usage))
        }
        ledger.apply(report(nil))
        #expect(ledger.session.text == "unknown")
        ledger.apply(report(Money(nanodollars: 12_300_000)))
        #expect(ledger.session.text == "$0.0123+?")
    }
}
