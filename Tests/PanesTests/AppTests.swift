import Engine
import Panes
import Support
import Testing

@Suite struct AppTests {
    private let session = SessionID("s-1")

    @Test func enterSendsAndTheNextMessageWaitsForTheEnd() {
        let screen = TestScreen()
        screen.opens()
        screen.type("hi there")
        #expect(screen.press(Key(.enter)) == [.submit(.send(session, text: "hi there"))])
        screen.happens(.turnStarted(TurnStarted(message: MessageID("m"), text: "hi there")))
        screen.type("and then?")
        #expect(screen.press(Key(.enter)) == [])
        let effects = screen.happens(.turnFinished(TurnFinished(reason: .completed)))
        #expect(effects == [.submit(.send(session, text: "and then?"))])
    }

    @Test func afterAStopWhatWaitedComesBackToBeEdited() {
        let screen = TestScreen()
        screen.opens()
        screen.happens(.turnStarted(TurnStarted(message: MessageID("m"), text: "hi")))
        screen.type("wait")
        screen.press(Key(.enter))
        #expect(screen.press(Key(.escape)) == [.submit(.cancelTurn(session))])
        #expect(screen.happens(.turnFinished(TurnFinished(reason: .cancelled))) == [])
        #expect(screen.press(Key(.enter)) == [.submit(.send(session, text: "wait"))])
    }

    @Test func aRefusedMessageIsNotLost() {
        let screen = TestScreen()
        screen.type("hi")
        screen.press(Key(.enter))
        screen.app.refused(.send(session, text: "hi"), EngineError(.busy, "busy"))
        #expect(screen.picture(80, 24)[23].contains("busy"))
        #expect(screen.press(Key(.enter)) == [.submit(.send(session, text: "hi"))])
    }

    @Test func aQuestionIsAnsweredWithOneKey() {
        for (key, decision) in [("y", ApprovalDecision.once), ("s", .session)] as [(Character, ApprovalDecision)] {
            let screen = TestScreen()
            screen.asksForApproval()
            #expect(screen.press(.character(key)) == [.submit(.answerApproval(session, CallID("c-2"), decision))])
        }
    }

    @Test func aRefusalAsksForItsReasonAndKeepsTheDraft() {
        let screen = TestScreen()
        screen.type("half a message")
        screen.asksForApproval()
        // While something is being written, letters are letters.
        #expect(screen.press(.character("y")) == [])
        screen.press(.alt("n"))
        screen.type("too dear")
        #expect(
            screen.press(Key(.enter)) == [.submit(.answerApproval(session, CallID("c-2"), .deny(reason: "too dear")))])
        #expect(screen.picture(80, 24).joined().contains("half a messagey"))
    }

    @Test func aQuestionThatIsGoneTakesItsReasonWithIt() {
        let screen = TestScreen()
        screen.asksForApproval()
        screen.press(.character("n"))
        screen.type("becau")
        screen.happens(.turnFinished(TurnFinished(reason: .cancelled)), turn: "t-2")
        screen.type("hi")
        #expect(screen.press(Key(.enter)) == [.submit(.send(session, text: "hi"))])
    }

    @Test func leavingTakesControlCTwice() {
        let screen = TestScreen()
        screen.type("text")
        #expect(screen.press(.control("c")) == [])
        #expect(screen.press(.character("x"), .control("c")) == [])
        #expect(screen.press(.control("c")) == [.quit])
    }

    @Test func controlCStopsATurnFirst() {
        let screen = TestScreen()
        screen.happens(.turnStarted(TurnStarted(message: MessageID("m"), text: "hi")))
        #expect(screen.press(.control("c")) == [.submit(.cancelTurn(session))])
        #expect(screen.press(.control("c")) == [.quit])
    }

    @Test func slashCommandsCompleteAndAct() {
        let screen = TestScreen()
        screen.opens()
        screen.type("/qu")
        screen.press(Key(.tab))
        #expect(screen.press(Key(.enter)) == [.quit])
        screen.type("/rename my order")
        #expect(screen.press(Key(.enter)) == [.submit(.rename(session, title: "my order"))])
        screen.type("/call look")
        screen.press(Key(.tab))
        #expect(screen.press(Key(.enter)) == [.submit(.callTool(session, tool: "lookup_order", arguments: [:]))])
        screen.type("/newx")
        #expect(screen.press(Key(.enter)) == [])
        #expect(screen.picture(80, 24)[23].contains("did you mean /new?"))
    }

    @Test func whatAPersonCalledShowsItsResult() {
        let screen = TestScreen()
        let call = ToolCall(id: CallID("by-hand"), tool: "lookup_order", arguments: ["order_id": 1])
        screen.happens(
            .toolCallStarted(ToolCallStarted(call: call, handler: "orders")),
            .toolCallFinished(
                ToolOutcome(call: CallID("by-hand"), tool: "lookup_order", status: .ok, text: #"{"state":"gone"}"#)),
            turn: nil)
        #expect(screen.picture(80, 24).joined().contains(#""state": "gone""#))
    }

    @Test func theAgentsWordsAreMarkedBehindANoticeToo() {
        let screen = TestScreen()
        screen.happens(
            .turnStarted(TurnStarted(message: MessageID("m"), text: "hi")),
            .diagnostic(Diagnostic(.warning, "something", file: "")),
            .messageCompleted(Message(id: MessageID("a"), role: .assistant, text: "hello")))
        #expect(screen.picture(80, 24).contains { $0.hasPrefix("│agent hello") })
    }

    @Test func historyWalksBackToTheDraft() {
        let screen = TestScreen()
        for text in ["first", "second"] {
            screen.type(text)
            screen.press(Key(.enter))
            screen.happens(
                .turnStarted(TurnStarted(message: MessageID("m"), text: text)),
                .turnFinished(TurnFinished(reason: .completed)))
        }
        screen.type("draft")
        screen.press(Key(.up), Key(.up), Key(.down), Key(.down))
        #expect(screen.press(Key(.enter)) == [.submit(.send(session, text: "draft"))])
        screen.happens(
            .turnStarted(TurnStarted(message: MessageID("m"), text: "draft")),
            .turnFinished(TurnFinished(reason: .completed)))
        screen.press(Key(.up), Key(.up), Key(.up))
        #expect(screen.press(Key(.enter)) == [.submit(.send(session, text: "first"))])
    }

    @Test func aPasteIsOnePiece() {
        let screen = TestScreen()
        #expect(screen.app.handle(.paste("one\ntwo\n\u{1B}[2J")) == [])
        #expect(screen.press(Key(.enter)) == [.submit(.send(session, text: "one\ntwo\n␛[2J"))])
    }

    @Test func everyActionIsInThePaletteAndHasItsOwnKeys() {
        let keys = Action.allCases.flatMap(\.keys)
        #expect(Set(keys).count == keys.count)
        let commands = Action.allCases.compactMap(\.command)
        #expect(Set(commands).count == commands.count)
        for key in keys where key.modifiers == .control {
            // These cannot be told from Backspace, Tab, Enter and Esc.
            #expect(!["h", "i", "m", "["].contains(key.name.lowercased().last))
        }
    }

    @Test func aLongConversationScrollsAndStaysWhereItIs() {
        let screen = TestScreen()
        screen.opens()
        for number in 1...200 {
            screen.happens(
                .turnStarted(TurnStarted(message: MessageID("m"), text: "question \(number)")),
                .messageCompleted(Message(id: MessageID("a"), role: .assistant, text: "answer \(number)")),
                .turnFinished(TurnFinished(reason: .completed)))
        }
        #expect(screen.picture(80, 24).joined().contains("answer 200"))
        screen.press(Key(.pageUp), Key(.pageUp))
        let before = screen.picture(80, 24).dropLast(3)
        screen.happens(
            .turnStarted(TurnStarted(message: MessageID("m"), text: "more")),
            .turnFinished(TurnFinished(reason: .completed)))
        #expect(screen.picture(80, 24).dropLast(3).dropFirst(2) == before.dropFirst(2))
        screen.press(Key(.end))
        let end = screen.picture(80, 24)
        _ = screen.app.handle(.wheel(-3, row: 5, column: 5))
        #expect(screen.picture(80, 24)[8] == end[5])
        _ = screen.app.handle(.wheel(3, row: 5, column: 5))
        #expect(screen.picture(80, 24) == end)
        screen.press(Key(.home, .alt))
        #expect(
            screen.picture(80, 24).joined().contains("question 1 ")
                || screen.picture(80, 24).joined().contains("question 1"))
        screen.press(Key(.end))
        #expect(screen.picture(80, 24).joined().contains("more"))
    }

    @Test func streamedTextLooksLikeTheWholeMessage() {
        let text =
            "# Title\n\nSome *words* and\n\n- a list\n- of things\n\n```sh\nls -l\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end.\n"
        let whole = TestScreen()
        whole.happens(.messageCompleted(Message(id: MessageID("m"), role: .assistant, text: text)))
        let streamed = TestScreen()
        for piece in text {
            streamed.happens(
                .messageDelta(MessageDelta(message: MessageID("m"), channel: .text, text: String(piece))), after: 20)
            _ = streamed.picture(80, 40)
        }
        #expect(streamed.picture(80, 40) == whole.picture(80, 40))
    }
}
