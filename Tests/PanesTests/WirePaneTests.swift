import Engine
import Panes
import Support
import Testing

@Suite struct WirePaneTests {
    private func exchange(_ id: String, _ change: (inout WireExchange) -> Void = { _ in }) -> WireExchange {
        var exchange = WireExchange(
            id: id, provider: "claude", model: "claude-sonnet-5-5", format: "anthropic",
            started: Timestamp(milliseconds: 1_000_000), method: "POST", url: "https://api.example.org/v1/messages",
            requestHeaders: [
                Header("Content-Type", "application/json"), Header("x-api-key", Secret.mask), Header("X-Team", "it's"),
            ], requestBody: WireBytes([UInt8](#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#.utf8)))
        exchange.keyVariable = "$ANTHROPIC_API_KEY"
        change(&exchange)
        return exchange
    }

    private func answered(_ id: String) -> WireExchange {
        exchange(id) { exchange in
            exchange.status = 200
            exchange.responseHeaders = [Header("Content-Type", "text/event-stream"), Header("request-id", "req_1")]
            exchange.headAt = 12
            let pieces = [
                "event: ping\ndata: {\"type\"", ":\"ping\"}\n\n", "data: {\"delta\":{\"text\":\"\u{1B}[31mHi\"}}\n\n",
            ]
            exchange.chunks = pieces.enumerated().map { index, text in
                WireExchange.Chunk(at: 20 + index * 30, bytes: WireBytes([UInt8](text.utf8)))
            }
            exchange.endedAt = 95
        }
    }

    private func screen() -> TestScreen {
        let screen = TestScreen()
        screen.opens()
        screen.happens(.turnStarted(TurnStarted(message: MessageID("m"), text: "hi")))
        var refused = exchange("w-1") { exchange in
            exchange.status = 529
            exchange.headAt = 8
            exchange.responseHeaders = [Header("Content-Type", "application/json")]
            exchange.chunks = [
                WireExchange.Chunk(at: 9, bytes: WireBytes([UInt8](#"{"error":{"message":"Overloaded"}}"#.utf8)))
            ]
            exchange.endedAt = 9
            exchange.error = "provider 'claude' has trouble (529): Overloaded"
        }
        refused.cutBytes = 0
        screen.happens(.wire(refused), .wire(exchange("w-2")), .wire(answered("w-2")))
        screen.press(.alt("6"))
        return screen
    }

    @Test func exchangesAreListed() {
        let screen = screen()
        expectScreen(screen.picture(100, 20), "wire-list")
        expectScreen(screen.picture(60, 16), "wire-list-60")
    }

    @Test func oneIsReadAsJSONOrAsBytes() {
        let screen = screen()
        screen.press(Key(.enter))
        expectScreen(screen.picture(80, 44), "wire-readable")
        screen.press(.character("r"))
        expectScreen(screen.picture(80, 36), "wire-raw")
    }

    @Test func theRequestIsCopiedAsACommandWithoutItsKey() throws {
        let screen = screen()
        guard case .copy(let command)? = screen.press(.character("y")).first else {
            Issue.record("nothing was copied")
            return
        }
        #expect(command.contains(#"-H "x-api-key: $ANTHROPIC_API_KEY""#))
        #expect(command.contains(#"-H 'X-Team: it'\''s'"#))
        #expect(command.contains(#"--data-raw '{"model":"m""#))
        #expect(!command.contains(Secret.mask))
    }

    @Test func whatIsHeldIsBounded() {
        var log = WireLog()
        for number in 0..<500 {
            var big = answered("w-\(number)")
            big.requestBody = WireBytes([UInt8](repeating: 0x61, count: 1 << 20))
            log.apply(
                EngineEvent(
                    sequence: 0, at: Timestamp(milliseconds: 0), session: SessionID("s"), turn: nil, body: .wire(big)))
        }
        #expect(log.exchanges.count < 40)
        #expect(log.exchanges.last?.id == "w-499")
    }
}

@Suite struct ModelChoiceTests {
    private let session = SessionID("s-1")

    @Test func modelsAreChosenByNameOrFromAList() {
        let screen = TestScreen()
        screen.opens()
        screen.type("/model claude/claude-sonnet-5-5")
        #expect(screen.press(Key(.enter)) == [.submit(.chooseModel(session, "claude/claude-sonnet-5-5"))])
        screen.type("/model")
        #expect(screen.press(Key(.enter)) == [.listModels])
        screen.app.show(models: [
            ModelOption(name: "local", note: "providers/"), ModelOption(name: "openai/gpt-6-luna", note: "$0.1 in"),
        ])
        screen.type("luna")
        #expect(screen.press(Key(.enter)) == [.submit(.chooseModel(session, "openai/gpt-6-luna"))])
    }

    @Test func parametersAreSet() {
        let screen = TestScreen()
        screen.opens()
        screen.type("/set temperature 0.2")
        #expect(screen.press(Key(.enter)) == [.submit(.setParameter(session, "temperature", .double(0.2)))])
        screen.type("/set effort high")
        #expect(screen.press(Key(.enter)) == [.submit(.setParameter(session, "effort", "high"))])
        screen.type("/set temperature")
        #expect(screen.press(Key(.enter)) == [.submit(.setParameter(session, "temperature", .null))])
        screen.type("/set tempurature 1")
        #expect(screen.press(Key(.enter)).isEmpty)
        #expect(screen.picture(100, 20).joined().contains("did you mean temperature?"))
    }

    @Test func anImageGoesWithTheNextMessage() {
        let image = Attachment(name: "dot.png", mediaType: "image/png", data: "AA==")
        let screen = TestScreen()
        screen.opens()
        screen.type("/attach dot.png")
        #expect(screen.press(Key(.enter)) == [.attach("dot.png")])
        screen.app.attach(image)
        #expect(screen.picture(80, 20).contains { $0.contains("▣ dot.png") })
        screen.type("what is it?")
        #expect(
            screen.press(Key(.enter)) == [.submit(.send(session, text: "what is it?", attachments: [image]))])
        screen.happens(.turnStarted(TurnStarted(message: MessageID("m"), text: "what is it?", attachments: [image])))
        screen.happens(.turnFinished(TurnFinished(reason: .completed)))
        screen.type("more")
        #expect(screen.press(Key(.enter)) == [.submit(.send(session, text: "more"))])
    }
}

@Suite struct AgainTests {
    @Test func theLastMessageIsSaidAgain() {
        let session = SessionID("s-1")
        let screen = TestScreen()
        screen.opens()
        #expect(screen.press(.alt("r")).isEmpty)
        screen.happens(.turnStarted(TurnStarted(message: MessageID("m"), text: "hi")))
        #expect(screen.press(.alt("r")).isEmpty)
        screen.happens(.turnFailed(ErrorInfo(code: "unreachable", message: "reset", hint: nil)))
        #expect(screen.press(.alt("r")) == [.submit(.send(session, text: "hi"))])
    }
}
