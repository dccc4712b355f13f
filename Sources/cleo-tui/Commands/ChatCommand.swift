import Engine
import EngineSystem
import Glibc
import Panes

/// A conversation: on the screen, or in plain lines where there is none.
enum ChatCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        do throws(EngineError) {
            return try chat(arguments)
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    private static func chat(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        guard arguments.words.isEmpty else {
            throw EngineError(
                .invalidInput, "'chat' takes no words: '\(arguments.words[0])'",
                hint: "say it with 'cleo-tui run -p TEXT'")
        }
        if let server = arguments[.remote] { return try DetachedScreen.run(server, arguments) }
        let wiring = try Wiring(arguments)
        let loaded = try wiring.workspace(arguments)
        guard let workspace = loaded.value else {
            Console.report(loaded.diagnostics)
            return .usage
        }
        let (store, problem) = wiring.store()
        let (client, tools, agent) = try wiring.engine(workspace, store, arguments)
        let session = try SessionChoice.session(arguments, store, agent.workspace, wiring.ids, standard: .last)
        let notes = loaded.diagnostics + (problem.map { [$0] } ?? [])
        let reloader = Reloader(wiring, try wiring.toolOptions(arguments), workspace, client, tools)
        let start: @Sendable () -> Void = {
            Task {
                await tools.start()
                await reloader.start()
            }
        }
        defer { withExtendedLifetime(reloader) {} }
        if CursesScreen.isPossible, let screen = CursesScreen(mouse: workspace.config.mouse) {
            return onScreen(screen, client, store, session, agent, notes, wiring, afterFirstFrame: start)
        }
        start()
        Console.report(notes)
        return LineChat(client: client, session: session, agent: agent, wiring: wiring).run()
    }

    private static func onScreen(
        _ screen: CursesScreen, _ client: LocalClient, _ store: any SessionStore, _ session: SessionID,
        _ agent: Agent, _ notes: [Diagnostic], _ wiring: Wiring, afterFirstFrame: () -> Void
    ) -> ExitCode {
        let app = App(session: session, metrics: screen.metrics, markdown: CommonMark(), now: wiring.clock.now())
        app.notes = notes
        let loop = ScreenLoop(
            app: app, screen: screen, client: client, store: store, workspace: agent.workspace, ids: wiring.ids,
            clock: wiring.clock, models: { wiring.modelOptions },
            media: { client.source.current.agent.prompt.media })
        let signal = loop.run(afterFirstFrame: afterFirstFrame)
        screen.close()
        blocking { await client.close() }
        if let trouble = store.trouble { Console.err("cleo-tui: " + trouble) }
        guard signal != 0 else { return .done }
        exit(128 + signal)
    }
}

/// Which session a command goes on with.
enum SessionChoice {
    enum Standard { case last, new }

    static func session(
        _ arguments: Arguments, _ store: any SessionStore, _ workspace: String, _ ids: any IdentifierSource,
        standard: Standard
    ) throws(EngineError) -> SessionID {
        if let named = arguments[.session] { return try existing(SessionID(named), store) }
        let wantsLast = arguments.has(.resume) || (standard == .last && !arguments.has(.new))
        guard wantsLast else { return SessionID(ids.next("s")) }
        let last = blocking { () async -> SessionID? in
            let filter = SessionFilter(workspace: workspace, limit: 1)
            guard let last = try? await store.sessions(filter).first?.id, await store.claim(last) else { return nil }
            return last
        }
        if last == nil, arguments.has(.resume) {
            throw EngineError(
                .notFound, "there is no session to go on with, or another cleo-tui has it open",
                hint: "see 'cleo-tui sessions list'")
        }
        return last ?? SessionID(ids.next("s"))
    }

    private static func existing(_ id: SessionID, _ store: any SessionStore) throws(EngineError) -> SessionID {
        let isThere = blocking { () async -> Bool in
            ((try? await store.events(of: id, after: 0)) ?? []).isEmpty == false
        }
        guard isThere else {
            throw EngineError(.notFound, "there is no session '\(id)'", hint: "see 'cleo-tui sessions list'")
        }
        return id
    }
}
