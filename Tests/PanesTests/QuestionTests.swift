import Engine
import Panes
import Support
import Testing

/// Questions of tools and servers, and the forms that answer them.
@Suite struct QuestionScreenTests {
    private let session = SessionID("s-1")

    private static let schema: JSONValue = [
        "type": "object",
        "properties": [
            "name": ["type": "string", "description": "for the sign at the table", "maxLength": 8],
            "guests": ["type": "integer", "minimum": 1, "default": 2],
            "window": ["type": "boolean"],
            "menu": [
                "type": "string", "title": "Menu",
                "oneOf": [["const": "s", "title": "short"], ["const": "l", "title": "long"]],
            ],
            "extras": ["type": "array", "items": ["enum": ["wine", "bread"]]],
            "more": ["type": "object"],
        ], "required": ["name", "guests"],
    ]

    private func reply(_ reply: QuestionReply) -> [Effect] {
        [.submit(.answerQuestion(session, QuestionID("q-1"), reply))]
    }

    @Test func aToolIsAnsweredInTheComposer() {
        let screen = TestScreen()
        screen.type("half a message")
        screen.asks(Question(.answer, from: "locate", message: "where are you?"))
        expectScreen(screen.picture(80, 24), "question-answer")
        #expect(screen.press(.character("a")) == [])
        screen.press(.alt("a"))
        screen.type("Oslo")
        #expect(screen.press(Key(.enter)) == reply(QuestionReply(.accept, "Oslo")))
        #expect(screen.picture(80, 24).joined().contains("half a messagea"))
        #expect(screen.press(.alt("n")) == reply(QuestionReply(.decline)))
    }

    @Test func aFormIsFilledIn() {
        let screen = TestScreen()
        screen.asks(Question(.form, from: "tables", message: "Which table?", schema: Self.schema))
        screen.press(.character("a"))
        expectScreen(screen.picture(80, 24), "question-form")
        // What is missing is said where it is missing.
        #expect(screen.press(Key(.enter)) == [])
        #expect(screen.picture(80, 24).joined().contains("name is needed"))
        screen.type("Ann")
        screen.press(Key(.tab), Key(.backspace))
        screen.type("x")
        #expect(screen.press(Key(.enter)) == [])
        #expect(screen.picture(80, 24).joined().contains("guests must be a number"))
        screen.press(Key(.backspace))
        screen.type("0")
        screen.press(Key(.enter))
        #expect(screen.picture(80, 24).joined().contains("guests must be at least 1"))
        screen.press(Key(.backspace))
        screen.type("4")
        screen.press(Key(.tab), .character(" "))
        screen.press(Key(.tab), Key(.left))
        screen.press(Key(.tab), Key(.right), .character(" "))
        screen.press(Key(.tab))
        screen.type("{\"a\": 1}")
        expectScreen(screen.picture(60, 20), "question-form-filled")
        #expect(
            screen.press(Key(.enter))
                == reply(
                    QuestionReply(
                        .accept,
                        [
                            "name": "Ann", "guests": 4, "window": true, "menu": "l", "extras": ["bread"],
                            "more": ["a": 1],
                        ])))
    }

    @Test func aFormGoesWithItsQuestion() {
        let screen = TestScreen()
        screen.asks(Question(.form, from: "tables", message: "Which table?", schema: Self.schema))
        screen.press(.character("a"))
        screen.happens(
            .questionAnswered(QuestionAnswered(id: QuestionID("q-1"), reply: QuestionReply(.cancel))), turn: "t-2")
        #expect(!screen.picture(80, 24).joined().contains("tables asks"))
        #expect(screen.picture(80, 24).joined().contains("put aside"))
    }

    /// All of the address is seen, and whom it belongs to.
    @Test func anAddressIsShownWhole() {
        let screen = TestScreen()
        let url = "https://good.example.com.evil.test/sign-in?next=" + String(repeating: "x", count: 90)
        screen.asks(Question(.link, from: "web", message: "Sign in", url: url))
        expectScreen(screen.picture(80, 24), "question-link")
        #expect(screen.press(.character("u")) == [.copy(url)])
        screen.press(.character("p"))
        screen.type("http://127.0.0.1:1/callback?code=c")
        #expect(screen.press(Key(.enter)) == reply(QuestionReply(.accept, "http://127.0.0.1:1/callback?code=c")))
        #expect(screen.press(.character("a")) == reply(QuestionReply(.accept)))
    }

    @Test func aServerAsksForTheModel() {
        let screen = TestScreen()
        screen.asks(Question(.model, from: "web", message: "wants to ask gpt:\nuser: hi\u{1B}[2J"))
        #expect(!screen.picture(80, 24).joined().contains("\u{1B}"))
        #expect(screen.press(.character("n")) == reply(QuestionReply(.decline)))
    }

    // MARK: tools by hand

    private func tools(_ screen: TestScreen) {
        screen.happens(
            .handlerChanged(
                HandlerState(
                    handler: "shop", kind: "mcp/http", phase: .ready,
                    tools: [
                        ToolSummary(
                            name: "book", description: "Books a table.", readOnly: false, inputSchema: Self.schema),
                        ToolSummary(name: "ping", description: "", readOnly: true, inputSchema: ["type": "object"]),
                    ],
                    prompts: [
                        PromptSummary(
                            name: "greet", description: "greets",
                            arguments: [PromptSummary.Argument(name: "who", description: "whom", isRequired: true)])
                    ],
                    resources: [
                        ResourceSummary(
                            uri: "shop://order/{id}{?full}", name: "order", description: "", mediaType: nil,
                            isTemplate: true),
                        ResourceSummary(
                            uri: "shop://menu", name: "menu", description: "", mediaType: nil, isTemplate: false),
                    ])))
    }

    @Test func aToolIsCalledWithAForm() {
        let screen = TestScreen()
        screen.opens()
        tools(screen)
        screen.press(.alt("4"), Key(.end), Key(.up), .character("c"))
        screen.type("Bob")
        #expect(
            screen.press(Key(.enter))
                == [.submit(.callTool(session, tool: "book", arguments: ["name": "Bob", "guests": 2]))])
        // Again, from what it was called with.
        screen.happens(
            .toolCallStarted(
                ToolCallStarted(
                    call: ToolCall(id: CallID("c"), tool: "book", arguments: ["name": "Bob", "guests": 2]),
                    handler: "shop")),
            .toolCallFinished(ToolOutcome(call: CallID("c"), tool: "book", status: .ok, text: "table 4")))
        screen.press(.alt("4"), .character("c"))
        screen.type("by")
        #expect(
            screen.press(Key(.enter))
                == [.submit(.callTool(session, tool: "book", arguments: ["name": "Bobby", "guests": 2]))])
        // What it said is a mock, one key away.
        screen.press(.alt("4"), .character("m"))
        #expect(screen.press(Key(.enter)) == [.submit(.mockTool(session, "book", "table 4"))])
        // A tool without arguments runs at once.
        #expect(
            screen.press(.alt("4"), Key(.down), .character("c"))
                == [.submit(.callTool(session, tool: "ping", arguments: [:]))])
        #expect(screen.press(.alt("4"), .character("l")) == [.submit(.signIn(session, handler: "shop"))])
    }

    @Test func promptsAndResourcesComeIntoTheMessage() {
        let screen = TestScreen()
        screen.opens()
        tools(screen)
        screen.type("/use")
        screen.press(Key(.enter), Key(.enter))
        #expect(
            screen.press(.character("A"))
                == [
                    .submit(
                        .completeArgument(
                            session, handler: "shop", prompt: "greet", argument: "who", value: "A", chosen: [:]))
                ])
        screen.happens(.suggestions(["Ann", "Amy"]))
        #expect(screen.picture(80, 24).joined().contains("→ takes: Ann, Amy"))
        screen.press(Key(.right))
        #expect(
            screen.press(Key(.enter))
                == [.submit(.usePrompt(session, handler: "shop", name: "greet", arguments: ["who": "Ann"]))])
        screen.happens(.serverContent(ServerContent(name: "greet", text: "Greet Ann.")))
        #expect(screen.press(Key(.enter)) == [.submit(.send(session, text: "Greet Ann."))])
        screen.happens(.turnFinished(TurnFinished(reason: .completed)))
        screen.type("/read")
        screen.press(Key(.enter), Key(.enter))
        screen.type("7 8")
        #expect(
            screen.press(Key(.enter))
                == [.submit(.readResource(session, handler: "shop", uri: "shop://order/7%208"))])
    }
}
