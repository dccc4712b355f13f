/// All tools of a workspace: starts their servers, knows who serves what, checks arguments, runs calls.
///
/// One broken server never stops the others: its state says what is wrong. Where two handlers offer the same name,
/// the first one of the tools file keeps it.
package actor ToolBox {
    private struct Served {
        let handler: any ToolHandler
        let tool: ToolDescriptor
        let schema: JSONSchema
        let output: JSONSchema?
    }

    private var handlers: [any ToolHandler]
    private let patterns: any PatternCompiler
    private let clock: any EngineClock
    private var updates: [String: HandlerUpdate] = [:]
    private var served: [String: Served] = [:]
    private var starts: [Task<Void, Never>] = []
    /// Which start of a handler is the present one.
    private var launched: [String: Int] = [:]
    private var launches = 0
    private var listeners: [SessionID: @Sendable (HandlerState) async -> Void] = [:]
    private var settled: [CheckedContinuation<Void, Never>] = []
    private var breakers: [String: CircuitBreaker] = [:]
    private let breaking: CircuitBreaker.Settings
    private let limits: [String: Gate.Limits]
    private var gates: [String: Gate] = [:]
    /// Answers that the person gives in the place of tools.
    private var mocks: [String: JSONValue] = [:]

    package init(
        handlers: [any ToolHandler], patterns: any PatternCompiler, clock: any EngineClock,
        breaker: CircuitBreaker.Settings = CircuitBreaker.Settings(), limits: [String: Gate.Limits] = [:]
    ) {
        breaking = breaker
        self.limits = limits
        self.handlers = handlers
        self.patterns = patterns
        self.clock = clock
        updates = Dictionary(handlers.map { ($0.name, HandlerUpdate(.starting)) }) { first, _ in first }
    }

    /// Starts every server, each on its own; returns at once.
    package func start() {
        guard starts.isEmpty else { return }
        for handler in handlers { launch(handler) }
    }

    /// Serves other handlers from now on.
    /// - Parameter names: handlers that are the same as before, and go on running.
    package func replace(with new: [any ToolHandler], keeping names: Set<String>) async {
        let old = handlers
        handlers = new.map { handler in
            names.contains(handler.name) ? old.first { $0.name == handler.name } ?? handler : handler
        }
        let fresh = handlers.filter { handler in
            !names.contains(handler.name) || !old.contains { $0.name == handler.name }
        }
        for handler in old where !names.contains(handler.name) { updates[handler.name] = nil }
        for handler in fresh { updates[handler.name] = HandlerUpdate(.starting) }
        rebuild()
        for handler in old where !names.contains(handler.name) {
            await handler.stop()
            let isBack = handlers.contains { $0.name == handler.name }
            let gone = HandlerState(handler: handler.name, kind: handler.kindName, phase: .stopped)
            if !isBack { for listener in listeners.values { await listener(gone) } }
        }
        for handler in fresh { launch(handler) }
    }

    private func launch(_ handler: any ToolHandler) {
        launches += 1
        let number = launches
        launched[handler.name] = number
        starts.append(
            Task {
                await handler.start { [weak self] update in await self?.take(update, from: handler, number) }
            })
    }

    package func stop() async {
        for task in starts { task.cancel() }
        await withTaskGroup(of: Void.self) { group in
            for handler in handlers { group.addTask { await handler.stop() } }
        }
        settle()
    }

    /// Calls back with every state there is, then with every change.
    package func listen(_ session: SessionID, _ listener: @escaping @Sendable (HandlerState) async -> Void) async {
        listeners[session] = listener
        for state in states { await listener(state) }
    }

    package func unlisten(_ session: SessionID) { listeners[session] = nil }

    /// In the order of the tools file.
    package var states: [HandlerState] {
        handlers.compactMap { handler in updates[handler.name].map { state(of: handler, $0) } }
    }

    private func state(of handler: any ToolHandler, _ update: HandlerUpdate) -> HandlerState {
        let mine = update.tools.filter { served[$0.name]?.handler.name == handler.name }
        let lost = update.tools.count - mine.count
        let detail = [update.detail, lost > 0 ? "\(lost) of its tools hidden by an earlier handler" : nil]
        return HandlerState(
            handler: handler.name, kind: handler.kindName, phase: update.phase,
            tools: mine.map(ToolSummary.init),
            detail: detail.compactMap(\.self).isEmpty ? nil : detail.compactMap(\.self).joined(separator: "; "),
            prompts: update.prompts, resources: update.resources)
    }

    private func take(_ update: HandlerUpdate, from handler: any ToolHandler, _ number: Int) async {
        var update = update
        // One that was replaced has nothing to say any more.
        guard updates[handler.name] != nil, launched[handler.name] == number else { return }
        // A server that is being started again, or failed, still says what it offered.
        if update.phase != .ready, update.tools.isEmpty { update.tools = updates[handler.name]?.tools ?? [] }
        updates[handler.name] = update
        rebuild()
        if !isStarting { settle() }
        let state = state(of: handler, update)
        for listener in listeners.values { await listener(state) }
    }

    private func rebuild() {
        var next: [String: Served] = [:]
        for handler in handlers {
            for tool in updates[handler.name]?.tools ?? [] where next[tool.name] == nil {
                if let old = served[tool.name], old.tool == tool, old.handler.name == handler.name {
                    next[tool.name] = old
                } else {
                    next[tool.name] = Served(
                        handler: handler, tool: tool, schema: JSONSchema(tool.inputSchema, patterns: patterns),
                        output: tool.outputSchema.map { JSONSchema($0, patterns: patterns) })
                }
            }
        }
        served = next
    }

    private var isStarting: Bool { updates.values.contains { $0.phase == .starting } }

    private func settle() {
        for waiter in settled { waiter.resume() }
        settled = []
    }

    /// Waits until no server is starting, but at most so long.
    /// - Returns: whether there was anything to wait for.
    package func waitForStart(milliseconds: Int) async -> Bool {
        guard isStarting else { return false }
        let limit = Task { [clock] in
            try? await clock.sleep(milliseconds: milliseconds)
            settle()
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { settled.append($0) }
        } onCancel: {
            Task { await self.settle() }
        }
        limit.cancel()
        return true
    }

    /// Waits until every server has said all that it offers, but at most so long.
    package func waitForOffers(milliseconds: Int) async {
        let starts = starts
        _ = try? await withDeadline(milliseconds: milliseconds, clock: clock, "the start") {
            () async throws(EngineError) in
            for start in starts { await start.value }
        }
    }

    /// Every tool that can be called, in the order of the tools file.
    package var tools: [ToolDescriptor] {
        handlers.flatMap { handler in
            (updates[handler.name]?.phase == .ready ? updates[handler.name]?.tools ?? [] : []).filter {
                served[$0.name]?.handler.name == handler.name
            }
        }
    }

    /// Who serves the tool, and what is known of it.
    package func find(_ tool: String) -> (handler: String, tool: ToolDescriptor)? {
        served[tool].map { ($0.handler.name, $0.tool) }
    }

    /// What is wrong with a call before it is made; nil when it can be made.
    package func objection(to call: ToolCall) -> EngineError? {
        guard let served = served[call.tool] else {
            let hint = Suggestion.hint(for: call.tool, among: self.served.keys.sorted())
            return EngineError(.notFound, "there is no tool '\(call.tool)'", hint: hint)
        }
        if case .string(let text) = call.arguments {
            return EngineError(.invalidInput, "the arguments are not a JSON object: \(text.prefix(200))")
        }
        let issues = served.schema.issues(in: call.arguments)
        guard !issues.isEmpty else { return nil }
        let listed = issues.prefix(8).map { issue in
            issue.pointer.isEmpty ? issue.message : "\(issue.pointer): \(issue.message)"
        }
        return EngineError(
            .invalidInput,
            "the arguments do not fit the schema of '\(call.tool)': " + listed.joined(separator: "; "))
    }

    /// Runs a call that has no objection.
    /// - Parameter approved: the handler for which it was allowed; another one that took the name over does not get it.
    package nonisolated func run(
        _ call: ToolCall, host: any ToolHost, approved: String? = nil
    ) async throws(EngineError) -> ToolAnswer {
        guard let served = await served[call.tool] else {
            throw EngineError(.notFound, "there is no tool '\(call.tool)'")
        }
        if let approved, served.handler.name != approved {
            throw EngineError(
                .refused, "'\(call.tool)' is served by '\(served.handler.name)' now, and was allowed for '\(approved)'")
        }
        let handler = served.handler
        if let mock = await mocks[call.tool] {
            return ToolAnswer(text: mock.string ?? mock.text, attributes: ["cleo.tool.mocked": true])
        }
        if let objection = await breakerObjection(call.tool) { throw objection }
        let gate = await gate(handler.name)
        try await gate?.enter(handler.name)
        defer { gate?.leave() }
        do throws(EngineError) {
            let patient = PatientHost(host, clock: clock)
            let answer = try await withDeadline(
                milliseconds: handler.timeout, clock: clock, "the tool '\(call.tool)'",
                excluding: { patient.waited }
            ) { () async throws(EngineError) in
                try await handler.call(call, host: patient)
            }
            await ended(call.tool, nil)
            return Self.checked(answer, served)
        } catch {
            await ended(call.tool, error)
            throw error
        }
    }

    /// A promise about the answer that was not kept is said; the model gets the answer all the same.
    private static func checked(_ answer: ToolAnswer, _ served: Served) -> ToolAnswer {
        guard let schema = served.output, !answer.isError else { return answer }
        var answer = answer
        let issues: [String]
        if let value = answer.structured ?? (try? JSONParser.parse(answer.text)) {
            issues = schema.issues(in: value).prefix(8).map { "\($0.pointer): \($0.message)" }
        } else {
            issues = ["the answer is not JSON"]
        }
        if !issues.isEmpty { answer.attributes["cleo.tool.output.mismatch"] = .string(issues.joined(separator: "; ")) }
        return answer
    }

    private func gate(_ handler: String) -> Gate? {
        guard let limits = limits[handler] else { return nil }
        if let gate = gates[handler] { return gate }
        let gate = Gate(limits, clock: clock)
        gates[handler] = gate
        return gate
    }

    private func breakerObjection(_ tool: String) -> EngineError? {
        breakers[tool, default: CircuitBreaker()].objection(tool, now: clock.now())
    }

    private func ended(_ tool: String, _ error: EngineError?) {
        breakers[tool, default: CircuitBreaker()].ended(error, breaking, now: clock.now())
    }

    /// Whether a server answers.
    /// - Returns: what is wrong with it, and how long the answer took.
    package func probe(_ name: String) async -> (problem: String?, milliseconds: Int) {
        guard let handler = handlers.first(where: { $0.name == name }), let update = updates[name] else {
            return ("there is no handler '\(name)'", 0)
        }
        if update.phase == .starting { return ("it has not answered yet", 0) }
        if update.phase != .ready { return (update.detail ?? update.phase.rawValue, 0) }
        let began = clock.now().milliseconds
        do throws(EngineError) {
            try await withDeadline(milliseconds: 10_000, clock: clock, "'\(name)'") { () async throws(EngineError) in
                try await handler.probe()
            }
            return (nil, clock.now().milliseconds - began)
        } catch {
            return (error.message, clock.now().milliseconds - began)
        }
    }

    /// What a call would send.
    /// - Throws: `notFound` when nobody serves the tool, `invalidInput` when the call cannot be made.
    package func preview(_ call: ToolCall) throws(EngineError) -> CallPreview {
        if let objection = objection(to: call) { throw objection }
        guard let handler = served[call.tool]?.handler, let preview = try handler.preview(call) else {
            throw EngineError(.invalidInput, "a call of '\(call.tool)' sends nothing", hint: "it is answered here")
        }
        return preview
    }

    /// The MCP server of a handler.
    /// - Throws: `notFound` when there is none.
    package func server(_ name: String) throws(EngineError) -> MCPToolHandler {
        guard let server = handlers.first(where: { $0.name == name })?.server else {
            throw EngineError(
                .notFound, "'\(name)' is no MCP server",
                hint: Suggestion.hint(for: name, among: handlers.compactMap { $0.server?.name }))
        }
        return server
    }

    /// Answers for a tool, so that one sees what the agent makes of it; nil lets the tool answer again.
    /// - Throws: `notFound` when nobody serves the tool.
    package func mock(_ tool: String, _ answer: JSONValue?) throws(EngineError) {
        guard served[tool] != nil else {
            throw EngineError(
                .notFound, "there is no tool '\(tool)'",
                hint: Suggestion.hint(for: tool, among: served.keys.sorted()))
        }
        mocks[tool] = answer
    }
}
