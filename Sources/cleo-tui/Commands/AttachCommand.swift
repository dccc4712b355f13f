import Engine
import EngineSystem
import Glibc
import Panes

/// The screen with an agent of a cluster behind it; one message, or lines of standard input, where there is none.
enum AttachCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        do throws(EngineError) {
            return try attach(arguments)
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    private static func attach(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        let recorded = arguments.has(.replay) ? "ws://recorded/ws?agent=recorded" : nil
        guard let target = arguments.words.first ?? recorded, arguments.words.count <= 1 else {
            throw EngineError(
                .invalidInput, "'attach' needs an address or the name of a context", hint: Command.attach.usage)
        }
        let remote = try RemoteWiring(target, arguments)
        let (store, problem) = remote.wiring.store()
        let session = SessionID(remote.wiring.ids.next("attached"))
        let isResumed = arguments.has(.resume)
        let client = try remote.client(session, store, resume: isResumed ? arguments[.session] : nil)
        let opened = remote.opened
        if let id = arguments[.session], !isResumed {
            try blocking { () async throws(EngineError) in try await client.load(id, opened: opened) }
        }
        let isRead = arguments[.session] != nil && !isResumed
        let begin: @Sendable () -> Void = { if !isRead { Task { await client.start(opened) } } }
        defer {
            blocking {
                await client.close(); await store.flush()
            }
        }
        if arguments[.text] == nil, CursesScreen.isPossible, let screen = CursesScreen(mouse: false) {
            let app = App(
                session: session, metrics: screen.metrics, markdown: CommonMark(), now: remote.wiring.clock.now())
            app.notes = problem.map { [$0] } ?? []
            let loop = ScreenLoop(
                app: app, screen: screen, client: client, store: store, workspace: opened.workspace,
                ids: remote.wiring.ids, clock: remote.wiring.clock, models: { [] }, media: { nil })
            let signal = loop.run(afterFirstFrame: begin)
            screen.close()
            guard signal != 0 else { return .done }
            blocking { await client.close() }
            exit(128 + signal)
        }
        begin()
        if isRead {
            let events = try blocking { () async throws(EngineError) in
                try await client.feed(of: session, after: 0).take()
            }
            Shown.print(events, asJSON: arguments.has(.json))
            return .done
        }
        return try lines(arguments, client, session)
    }

    // MARK: without a screen

    private static func lines(
        _ arguments: Arguments, _ client: RemoteClient, _ session: SessionID
    ) throws(EngineError) -> ExitCode {
        let feed = try blocking { () async throws(EngineError) in try await client.feed(of: session, after: 0) }
        var code = ExitCode.done
        var tries = triesWithoutScreen
        func say(_ text: String) throws(EngineError) {
            try blocking { () async throws(EngineError) in
                try await client.submit(.send(session, text: text))
            }
            code = follow(feed, client, session, asJSON: arguments.has(.json), tries: &tries)
        }
        if let text = arguments[.text] {
            try say(text)
            return code
        }
        while tries > 0, let line = readLine() {
            if !line.allSatisfy(\.isWhitespace) { try say(line) }
        }
        return code
    }

    /// How often a server that was never there is tried where nobody sees that it is.
    private static let triesWithoutScreen = 4

    /// Prints events until the turn is over.
    /// - Parameter tries: how many more a server has that has never answered.
    private static func follow(
        _ feed: EventFeed, _ client: RemoteClient, _ session: SessionID, asJSON: Bool, tries: inout Int
    ) -> ExitCode {
        var printer = TurnPrinter(isQuiet: false)
        while let events = blocking({ await feed.next() }) {
            for event in events {
                if asJSON { Console.out(event.json.text) } else { printer.print(event) }
                switch event.body {
                case .turnFinished(let finished): return finished.reason == .completed ? .done : .failed
                case .turnFailed(let error):
                    Console.err(
                        "cleo-tui: \(error.code): \(error.message)" + (error.hint.map { "\nhint: \($0)" } ?? ""))
                    return .failed
                case .questionAsked(let question):
                    let reply = Questioner.onErrorOutput.ask(question)
                    blocking { try? await client.submit(.answerQuestion(session, question.id, reply)) }
                case .handlerChanged(let state) where state.phase == .ready: tries = .max
                case .handlerChanged(let state)
                where state.phase == .failed && state.detail?.contains("again in") == true:
                    tries -= 1
                    if tries == 0 {
                        Console.err("cleo-tui: given up after \(triesWithoutScreen) tries; nothing was sent")
                        return .provider
                    }
                // Nobody waits at a screen for a server that does not let us in.
                case .handlerChanged(let state)
                where state.phase == .failed && state.detail?.contains("again in") != true:
                    if state.detail?.hasPrefix("the connection is lost") != true { return .provider }
                default: break
                }
            }
        }
        return .failed
    }
}
