/// The tools of one MCP server, and its prompts and resources.
///
/// A server that ends is started again, a few times, with growing pauses; its last words are kept for the person.
package actor MCPToolHandler: ToolHandler {
    package nonisolated let name: String
    package nonisolated let kindName: String
    package nonisolated let timeout: Int
    let spec: MCPHandlerSpec
    private let settings: MCPSettings
    /// The first one that gets through is used.
    private let makeTransports: [@Sendable () -> any MCPTransport]
    private let clock: any EngineClock
    private var connection: MCPConnection?
    private var transport: (any MCPTransport)?
    /// The one of `makeTransports` that got through.
    private var way: Int?
    private var report: (@Sendable (HandlerUpdate) async -> Void)?
    private var isStopped = false
    private var restarts = 0
    /// What the last failure was.
    private var failure: EngineError?
    private var tools: [ToolDescriptor] = []

    private static let restartLimit = 3
    /// How often the person is sent to the browser for one thing.
    private static let signInLimit = 2

    package init(
        name: String, kindName: String, spec: MCPHandlerSpec, timeout: Int, clock: any EngineClock,
        settings: MCPSettings = MCPSettings(), transports: [@Sendable () -> any MCPTransport]
    ) {
        self.name = name
        self.kindName = kindName
        self.spec = spec
        self.timeout = timeout
        self.clock = clock
        self.settings = settings
        makeTransports = transports
    }

    package nonisolated var server: MCPToolHandler? { self }

    package func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        self.report = report
        await open()
    }

    private func open() async {
        guard !isStopped else { return }
        await report?(HandlerUpdate(.starting))
        let ways = way.map { [$0] } ?? Array(makeTransports.indices)
        for way in ways {
            do throws(EngineError) {
                try await open(way)
                self.way = way
                return failure = nil
            } catch {
                // The first way's words say more, unless a later one got further.
                if way == ways.first || error.code == .unauthorized { failure = withLastWords(error) }
                await connection?.close()
                connection = nil
                guard !isStopped else { return }
                // An answer that is no MCP may be the older protocol; silence is silence.
                guard [.refused, .notFound, .protocolViolation, .invalidInput].contains(error.code) else { break }
            }
        }
        let hint = failure?.hint.map { "; \($0)" } ?? ""
        await report?(HandlerUpdate(.failed, detail: failure.map { $0.message + hint }))
    }

    private func open(_ way: Int) async throws(EngineError) {
        // A sign-in is kept by the transport.
        let kept = self.way == way && transport?.keepsSignIn == true ? transport : nil
        let transport = kept ?? makeTransports[way]()
        self.transport = transport
        let connection = MCPConnection(name: name, transport: transport, clock: clock, settings: settings)
        self.connection = connection
        try await connection.open { [weak self] notice in await self?.take(notice) }
        try await list(connection)
    }

    private func withLastWords(_ error: EngineError) -> EngineError {
        guard let words = transport?.lastWords else { return error }
        var error = error
        error.message += " — \(words)"
        return error
    }

    private func list(_ connection: MCPConnection) async throws(EngineError) {
        tools = try await connection.tools().filter { spec.offers($0.name) }
        await tell(connection)
    }

    private func tell(_ connection: MCPConnection) async {
        let detail = [await connection.identity] + (await connection.excluded)
        var update = HandlerUpdate(.ready, tools: tools, detail: detail.joined(separator: "; "))
        // A server without them is a server all the same.
        (update.prompts, update.resources) = offers
        await report?(update)
        guard let prompts = try? await connection.prompts(), let resources = try? await connection.resources(),
            (prompts, resources) != offers, self.connection === connection
        else { return }
        offers = (Array(prompts.prefix(Self.offerLimit)), Array(resources.prefix(Self.offerLimit)))
        (update.prompts, update.resources) = offers
        await report?(update)
    }

    private var offers: (prompts: [PromptSummary], resources: [ResourceSummary]) = ([], [])
    private static let offerLimit = 500

    private func take(_ notice: MCPNotice) async {
        guard let connection, !isStopped else { return }
        switch notice {
        case .toolsChanged:
            do throws(EngineError) {
                try await list(connection)
            } catch {
                await report?(HandlerUpdate(.failed, detail: error.message))
            }
        case .promptsChanged, .resourcesChanged: await tell(connection)
        case .resourceUpdated, .logged: break
        }
    }

    // MARK: use

    package func call(_ call: ToolCall, host: any ToolHost) async throws(EngineError) -> ToolAnswer {
        try await spec.retry.run(clock: clock) { _ throws(EngineError) in
            try await use(host) { (connection) async throws(EngineError) in try await connection.call(call, host: host)
            }
        }
    }

    /// Does something with the server: starts it again when it has ended, and signs in when it wants that.
    package func use<Value: Sendable>(
        _ host: any ToolHost, _ work: (MCPConnection) async throws(EngineError) -> Value
    ) async throws(EngineError) -> Value {
        var signIns = 0
        while true {
            if connection == nil, failure?.code != .unauthorized {
                try await restarting.run { [weak self] () async throws(EngineError) in await self?.restart() }
            }
            do throws(EngineError) {
                if connection == nil, failure?.code == .unauthorized { throw failure ?? notRunning }
                guard let connection else { throw notRunning }
                return try await attempt(connection, work)
            } catch {
                guard error.code == .unauthorized, signIns < Self.signInLimit, let transport,
                    try await transport.signIn(host: host)
                else { throw error }
                signIns += 1
                if connection == nil { await open() }
            }
        }
    }

    private var notRunning: EngineError {
        EngineError(.unreachable, "the server '\(name)' does not run" + (failure.map { ": \($0.message)" } ?? ""))
    }

    private func attempt<Value: Sendable>(
        _ connection: MCPConnection, _ work: (MCPConnection) async throws(EngineError) -> Value
    ) async throws(EngineError) -> Value {
        do throws(EngineError) {
            let value = try await work(connection)
            restarts = 0
            return value
        } catch {
            guard error.code == .unreachable || error.code == .tooLarge, self.connection === connection else {
                throw error
            }
            self.connection = nil
            let error = withLastWords(error)
            failure = error
            await report?(HandlerUpdate(.failed, detail: error.message))
            await connection.close()
            throw error
        }
    }

    private let restarting = SharedWork<Void>()

    private func restart() async {
        guard connection == nil, restarts < Self.restartLimit, !isStopped else { return }
        restarts += 1
        try? await clock.sleep(milliseconds: 200 << restarts)
        guard connection == nil, !Task.isCancelled else { return }
        await open()
    }

    /// Signs in, and starts.
    /// - Throws: `refused` when the server wants nobody to sign in, or the person does not.
    package func signIn(host: any ToolHost) async throws(EngineError) {
        guard let transport, try await transport.signIn(host: host) else {
            throw EngineError(.refused, "there is no way to sign in to '\(name)'")
        }
        if let connection { await connection.close() }
        connection = nil
        await open()
        if let failure { throw failure }
    }

    /// Revision, capabilities and instructions; nil when the server does not run.
    package var description: JSONValue? {
        get async { await connection?.description }
    }

    package func probe() async throws(EngineError) {
        guard let connection else { throw failure ?? notRunning }
        try await connection.ping()
    }

    package func stop() async {
        isStopped = true
        let connection = connection
        self.connection = nil
        await connection?.close()
    }
}
