import Engine
import EngineSystem
import Synchronization

/// One answer, without a screen.
enum RunCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        do throws(EngineError) {
            return try answer(arguments)
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    private static func answer(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        let text = try text(arguments)
        let wiring = try Wiring(arguments)
        let loaded = try wiring.workspace(arguments)
        Console.report(loaded.diagnostics)
        guard let workspace = loaded.value else { return .usage }
        let (store, problem) = wiring.store()
        if let problem { Console.report([problem]) }
        let (client, tools, agent) = try wiring.engine(workspace, store, arguments)
        let session = try SessionChoice.session(arguments, store, agent.workspace, wiring.ids, standard: .new)
        var attachments: [Attachment] = []
        for path in arguments.all(.attach) {
            attachments.append(
                try ImageFiles.attachment(
                    Folders.absolute(path), files: DiskFiles(root: "/"), media: workspace.prompt.media))
        }
        let images = attachments
        let run = OneTurn(client: client, session: session, arguments: arguments)
        let wasInterrupted = Mutex(false)
        let interrupt = Interrupt {
            wasInterrupted.withLock { $0 = true }
            Task { try? await client.submit(.cancelTurn(session)) }
        }
        defer {
            blocking { await client.close() }
            withExtendedLifetime(interrupt) {}
        }
        let ending = try blocking { () async throws(EngineError) in
            await tools.start()
            return try await run.run(text, images)
        }
        if arguments.has(.json) { Console.out(ending.document(session: session).prettyText) }
        if wasInterrupted.withLock({ $0 }) { return .interrupted }
        if let error = ending.error {
            if !arguments.has(.json) {
                Console.err("cleo-tui: " + error.message + (error.hint.map { "\nhint: \($0)" } ?? ""))
            }
            return ExitCode(error.code)
        }
        return ending.reason == .completed ? .done : .failed
    }

    /// `-p TEXT`, or words; what stands on standard input comes behind it.
    private static func text(_ arguments: Arguments) throws(EngineError) -> String {
        var parts = [arguments[.text] ?? arguments.words.joined(separator: " ")]
        if !Console.inIsTerminal { parts.append(try Console.readInput()) }
        let text = parts.filter { !$0.allSatisfy(\.isWhitespace) }.joined(separator: "\n\n")
        guard !text.isEmpty else {
            throw EngineError(
                .invalidInput, "there is nothing to say", hint: "cleo-tui run -p \"where is order 1042?\"")
        }
        return text
    }
}

/// One turn and what came of it.
struct OneTurn: Sendable {
    let client: LocalClient
    let session: SessionID
    let asksPerson: Bool
    let allowsAll: Bool
    let printsEvents: Bool
    let printsText: Bool
    let isQuiet: Bool
    /// What stands in the log already is this run's.
    let isNew: Bool

    /// - Parameter isSilent: nothing is printed, whatever the arguments say.
    init(client: LocalClient, session: SessionID, arguments: Arguments, isSilent: Bool = false) {
        self.client = client
        self.session = session
        // Recorded tools do nothing.
        allowsAll = arguments.has(.yes) || arguments.has(.recordedTools)
        asksPerson = Console.inIsTerminal && Console.errIsTerminal
        printsEvents = arguments.has(.events)
        printsText = !arguments.has(.events) && !arguments.has(.json) && !isSilent
        isNew = !arguments.has(.session) && !arguments.has(.resume)
        isQuiet = isSilent || arguments.has(.quiet) || arguments.has(.json) || arguments.has(.events)
    }

    struct Ending: Sendable {
        var reason: TurnFinished.Reason?
        var error: ErrorInfo?
        var text = ""
        var calls: [ToolOutcome] = []
        var ledger = CostLedger()
        var opened: SessionOpened?
        var fired: [GuardrailFired] = []
        var evals: [EvalResult] = []
        /// Where the workflow stands.
        var state: String?

        func document(session: SessionID) -> JSONValue {
            var document: JSONObject = [
                "session": .string(session.rawValue), "status": .string(reason?.rawValue ?? "failed"),
                "text": .string(text),
                "provider": .string(opened?.provider ?? ""), "model": .string(opened?.model ?? ""),
                "mock": .bool(opened?.isMock ?? false),
                "tool_calls": .array(calls.map { JSONValue(encoding: $0) }),
                "usage": JSONValue(encoding: ledger.session.usage),
                "cost_usd": ledger.session.isComplete && ledger.session.calls > 0
                    ? .double(Double(ledger.session.cost.nanodollars) / 1e9) : .null,
                "cost_estimated": .bool(ledger.session.isEstimated),
            ]
            if !fired.isEmpty { document["guardrails"] = .array(fired.map { JSONValue(encoding: $0) }) }
            if !evals.isEmpty { document["evals"] = .array(evals.map { JSONValue(encoding: $0) }) }
            if let state { document["workflow_state"] = .string(state) }
            if let error { document["error"] = JSONValue(encoding: error) }
            return .object(document)
        }
    }

    func run(_ text: String, _ attachments: [Attachment] = []) async throws(EngineError) -> Ending {
        let feed = try await client.feed(of: session, after: 0)
        let past = feed.take()
        var ending = Ending()
        for event in past {
            if case .sessionOpened(let opened) = event.body { ending.opened = opened }
            if case .workflowMoved(let moved) = event.body { ending.state = moved.to }
            if printsEvents, isNew { Console.out(event.json.text) }
        }
        var printer = TurnPrinter(isQuiet: isQuiet)
        try await client.submit(.send(session, text: text, attachments: attachments))
        while let events = await feed.next() {
            for event in events {
                if printsEvents, !event.isWire { Console.out(event.json.text) }
                if printsText { printer.print(event) }
                if try await take(event, &ending) { return ending }
            }
        }
        return ending
    }

    /// - Returns: whether the turn is over.
    private func take(_ event: EngineEvent, _ ending: inout Ending) async throws(EngineError) -> Bool {
        ending.ledger.apply(event)
        switch event.body {
        case .sessionOpened(let opened): ending.opened = opened
        case .messageCompleted(let message): if !message.text.isEmpty { ending.text = message.text }
        case .toolCallFinished(let outcome): ending.calls.append(outcome)
        case .guardrailFired(let fired): ending.fired.append(fired)
        case .evalCompleted(let result): ending.evals.append(result)
        case .workflowMoved(let moved): ending.state = moved.to
        case .approvalRequested(let request):
            try await client.submit(.answerApproval(session, request.call.id, decide(request)))
        case .questionAsked(let question):
            try await client.submit(.answerQuestion(session, question.id, answer(question)))
        case .turnFinished(let finished):
            ending.reason = finished.reason
            return true
        case .turnFailed(let error):
            ending.error = error
            return true
        default: break
        }
        return false
    }

    private func answer(_ question: Question) -> QuestionReply {
        guard asksPerson else {
            if !isQuiet {
                Console.err("\(SafeText.oneLine(question.from)) asks the person, and nobody is here to answer")
            }
            return QuestionReply(.decline, "nobody is there to answer")
        }
        return Questioner.onErrorOutput.ask(question)
    }

    private func decide(_ request: ApprovalRequest) -> ApprovalDecision {
        if allowsAll { return .once }
        guard asksPerson else {
            if !isQuiet {
                Console.err(
                    "the tool '\(request.call.tool)' was not allowed: nobody is here to ask (--yes allows every tool)")
            }
            return .deny(reason: "nobody is there to be asked")
        }
        Console.err("May \(request.call.tool) run with \(SafeText.oneLine(request.call.arguments.text))? [y/N] ")
        let answer = readLine() ?? ""
        return ["y", "yes"].contains(answer.lowercased())
            ? .once : .deny(reason: ["", "n", "no"].contains(answer.lowercased()) ? "" : answer)
    }
}

extension EngineEvent {
    /// The wire is for the screen; `--record` keeps it.
    fileprivate var isWire: Bool { if case .wire = body { true } else { false } }
}
