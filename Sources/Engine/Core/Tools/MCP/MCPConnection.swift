/// What this client tells servers, and wants of them.
package struct MCPSettings: Sendable, Equatable {
    /// Folders that servers may hear of: absolute paths.
    package var roots: [String] = []
    /// The least that servers should log: `debug` to `emergency`.
    package var logLevel = "warning"
    package var era = MCPEra.automatic

    package init() {}
}

/// Which protocol is spoken.
package enum MCPEra: String, Sendable, CaseIterable {
    /// The modern one where the server knows it.
    case automatic = "auto"
    /// 2026-07-28 and later: no handshake.
    case modern
    /// Up to 2025-11-25: `initialize`.
    case legacy
}

/// What a server tells outside of answers.
package enum MCPNotice: Sendable, Equatable {
    case toolsChanged, promptsChanged, resourcesChanged
    case resourceUpdated(uri: String)
    case logged(ServerLog)
}

/// A conversation with one MCP server, whatever its era: the legacy handshake (2024-11-05 to 2025-11-25) or the
/// stateless protocol (2026-07-28).
package actor MCPConnection {
    /// A call that runs, by its request.
    struct Running {
        var host: any ToolHost
        var call: CallID?
    }

    nonisolated let name: String
    let transport: any MCPTransport
    let clock: any EngineClock
    let settings: MCPSettings
    private var nextID = 0
    private(set) var context: MCPContext
    private(set) var capabilities: JSONValue = .null
    var running: [Int: Running] = [:]
    private var notice: (@Sendable (MCPNotice) async -> Void)?
    private var background: [Task<Void, Never>] = []
    private var noticing: Task<Void, Never>?
    /// Schemas by tool, for the headers that repeat arguments.
    var schemas: [String: JSONValue] = [:]
    /// Tools that run as tasks (2025-11-25, `execution.taskSupport: required`).
    var taskTools: Set<String> = []
    /// Tools that are not offered, and why.
    package internal(set) var excluded: [String] = []
    var cache = MCPCache()

    private static let probeMilliseconds = 3_000

    package init(
        name: String, transport: any MCPTransport, clock: any EngineClock, settings: MCPSettings = MCPSettings()
    ) {
        self.name = name
        self.transport = transport
        self.clock = clock
        self.settings = settings
        context = MCPContext(version: MCPVersions.modern[0], isModern: true)
    }

    /// For people: `MCP 2026-07-28, wire-lab 0.9.0`.
    package private(set) var identity = ""
    /// What the server says about its use.
    package private(set) var instructions: String?

    /// For people and scripts: revision, server, capabilities.
    package var description: JSONValue {
        var result: JSONObject = [
            "protocolVersion": .string(context.version), "identity": .string(identity), "capabilities": capabilities,
        ]
        if let instructions { result["instructions"] = .string(instructions) }
        return .object(result)
    }

    // MARK: opening

    /// Finds out the era, agrees on a version, and begins to listen for changes.
    package func open(notice: @escaping @Sendable (MCPNotice) async -> Void) async throws(EngineError) {
        self.notice = notice
        try await transport.open { [weak self] message, origin in await self?.receive(message, origin) }
        switch settings.era {
        case .legacy: try await initialize()
        case .automatic where !transport.mayBeModern: try await initialize()
        case .automatic: if try await probeModern() == false { try await initialize() }
        case .modern:
            guard try await probeModern() else {
                throw EngineError(.protocolViolation, "the server does not speak \(MCPVersions.modern[0])")
            }
        }
        listen()
    }

    /// Asks as the modern era does. False: the server is of the legacy era.
    /// - Parameter again: the server has refused the version once.
    private func probeModern(again: Bool = false) async throws(EngineError) -> Bool {
        let answer: JSONValue
        do throws(EngineError) {
            answer = try await exchange("server/discover", JSONObject(), within: Self.probeMilliseconds)
        } catch {
            // No answer to an unknown question is how old servers say no; a dead or refusing one fails for good.
            switch error.code {
            case .timedOut, .notFound, .refused, .protocolViolation: return false
            default: throw error
            }
        }
        if let failure = JSONRPC.Failure(answer) {
            guard failure.code == JSONRPC.unsupportedVersion, try agree(offered: failure) else { return false }
            return again ? true : try await probeModern(again: true)
        }
        guard let result = answer["result"] else { return false }
        let offered = result["supportedVersions"]?.array?.compactMap(\.string) ?? []
        guard let shared = MCPVersions.modern.first(where: offered.contains) else { return false }
        context.version = shared
        capabilities = result["capabilities"] ?? .null
        instructions = result["instructions"]?.string
        identify(result["_meta"]?["io.modelcontextprotocol/serverInfo"])
        return true
    }

    /// Takes a version that the server speaks.
    /// - Returns: false when it is of the legacy era.
    private func agree(offered failure: JSONRPC.Failure) throws(EngineError) -> Bool {
        let offered = failure.data?["supported"]?.array?.compactMap(\.string) ?? []
        if let shared = MCPVersions.modern.first(where: offered.contains) {
            context.version = shared
            return true
        }
        if offered.contains(where: MCPVersions.legacy.contains) { return false }
        throw EngineError(
            .protocolViolation,
            "no protocol version in common: the server speaks \(offered.joined(separator: ", ")), this program "
                + MCPVersions.all)
    }

    private func initialize() async throws(EngineError) {
        context = MCPContext(version: MCPVersions.legacy[0], isModern: false)
        let params: JSONObject = [
            "protocolVersion": .string(MCPVersions.legacy[0]), "capabilities": clientCapabilities,
            "clientInfo": Self.client,
        ]
        let answer = try await exchange("initialize", params, within: 15_000)
        if let failure = JSONRPC.Failure(answer) {
            throw EngineError(.refused, "the server refused to begin: \(failure.message) (\(failure.code))")
        }
        guard let result = answer["result"], let version = result["protocolVersion"]?.string else {
            throw EngineError(.protocolViolation, "the server's answer to 'initialize' names no protocol version")
        }
        guard MCPVersions.legacy.contains(version) else {
            throw EngineError(
                .protocolViolation, "the server speaks \(version); this program speaks \(MCPVersions.all)")
        }
        context.version = version
        capabilities = result["capabilities"] ?? .null
        instructions = result["instructions"]?.string
        identify(result["serverInfo"])
        try await transport.notify(JSONRPC.notification(method: "notifications/initialized"), context: context)
        if capabilities["logging"] != nil {
            _ = try? await exchange("logging/setLevel", ["level": .string(settings.logLevel)], within: 5_000)
        }
    }

    private static let client: JSONValue = [
        "name": "cleo-tui", "title": "cleo-tui", "version": .string(ProgramInfo.version),
    ]

    private var clientCapabilities: JSONValue {
        var all: JSONObject = ["sampling": [:], "elicitation": ["form": [:], "url": [:]]]
        if !settings.roots.isEmpty { all["roots"] = [:] }
        if context.isModern { all["extensions"] = ["io.modelcontextprotocol/tasks": [:]] }
        return .object(all)
    }

    private func identify(_ server: JSONValue?) {
        let name = [server?["name"]?.string, server?["version"]?.string].compactMap { $0 }.joined(separator: " ")
        identity = "MCP \(context.version)" + (name.isEmpty ? "" : ", \(name)")
    }

    /// List changes come on a stream that the client asks for; over legacy stdio they come by themselves.
    private func listen() {
        guard context.isModern else {
            let context = context
            background.append(Task { [transport] in await transport.listen(context: context) })
            return
        }
        var wanted = JSONObject()
        for (kind, name) in [
            ("tools", "toolsListChanged"), ("prompts", "promptsListChanged"), ("resources", "resourcesListChanged"),
        ] where capabilities[kind]?["listChanged"]?.bool == true { wanted[name] = true }
        guard !wanted.isEmpty else { return }
        background.append(Task { await self.subscribe(["notifications": .object(wanted)]) })
    }

    /// Keeps a subscription up: a stream that ends is asked for again, after growing pauses.
    private func subscribe(_ params: JSONObject) async {
        var failures = 0
        while !Task.isCancelled, failures < 6 {
            let began = clock.now().milliseconds
            let answer = try? await exchange("subscriptions/listen", params, within: nil)
            // A server that says no once says no again.
            if let answer, JSONRPC.Failure(answer) != nil { return }
            failures = clock.now().milliseconds - began > 10_000 ? 0 : failures + 1
            try? await clock.sleep(milliseconds: 500 << failures)
            // What changed meanwhile was not told.
            if wantsTools(params) { tell(.toolsChanged) }
        }
    }

    private func wantsTools(_ params: JSONObject) -> Bool {
        params["notifications"]?["toolsListChanged"]?.bool == true && !Task.isCancelled
    }

    package func close() async {
        for task in background { task.cancel() }
        noticing?.cancel()
        await transport.close()
    }

    // MARK: messages

    /// A request's result. A session that the server has forgotten is begun anew, once.
    func result(
        of method: String, _ params: JSONObject, within limit: Int?, running: Running? = nil
    ) async throws(EngineError) -> JSONValue {
        let generation = generation
        switch await self.answer(to: method, params, within: limit, running: running) {
        case .success(let answer):
            guard let failure = JSONRPC.Failure(answer) else { return answer["result"] ?? .null }
            if failure.code == JSONRPC.headerMismatch, method == "tools/call" {
                // The list has changed under us: the headers are made anew from it.
                _ = try await tools()
                return try await plainResult(of: method, params, within: limit, running)
            }
            if failure.code == JSONRPC.unsupportedVersion, context.isModern, try agree(offered: failure) {
                return try await plainResult(of: method, params, within: limit, running)
            }
            if failure.code == JSONRPC.linksRequired, let running,
                await visit(failure.data?["elicitations"]?.array ?? [], running)
            {
                return try await plainResult(of: method, params, within: limit, running)
            }
            throw failure.engineError
        case .failure(let error):
            guard error == MCPLostSession.error else { throw error }
            try await reopening.run { [weak self] () async throws(EngineError) in try await self?.reopen(generation) }
            return try await plainResult(of: method, params, within: limit, running)
        }
    }

    private let reopening = SharedWork<Void>()
    /// Counts the sessions of this connection.
    private var generation = 0

    /// Begins a session anew, unless somebody has since.
    private func reopen(_ lost: Int) async throws(EngineError) {
        guard generation == lost else { return }
        try await initialize()
        generation += 1
        listen()
    }

    private func answer(
        to method: String, _ params: JSONObject, within limit: Int?, running: Running?
    ) async -> Result<JSONValue, EngineError> {
        do throws(EngineError) {
            return .success(try await exchange(method, params, within: limit, running: running))
        } catch {
            return .failure(error)
        }
    }

    private func plainResult(
        of method: String, _ params: JSONObject, within limit: Int?, _ running: Running?
    ) async throws(EngineError) -> JSONValue {
        let answer = try await exchange(method, params, within: limit, running: running)
        if let failure = JSONRPC.Failure(answer) { throw failure.engineError }
        return answer["result"] ?? .null
    }

    private func exchange(
        _ method: String, _ params: JSONObject, within limit: Int?, running: Running? = nil
    ) async throws(EngineError) -> JSONValue {
        nextID += 1
        let id = nextID
        var params = params
        var meta = params["_meta"]?.object ?? JSONObject()
        if let running {
            self.running[id] = running
            meta["progressToken"] = .int(id)
        }
        defer { self.running[id] = nil }
        if context.isModern {
            meta["io.modelcontextprotocol/protocolVersion"] = .string(context.version)
            meta["io.modelcontextprotocol/clientInfo"] = Self.client
            meta["io.modelcontextprotocol/clientCapabilities"] = clientCapabilities
            if running != nil { meta["io.modelcontextprotocol/logLevel"] = .string(settings.logLevel) }
        }
        if !meta.isEmpty { params["_meta"] = .object(meta) }
        let request = MCPOutgoing(
            id: id, method: method, message: JSONRPC.request(id: id, method: method, params: params),
            context: context, mirrored: mirrored(method, params),
            cancellation: JSONRPC.notification(
                method: "notifications/cancelled", params: ["requestId": .int(id)]))
        guard let limit else { return try await transport.exchange(request) }
        let transport = transport
        return try await withDeadline(milliseconds: limit, clock: clock, "'\(method)'") {
            () async throws(EngineError) in try await transport.exchange(request)
        }
    }

    /// `Mcp-Name` and `Mcp-Param-…` (2026-07-28, transports).
    private func mirrored(_ method: String, _ params: JSONObject) -> [Header] {
        let key: String? =
            switch method {
            case "tools/call", "prompts/get": "name"
            case "resources/read": "uri"
            case "tasks/get", "tasks/update", "tasks/cancel": "taskId"
            default: nil
            }
        guard context.isModern, let key, let name = params[key]?.string else { return [] }
        var headers = [Header("Mcp-Name", MCPContent.headerValue(name))]
        if method == "tools/call", let schema = schemas[name], let arguments = params["arguments"] {
            headers += MCPContent.mirroredArguments(schema, arguments)
        }
        return headers
    }

    /// Not awaited: what follows from a notice may need the very reader that brought it.
    private func tell(_ what: MCPNotice) {
        let before = noticing
        noticing = Task { [notice] in
            await before?.value
            guard !Task.isCancelled else { return }
            await notice?(what)
        }
    }

    private func receive(_ message: JSONValue, _ origin: Int?) async -> JSONValue? {
        let method = message["method"]?.string ?? ""
        let params = message["params"] ?? .null
        if let id = message["id"], !id.isNull {
            let asker = origin.flatMap { running[$0] } ?? running.max { $0.key < $1.key }?.value
            do throws(JSONRPC.Failure) {
                return JSONRPC.response(id: id, result: try await answer(method, params, asker))
            } catch {
                return JSONRPC.failure(id: id, code: error.code, message: error.message)
            }
        }
        switch method {
        case "notifications/progress":
            guard let token = params["progressToken"]?.int, let running = running[token], let call = running.call
            else { return nil }
            func finite(_ name: String) -> Double? { params[name]?.double.flatMap { $0.isFinite ? $0 : nil } }
            await running.host.progressed(
                ToolProgress(
                    call: call, progress: finite("progress") ?? 0, total: finite("total"),
                    message: params["message"]?.string))
        case "notifications/tools/list_changed":
            tell(.toolsChanged)
        case "notifications/prompts/list_changed":
            cache.forget("prompts/list")
            tell(.promptsChanged)
        case "notifications/resources/list_changed":
            cache.forget("resources/")
            tell(.resourcesChanged)
        case "notifications/resources/updated":
            cache.forget("resources/read")
            tell(.resourceUpdated(uri: params["uri"]?.string ?? ""))
        case "notifications/message":
            let data = params["data"] ?? .null
            let logger = params["logger"]?.string.map { "\(name)/\($0)" } ?? name
            let log = ServerLog(
                level: params["level"]?.string ?? "info", from: logger, text: data.string ?? data.text)
            if let asker = origin.flatMap({ running[$0] }) ?? running.max(by: { $0.key < $1.key })?.value {
                await asker.host.logged(log)
            } else {
                tell(.logged(log))
            }
        default: break
        }
        return nil
    }
}
