import Synchronization

/// The local engine behind Omnia's facade and OpenAI's chat interface: what one connection asks for, and who answers.
///
/// Concurrency: `open` is under its lock; the rest never changes.
package final class AgentServer: Sendable {
    package struct Settings: Sendable {
        /// The first one answers where none is named.
        package var agents: [ServedAgent]
        package var access: TokenCheck
        /// Whether it does what the original does where that is wrong, for testing clients.
        package var hasQuirks = false
        /// How long the original is jammed after an error.
        package var jamMilliseconds = 120_000
        /// Messages that are answered at the same time, by all agents together.
        package var runningLimit = 1_000
        /// Whether it speaks TLS, for addresses that it tells.
        package var isSecure = false
        /// What screens show: who has one approves calls, so it is more than the token for talking.
        package var screenKeys: [Secret] = []
        /// Whether tools that would ask a person run here.
        package var approves = false
        /// What is said to a tool that would ask a person.
        var decision: ApprovalDecision {
            approves ? .once : .deny(reason: "nobody is asked here; 'serve --yes' lets tools run")
        }
        package var pingMilliseconds = 30_000
        package var pongMilliseconds = 60_000
        package var framesPerSecond = 50
        package var frameBurst = 100
        package var toolAckMilliseconds = 5_000
        package var toolResultMilliseconds = 60_000

        package init(_ agents: [ServedAgent], access: TokenCheck) {
            self.agents = agents
            self.access = access
        }

        func agent(_ name: String?) -> ServedAgent? {
            guard let name, !name.isEmpty else { return agents.first }
            return agents.first { $0.name == name }
        }

        func noAgent(_ name: String) -> String {
            let names = agents.map { "'\($0.name)'" }.joined(separator: ", ")
            return "there is no agent '\(SafeText.oneLine(name, limit: 80))' here, but \(names)"
        }
    }

    let store: any SessionStore
    let clock: any EngineClock
    let ids: any IdentifierSource
    let settings: Settings
    let histories: ChatHistories
    let uploads = ServedUploads()
    /// `Sec-WebSocket-Accept` for a key (RFC 6455, section 4.2.2).
    let acceptance: @Sendable (String) -> String
    let newSession: @Sendable () -> String
    private let open = Mutex<[ObjectIdentifier: ServedWebSocket]>([:])
    private let draining = Atomic(false)
    /// How many screens look at a session.
    private let watchers = Mutex<[SessionID: Int]>([:])

    package init(
        store: any SessionStore, clock: any EngineClock, ids: any IdentifierSource,
        settings: Settings, acceptance: @escaping @Sendable (String) -> String,
        newSession: @escaping @Sendable () -> String
    ) {
        self.store = store
        self.clock = clock
        self.ids = ids
        self.settings = settings
        histories = ChatHistories(settings.access.digests)
        self.acceptance = acceptance
        self.newSession = newSession
    }

    /// No new conversations; those that run go on.
    package func drain() { draining.store(true, ordering: .relaxed) }
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// Tells whoever is still connected that it is over.
    package func leave() {
        for socket in open.withLock({ Array($0.values) }) { socket.leave(1_001, "server shutdown") }
    }

    /// Whether as many messages are being answered as may be.
    var isFull: Bool { settings.agents.reduce(0) { $0 + $1.counters.inFlight } >= settings.runningLimit }

    /// Whether nothing runs any more.
    package var isIdle: Bool { settings.agents.allSatisfy { $0.counters.inFlight == 0 } }

    func watched(_ session: SessionID, _ change: Int) {
        watchers.withLock { watchers in
            let count = (watchers[session] ?? 0) + change
            watchers[session] = count == 0 ? nil : count
        }
    }

    func isWatched(_ session: SessionID) -> Bool { watchers.withLock { $0[session] != nil } }

    /// Answers what would ask a person, once no screen looks at the session that could.
    func whenUnwatched(
        _ session: SessionID, _ client: any EngineClient, _ command: EngineCommand
    ) -> Task<Void, Never> {
        Task {
            while isWatched(session), !Task.isCancelled { try? await clock.sleep(milliseconds: 250) }
            if !Task.isCancelled { try? await client.submit(command) }
        }
    }

    /// Serves one connection to its end.
    package func serve(_ socket: any ServerSocket) async {
        var connection = HTTPServerConnection(socket)
        while true {
            let request: ServerRequest
            do throws(HTTPServerConnection.Refusal) {
                guard let next = try await connection.next() else { break }
                request = next
            } catch {
                connection.answer(.text(error.status, error.words), keepsAlive: false)
                break
            }
            guard !isForeign(request) else {
                connection.answer(.text(403, "pages of other hosts may not talk to this agent"), keepsAlive: false)
                break
            }
            if request.header("upgrade")?.lowercased() == "websocket" {
                if await upgrade(request, connection) { return }
                break
            }
            await answer(request, connection)
            guard request.keepsAlive else { break }
        }
        socket.close()
    }

    // MARK: HTTP

    private func answer(_ request: ServerRequest, _ connection: HTTPServerConnection) async {
        guard request.method != "HEAD" else {
            // Its answer has no body, which those below would send.
            return connection.answer(ServerResponse(405, [Header("Allow", "GET, POST, PUT")], []), keepsAlive: false)
        }
        switch (request.method, request.path) {
        case ("GET", "/healthz"): connection.answer(.text(200, "ok"), keepsAlive: request.keepsAlive)
        case ("GET", "/readyz"):
            connection.answer(
                isDraining ? .text(503, "draining") : .text(200, "ok"), keepsAlive: request.keepsAlive)
        case ("GET", "/metrics"):
            let text = ServerCounters.text(settings.agents)
            connection.answer(
                ServerResponse(
                    200, [Header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")], Array(text.utf8)),
                keepsAlive: request.keepsAlive)
        case (let method, let path) where path.hasPrefix("/v1/"):
            if let words = objectionToToken(request) {
                return connection.answer(OpenAIServer.refusal(401, words), keepsAlive: request.keepsAlive)
            }
            await OpenAIServer(self).answer(method, path, request, connection)
        case (_, let path) where path == SessionAPIServer.root || path.hasPrefix(SessionAPIServer.root + "/"):
            if let words = objectionToToken(request) {
                return connection.answer(
                    .json(401, ["error": .string("unauthorized: \(words)")]), keepsAlive: request.keepsAlive)
            }
            await connection.answer(SessionAPIServer(self).answer(request), keepsAlive: request.keepsAlive)
        case (let method, let path) where path.hasPrefix(ServedUploads.root):
            // A place that was given has a name that nobody guesses; whoever asks for one shows a token.
            if method == "POST", let words = objectionToToken(request) {
                return connection.answer(.text(401, "unauthorized: \(words)"), keepsAlive: request.keepsAlive)
            }
            connection.answer(
                uploads.answer(request, id: newSession(), base: base(request), now: clock.now()),
                keepsAlive: request.keepsAlive)
        case (_, "/ws"), (_, ScreenProtocol.path):
            connection.answer(.text(426, "this is a WebSocket's address"), keepsAlive: request.keepsAlive)
        default:
            connection.answer(
                .text(404, "there is nothing here: /ws, /v1/chat/completions, /api/v1/sessions, /healthz"),
                keepsAlive: request.keepsAlive)
        }
    }

    /// The texts among a message's parts.
    static func text(of parts: JSONValue?) -> String {
        (parts?.array ?? []).filter { $0["type"] == "text" }.compactMap { $0["text"]?.string }.joined(separator: "\n")
    }

    /// The address by which the client knows this server.
    private func base(_ request: ServerRequest) -> String {
        var host = request.header("host") ?? "localhost"
        // The original knows itself by one name only.
        if settings.hasQuirks { host = "localhost" + host.drop { $0 != ":" } }
        return "\(settings.isSecure ? "https" : "http")://\(host)"
    }

    /// A page in a browser of this machine that is not ours: it says its own origin, or came under a name that it has
    /// given to this address (DNS rebinding).
    private func isForeign(_ request: ServerRequest) -> Bool {
        let host = (request.header("host") ?? "").lowercased()
        if let origin = request.header("origin"), WebAddress(origin)?.authority.lowercased() != host { return true }
        let name = host.prefix { $0 != ":" }
        let isHere = name == "localhost" || name.hasPrefix("127.") && name.allSatisfy { $0.isNumber || $0 == "." }
        return settings.access.isOpen && !host.isEmpty && !isHere
    }

    private func objectionToToken(_ request: ServerRequest) -> String? {
        settings.access.objection(request.header("authorization"), now: clock.now())
    }

    // MARK: the facade

    /// In the order of the original: draining, agent, credentials.
    private func objection(_ request: ServerRequest) -> (status: Int, words: String)? {
        let isScreen = request.path == ScreenProtocol.path
        guard isScreen || request.path == "/ws" || request.path.hasPrefix("/api/agents/") else {
            return (404, "no WebSocket is here")
        }
        if isDraining { return (503, "server draining") }
        let agent = Self.agent(of: request) ?? ""
        if agent.isEmpty, request.path == "/ws" { return (400, "agent parameter is required") }
        if settings.agent(agent) == nil { return (404, settings.noAgent(agent)) }
        // A screen answers for the person whose tools these are.
        if isScreen, !TokenCheck.bears(request.header("authorization"), settings.screenKeys) {
            return (401, "unauthorized: a screen shows the key of the server's owner")
        }
        if !isScreen, let words = objectionToToken(request) { return (401, "unauthorized: \(words)") }
        guard request.header("sec-websocket-version") == "13", request.header("sec-websocket-key")?.isEmpty == false
        else {
            return (400, "this is no WebSocket of version 13")
        }
        return nil
    }

    /// `?agent=NAME`, or `/api/agents/NAMESPACE/NAME/ws`.
    private static func agent(of request: ServerRequest) -> String? {
        if let named = request.query["agent"] { return named }
        let parts = request.path.split(separator: "/")
        return request.path.hasPrefix("/api/agents/") && parts.count == 5 ? Encodings.unescaped(parts[3]) : nil
    }

    /// - Returns: whether the connection was a WebSocket, which is over now.
    private func upgrade(_ request: ServerRequest, _ connection: HTTPServerConnection) async -> Bool {
        if let (status, words) = objection(request) {
            connection.answer(.text(status, words), keepsAlive: false)
            return false
        }
        let (socket, bytes) = connection.rest
        socket.write(
            HTTPServerConnection.head(
                101,
                [
                    Header("Upgrade", "websocket"), Header("Connection", "Upgrade"),
                    Header("Sec-WebSocket-Accept", acceptance(request.header("sec-websocket-key") ?? "")),
                ]))
        let agent = settings.agent(Self.agent(of: request)) ?? settings.agents[0]
        let served = ServedWebSocket(socket, clock, settings)
        open.withLock { $0[ObjectIdentifier(served)] = served }
        if request.path == ScreenProtocol.path {
            await ScreenConnection(self, agent, served).run(bytes)
        } else {
            agent.counters.connected(1)
            await ServedConnection(
                self, agent, served, wanted: request.header("x-omnia-variant"), base: base(request),
                extra: ServedExtra(request.query["extra"])
            ).run(bytes)
            agent.counters.connected(-1)
        }
        _ = open.withLock { $0.removeValue(forKey: ObjectIdentifier(served)) }
        return true
    }
}
