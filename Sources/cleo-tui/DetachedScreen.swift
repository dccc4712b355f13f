import Engine
import EngineSystem
import Glibc
import Panes

/// The screen of an engine that runs elsewhere, in `cleo-tui serve`. Leaving it leaves what runs there.
enum DetachedScreen {
    static func run(_ server: String, _ arguments: Arguments) throws(EngineError) -> ExitCode {
        let foreign: [Option] = [
            .pack, .prompt, .variable, .variables, .semantics, .tools, .provider, .model, .scenario, .baseURL, .record,
            .replay, .pace,
        ]
        if let option = foreign.first(where: arguments.has) {
            throw EngineError(
                .invalidInput, "'\(option.spelling)' does not go with '--remote'",
                hint: "what runs there was chosen when it was started")
        }
        let wiring = try Wiring(arguments)
        let url = try DetachedClient.url(server, agent: arguments[.agent])
        let address = RemoteAddress(
            name: server, url: url,
            token: KeyReader(
                try key(server, arguments, wiring), files: DiskFiles(root: "/"), variables: wiring.variables,
                clock: wiring.clock, redactor: wiring.redactor, in: wiring.workspaceFolder))
        let network = (try wiring.tools(arguments).value?.config.network ?? NetworkSettings()).complete(
            in: wiring.workspaceFolder, wiring.variables)
        let client = DetachedClient(address, dialer: CurlWebSocketDialer(network), clock: wiring.clock)
        defer { blocking { await client.stop() } }
        let hello = try blocking { () async throws(EngineError) in try await client.start() }
        guard CursesScreen.isPossible else {
            throw EngineError(
                .invalidInput, "this is no terminal that a screen fits on",
                hint:
                    "without one: cleo-tui attach '\(server.replacing("http", with: "ws", maxReplacements: 1))/ws?agent=\(Encodings.percent(hello.agent))' -p TEXT"
            )
        }
        let session = try session(arguments, client, wiring)
        guard let screen = CursesScreen(mouse: false) else { return .failed }
        let app = App(session: session, metrics: screen.metrics, markdown: CommonMark(), now: wiring.clock.now())
        app.place = "at \(WebAddress(server)?.authority ?? server):"
        let loop = ScreenLoop(
            app: app, screen: screen, client: client, store: client, workspace: hello.workspace, ids: wiring.ids,
            clock: wiring.clock, models: { [] }, media: { nil })
        let signal = loop.run(afterFirstFrame: {})
        screen.close()
        guard signal != 0 else { return .done }
        exit(128 + signal)
    }

    /// The variable that the person names, or the key that a server of this machine left for its owner.
    private static func key(
        _ server: String, _ arguments: Arguments, _ wiring: Wiring
    ) throws(EngineError) -> KeySource {
        let name = arguments[.tokenEnv] ?? ScreenKey.variable
        if arguments[.tokenEnv] != nil || wiring.variables.value(of: name)?.isEmpty == false { return .variable(name) }
        let address = WebAddress(server)
        let port = address.flatMap { $0.authority.split(separator: ":").last.flatMap { Int($0) } }
        let isHere = ["localhost", "127.0.0.1"].contains(address?.host)
        if isHere, let port {
            let file = ScreenKey.file(wiring.folders, port: port)
            if wiring.files.exists(file) { return .file(file) }
            throw EngineError(
                .unreachable, "no engine of yours is served at \(server)", hint: "start one with 'cleo-tui serve'")
        }
        throw EngineError(
            .unauthorized, "an engine on another machine wants the key that its owner gave it",
            hint: "set \(ScreenKey.variable) on both sides (here, --token-env NAME names another variable)")
    }

    private static func session(
        _ arguments: Arguments, _ client: DetachedClient, _ wiring: Wiring
    ) throws(EngineError) -> SessionID {
        if let named = arguments[.session] {
            guard try blocking({ () async throws(EngineError) in try await client.knows(SessionID(named)) }) else {
                throw EngineError(.notFound, "there is no session '\(named)' there")
            }
            return SessionID(named)
        }
        let last =
            try arguments.has(.new)
            ? nil
            : blocking { () async throws(EngineError) in try await client.sessions(SessionFilter(limit: 1)).first?.id }
        return last ?? SessionID(wiring.ids.next("s"))
    }
}
