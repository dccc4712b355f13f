import Engine
import EngineSystem
import Panes
import Support
import Testing

/// A screen that a test drives: events in, keys in, pictures out.
final class TestScreen {
    let app: App
    private let session = SessionID("s-1")
    private var sequence = 0
    private var time = 1_000_000

    init() {
        app = App(
            session: session, metrics: metrics(), markdown: CommonMark(), now: Timestamp(milliseconds: 1_000_000))
    }

    @discardableResult
    func happens(_ bodies: TurnEvent..., turn: String? = "t-1", after milliseconds: Int = 10) -> [Effect] {
        var effects: [Effect] = []
        for body in bodies {
            sequence += 1
            time += milliseconds
            app.now = Timestamp(milliseconds: time)
            effects += app.apply([
                EngineEvent(
                    sequence: sequence, at: app.now, session: session, turn: turn.map { TurnID($0) }, body: body)
            ])
        }
        return effects
    }

    @discardableResult
    func press(_ keys: Key...) -> [Effect] { keys.flatMap { app.handle(.key($0)) } }

    @discardableResult
    func type(_ text: String) -> [Effect] { text.flatMap { app.handle(.key(.character($0))) } }

    /// The screen as lines of text; clusters by their characters.
    func picture(_ columns: Int, _ rows: Int) -> [String] {
        let frame = app.draw(Size(columns: columns, rows: rows))
        return (0..<rows).map { row in
            var line = ""
            for column in 0..<columns {
                let cell = frame.grid[row, column]
                guard cell.width > 0 else { continue }
                let scalars = cell.isCluster ? app.clusters[Int(cell.character)] : [cell.character]
                for scalar in scalars { line.unicodeScalars.append(Unicode.Scalar(scalar) ?? "?") }
            }
            while line.last == " " { line.removeLast() }
            return line
        } + [frame.cursor.map { "cursor \($0.row),\($0.column)" } ?? "no cursor"]
    }

    /// The styles of the screen: a letter per cell, and which letter is which.
    func styles(_ columns: Int, _ rows: Int) -> [String] {
        let frame = app.draw(Size(columns: columns, rows: rows))
        let letters = Array(".abcdefghijklmnopqrstuvwxyzABCDEF")
        var used: Set<UInt16> = []
        let lines = (0..<rows).map { row in
            var line = ""
            for column in 0..<columns {
                let style = frame.grid[row, column].style
                used.insert(style)
                line.append(letters[Int(style)])
            }
            while line.last == "." { line.removeLast() }
            return line
        }
        return lines + Style.allCases.filter { used.contains($0.rawValue) }.map { "\(letters[Int($0.rawValue)]) \($0)" }
    }

    // MARK: What sessions are made of

    func opens() {
        happens(
            .sessionOpened(
                SessionOpened(
                    workspace: "demo", pack: "support", packVersion: "1.2.0", prompt: "support", provider: "mock",
                    model: "mock", isMock: true, program: "test")),
            .handlerChanged(
                HandlerState(
                    handler: "orders", kind: "mcp/stdio", phase: .ready,
                    tools: [
                        ToolSummary(
                            name: "lookup_order", description: "Looks up one order.", readOnly: true,
                            inputSchema: ["type": "object"]),
                        ToolSummary(
                            name: "cancel_order", description: "Cancels an order.", readOnly: false,
                            inputSchema: ["type": "object"]),
                    ])),
            .handlerChanged(
                HandlerState(handler: "broken", kind: "http", phase: .failed, detail: "it exited with code 1")),
            turn: nil)
    }

    static let call = ToolCall(id: CallID("c-1"), tool: "lookup_order", arguments: ["order_id": 1042])

    func span(_ name: String, _ category: TraceSpan.Category, from: Int, to: Int?, parent: String? = "turn")
        -> TraceSpan
    {
        TraceSpan(
            id: SpanID(name), parent: parent.map { SpanID($0) }, name: name, category: category,
            started: Timestamp(milliseconds: 1_000_030 + from),
            ended: to.map { Timestamp(milliseconds: 1_000_030 + $0) },
            attributes: ["gen_ai.operation.name": "chat"])
    }

    func asksAndAnswers() {
        opens()
        happens(
            .turnStarted(TurnStarted(message: MessageID("m-1"), text: "where is order 1042?")),
            .spanOpened(span("turn", .turn, from: 0, to: nil, parent: nil)),
            .spanClosed(span("chat mock", .model, from: 0, to: 400)),
            .toolCallStarted(ToolCallStarted(call: Self.call, handler: "orders")),
            .toolCallFinished(
                ToolOutcome(call: CallID("c-1"), tool: "lookup_order", status: .ok, text: "{}", milliseconds: 210)),
            .spanClosed(span("lookup_order", .tool, from: 400, to: 610)),
            .messageDelta(MessageDelta(message: MessageID("m-2"), channel: .text, text: "Order **1042** left on *Tues"))
        )
    }

    func finishes() {
        happens(
            .messageCompleted(
                Message(
                    id: MessageID("m-2"), role: .assistant,
                    text: "Order **1042** left on *Tuesday*.\n\n- 4 × 箱子 (wide)\n- café e\u{301}")),
            .usageReported(
                UsageReport(
                    provider: "mock", model: "mock", usage: TokenUsage(input: 902, cacheRead: 3_200, output: 388),
                    source: .estimated, cost: Money(nanodollars: 12_300_000), priceSource: "prices 2026-11-20",
                    contextWindow: 128_000)),
            .spanClosed(span("turn", .turn, from: 0, to: 900, parent: nil)),
            .turnFinished(TurnFinished(reason: .completed)))
    }

    func asks(_ question: Question) {
        var question = question
        question.id = QuestionID("q-1")
        happens(
            .turnStarted(TurnStarted(message: MessageID("m-3"), text: "book a table")), .questionAsked(question),
            turn: "t-2")
    }

    func asksForApproval() {
        happens(
            .turnStarted(TurnStarted(message: MessageID("m-3"), text: "cancel order 1043")),
            .approvalRequested(
                ApprovalRequest(
                    call: ToolCall(id: CallID("c-2"), tool: "cancel_order", arguments: ["order_id": 1043]),
                    handler: "orders",
                    reason: "approval = ask", covers: "every call of 'cancel_order'")), turn: "t-2")
    }
}

/// Compares a screen with its golden; `CLEO_RECORD=1` writes it anew, and fails so that nobody forgets to look.
func expectScreen(_ lines: [String], _ name: String, at place: SourceLocation = #_sourceLocation) {
    let path = "\(packageRoot)/Tests/PanesTests/Screens/\(name).screen"
    let text = lines.joined(separator: "\n") + "\n"
    if EnvironmentVariables().value(of: "CLEO_RECORD") == "1" {
        writeText(path, text)
        Issue.record("recorded \(name); look at it, then run again without CLEO_RECORD", sourceLocation: place)
        return
    }
    let golden = readText(path) ?? ""
    #expect(golden == text, "\(name) looks otherwise:\n\(text)", sourceLocation: place)
}

@Suite struct ScreenTests {
    @Test(arguments: [(200, 30), (120, 30), (80, 24), (60, 20), (40, 12)])
    func aConversation(columns: Int, rows: Int) {
        let screen = TestScreen()
        screen.asksAndAnswers()
        screen.finishes()
        expectScreen(screen.picture(columns, rows), "conversation-\(columns)")
    }

    @Test func whileItStreams() {
        let screen = TestScreen()
        screen.asksAndAnswers()
        expectScreen(screen.picture(100, 24), "streaming")
    }

    @Test(arguments: [100, 60, 30]) func aQuestion(columns: Int) {
        let screen = TestScreen()
        screen.asksAndAnswers()
        screen.finishes()
        screen.asksForApproval()
        expectScreen(screen.picture(columns, 24), "approval-\(columns)")
    }

    @Test func theStyles() {
        let screen = TestScreen()
        screen.asksAndAnswers()
        screen.finishes()
        expectScreen(screen.styles(100, 24), "styles-conversation")
        screen.asksForApproval()
        expectScreen(screen.styles(60, 24), "styles-approval")
    }

    @Test func theWelcome() {
        let screen = TestScreen()
        screen.opens()
        expectScreen(screen.picture(100, 24), "welcome")
    }

    @Test func thePopups() {
        let screen = TestScreen()
        screen.asksAndAnswers()
        screen.finishes()
        screen.press(.control("p"))
        expectScreen(screen.picture(100, 30), "palette")
        screen.press(Key(.escape), Key(.function(1)))
        expectScreen(screen.picture(100, 45), "help")
    }

    @Test func theDetails() {
        let screen = TestScreen()
        screen.asksAndAnswers()
        screen.finishes()
        screen.press(.alt("2"), Key(.down), Key(.enter))
        expectScreen(screen.picture(120, 24), "span")
        screen.press(Key(.escape), .alt("4"), Key(.down), Key(.down), Key(.enter))
        expectScreen(screen.picture(120, 24), "tool")
        screen.press(Key(.escape), .alt("4"), Key(.home), Key(.enter))
        expectScreen(screen.picture(80, 24), "server")
    }

    @Test func mistakesAreShown() {
        let screen = TestScreen()
        screen.opens()
        screen.app.notes = [
            Diagnostic(
                .error, "the variable 'KEY' is not set", file: "tools.yaml", place: Place(line: 3, column: 4),
                hint: "set it")
        ]
        expectScreen(screen.picture(80, 24), "notes")
        screen.happens(
            .turnStarted(TurnStarted(message: MessageID("m"), text: "hi")),
            .toolCallStarted(ToolCallStarted(call: TestScreen.call, handler: "orders")),
            .toolCallFinished(
                ToolOutcome(
                    call: CallID("c-1"), tool: "lookup_order", status: .failed, text: "Error: there is no order",
                    milliseconds: 12)),
            .turnFailed(
                ErrorInfo(
                    code: "unauthorized", message: "the provider 'x' refused the request (401)",
                    hint: "is the key right?")))
        expectScreen(screen.picture(80, 24), "errors")
    }

    /// No size crashes, and nothing that comes from outside brings a control character to the screen.
    @Test func everySizeHoldsHostileText() {
        let screen = TestScreen()
        let evil =
            "\u{1B}]0;owned\u{7}\u{1B}[2J\u{9B}31m\u{202E}txet\u{0} 漢\u{301}\u{301}\u{301}\u{301}\u{301}\u{301} 👩\u{200D}💻 "
            + String(repeating: "w", count: 300)
        screen.happens(
            .sessionOpened(
                SessionOpened(
                    workspace: evil, pack: evil, packVersion: evil, prompt: evil, provider: evil, model: evil,
                    isMock: false, program: evil)),
            .handlerChanged(
                HandlerState(
                    handler: evil, kind: "mcp/stdio", phase: .ready,
                    tools: [
                        ToolSummary(name: evil, description: evil, readOnly: false, inputSchema: [evil: .string(evil)])
                    ], detail: evil)), turn: nil)
        screen.happens(
            .turnStarted(TurnStarted(message: MessageID("m"), text: evil)),
            .promptRendered(PromptRendered(prompt: evil, text: evil, unused: [evil])),
            .messageCompleted(
                Message(
                    id: MessageID("m"), role: .assistant,
                    text: "# \(evil)\n\n| \(evil) | b |\n|--|--|\n| c | `\(evil)` |\n\n```\(evil)\n\(evil)\n```",
                    reasoning: evil)),
            .approvalRequested(
                ApprovalRequest(
                    call: ToolCall(id: CallID("c"), tool: evil, arguments: [evil: .string(evil)]), handler: evil,
                    reason: evil, covers: evil)),
            .toolProgress(ToolProgress(call: CallID("c"), progress: 2, total: 1, message: evil)),
            .spanClosed(
                TraceSpan(
                    id: SpanID("s"), parent: nil, name: evil, category: .tool, started: Timestamp(milliseconds: 5),
                    ended: Timestamp(milliseconds: 6), attributes: [evil: .string(evil)])),
            .usageReported(
                UsageReport(
                    provider: evil, model: evil, usage: TokenUsage(input: .max / 4), source: .reported, cost: nil,
                    priceSource: evil, contextWindow: 1)),
            .diagnostic(Diagnostic(.warning, evil, file: evil, hint: evil)), .unknown(kind: evil, data: .string(evil)))
        screen.app.trouble = nil
        for keys in [
            [], [Key.alt("2"), Key(.enter)], [Key.alt("4"), Key(.enter)], [Key.alt("3")], [Key.control("p")],
            [Key(.escape), .alt("p")],
        ] {
            for key in keys { _ = screen.app.handle(.key(key)) }
            for (columns, rows) in [
                (1, 1), (2, 2), (5, 3), (10, 5), (20, 8), (59, 14), (60, 15), (99, 20), (100, 20), (180, 50),
            ] {
                let frame = screen.app.draw(Size(columns: columns, rows: rows))
                for cell in frame.grid.cells {
                    for scalar in cell.isCluster ? screen.app.clusters[Int(cell.character)] : [cell.character] {
                        #expect(
                            scalar >= 0x20 && !(0x7F...0x9F).contains(scalar) && !(0x202A...0x202E).contains(scalar))
                    }
                }
            }
        }
    }
}
