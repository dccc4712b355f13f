/// The tools of one MCP server.
///
/// A server that ends is started again, a few times, with growing pauses; its last words are kept for the person.
package actor MCPToolHandler: ToolHandler {
    package nonisolated let name: String
    package nonisolated let kindName: String
    package nonisolated let timeout: Int
    private let spec: MCPHandlerSpec
    private let makeTransport: @Sendable () -> any MCPTransport
    private let clock: any EngineClock
    private var connection: MCPConnection?
    private var transport: (any MCPTransport)?
    private var report: (@Sendable (HandlerUpdate) async -> Void)?
    private var isStopped = false
    private var restarts = 0

    private static let restartLimit = 3

    package init(
        name: String, kindName: String, spec: MCPHandlerSpec, timeout: Int, clock: any EngineClock,
        transport: @escaping @Sendable () -> any MCPTransport
    ) {
        self.name = name
        self.kindName = kindName
        self.spec = spec
        self.timeout = timeout
        self.clock = clock
        makeTransport = transport
    }

    package func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        self.report = report
        await open()
    }

    private func open() async {
        guard !isStopped else { return }
        let transport = makeTransport()
        self.transport = transport
        let connection = MCPConnection(transport: transport, clock: clock)
        self.connection = connection
        await report?(HandlerUpdate(.starting))
        do throws(EngineError) {
            try await connection.open { [weak self] in await self?.listAgain() }
            try await list(connection)
        } catch {
            self.connection = nil
            await report?(HandlerUpdate(.failed, detail: withLastWords(error).message))
            await connection.close()
        }
    }

    private func withLastWords(_ error: EngineError) -> EngineError {
        guard let words = transport?.lastWords else { return error }
        var error = error
        error.message += " — \(words)"
        return error
    }

    private func list(_ connection: MCPConnection) async throws(EngineError) {
        let tools = try await connection.tools().filter { spec.offers($0.name) }
        await report?(HandlerUpdate(.ready, tools: tools, detail: await connection.identity))
    }

    private func listAgain() async {
        guard let connection, !isStopped else { return }
        do throws(EngineError) {
            try await list(connection)
        } catch {
            await report?(HandlerUpdate(.failed, detail: error.message))
        }
    }

    package func call(
        _ call: ToolCall, progress: @escaping @Sendable (ToolProgress) async -> Void
    ) async throws(EngineError) -> ToolAnswer {
        if connection == nil { await restart() }
        guard let connection else {
            throw EngineError(.unreachable, "the server '\(name)' does not run")
        }
        do throws(EngineError) {
            return try await connection.call(call, progress: progress)
        } catch {
            if error.code == .unreachable || error.code == .tooLarge, self.connection === connection {
                self.connection = nil
                let error = withLastWords(error)
                await report?(HandlerUpdate(.failed, detail: error.message))
                await connection.close()
                throw error
            }
            throw error
        }
    }

    private func restart() async {
        guard restarts < Self.restartLimit, !isStopped else { return }
        restarts += 1
        try? await clock.sleep(milliseconds: 200 << restarts)
        await open()
    }

    package func stop() async {
        isStopped = true
        let connection = connection
        self.connection = nil
        await connection?.close()
    }
}
