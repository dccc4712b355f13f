/// What tools ask of the session while they run.
struct SessionHost: ToolHost {
    let runtime: SessionRuntime
    let turn: TurnID?
    let span: SpanID?
    /// What policies put into the call.
    var headers: [Header] = []

    var session: SessionID? { runtime.id }

    func progressed(_ progress: ToolProgress) async { await runtime.progressed(progress, turn) }

    func ask(_ question: Question) async -> QuestionReply { await runtime.ask(question, turn, span) }

    func sample(_ request: SamplingRequest) async throws(EngineError) -> SamplingAnswer {
        try await runtime.sample(request, turn, span)
    }

    func logged(_ message: ServerLog) async { await runtime.logged(message, turn) }
}

extension SessionRuntime {
    func progressed(_ progress: ToolProgress, _ turn: TurnID?) { emit(.toolProgress(progress), turn) }

    func logged(_ message: ServerLog, _ turn: TurnID?) {
        emit(.diagnostic(Diagnostic(message.severity, "\(message.from): \(message.text)", file: "")), turn)
    }

    /// Lays a question before the person and waits. A stopped turn takes the question away.
    func ask(_ question: Question, _ turn: TurnID?, _ parent: SpanID?) async -> QuestionReply {
        var question = question
        question.id = QuestionID(ids.next("question"))
        let id = question.id
        var span = openSpan(
            "question of \(question.from)", .approval, parent: parent, turn: turn,
            attributes: ["cleo.question.kind": .string(question.kind.rawValue)])
        let reply = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume(returning: QuestionReply(.cancel)) }
                questions[id] = continuation
                asked[id] = question
                emit(.questionAsked(question), turn)
            }
        } onCancel: {
            Task { await self.resume(id, QuestionReply(.cancel)) }
        }
        emit(.questionAnswered(QuestionAnswered(id: id, reply: reply)), turn)
        span.attributes["cleo.question.action"] = .string(reply.action.rawValue)
        close(&span, turn: turn, status: reply.action == .cancel ? .cancelled : .ok)
        return reply
    }

    /// - Throws: `invalidInput` when the values of a form do not fit what was asked for; the question stays.
    package func answer(_ id: QuestionID, _ reply: QuestionReply) throws(EngineError) {
        if reply.action == .accept, let schema = asked[id]?.schema {
            let issues = JSONSchema(schema, patterns: agent.patterns)
                .issues(in: MCPContent.withDefaults(reply.content ?? [:], schema))
            if let issue = issues.first {
                throw EngineError(.invalidInput, "\(issue.pointer.dropFirst()): \(issue.message)")
            }
        }
        resume(id, reply)
    }

    private func resume(_ id: QuestionID, _ reply: QuestionReply) {
        asked[id] = nil
        questions.removeValue(forKey: id)?.resume(returning: reply)
    }

    // MARK: what servers offer beside tools

    /// Fetches something from a server for the next message.
    func fetch(
        _ what: String, from handler: String,
        _ work: @escaping @Sendable (MCPConnection, any ToolHost) async throws(EngineError) -> ServerContent
    ) async throws(EngineError) {
        let server = try await tools.server(handler)
        let host = SessionHost(runtime: self, turn: nil, span: nil)
        byHand(CallID(ids.next("fetch"))) {
            do throws(EngineError) {
                let content = try await server.use(host) { (connection) async throws(EngineError) in
                    try await work(connection, host)
                }
                await self.emit(.serverContent(content), nil)
            } catch {
                await self.fetchFailed(what, error)
            }
        }
    }

    private func fetchFailed(_ what: String, _ error: EngineError) {
        emit(.diagnostic(Diagnostic(.error, "\(what): \(error.message)", file: "", hint: error.hint)), nil)
    }

    func suggest(
        _ handler: String, _ prompt: String, _ argument: String, _ value: String, _ chosen: [String: String]
    ) async throws(EngineError) {
        let server = try await tools.server(handler)
        let host = SessionHost(runtime: self, turn: nil, span: nil)
        suggesting?.cancel()
        suggesting = Task {
            // Whoever types fast asks once.
            try? await clock.sleep(milliseconds: 150)
            guard !Task.isCancelled else { return }
            let values = try? await server.use(host) { (connection) async throws(EngineError) in
                try await connection.completions(
                    ["type": "ref/prompt", "name": .string(prompt)], argument: argument, value: value, chosen: chosen)
            }
            if let values, !Task.isCancelled { emit(.suggestions(values), nil) }
        }
    }

    func signIn(to handler: String) async throws(EngineError) {
        let server = try await tools.server(handler)
        let host = SessionHost(runtime: self, turn: nil, span: nil)
        byHand(CallID(ids.next("sign-in"))) {
            do throws(EngineError) {
                try await server.signIn(host: host)
                await self.emit(.diagnostic(Diagnostic(.note, "signed in to '\(handler)'", file: "")), nil)
            } catch {
                await self.fetchFailed(handler, error)
            }
        }
    }

    /// A server's question to the model, when the person allows it: it costs the person's money, and the answer goes
    /// to the server.
    func sample(
        _ request: SamplingRequest, _ turn: TurnID?, _ parent: SpanID?
    ) async throws(EngineError) -> SamplingAnswer {
        let provider = agent.provider
        let words = request.messages.map { "\($0.role.rawValue): \($0.text)" }.joined(separator: "\n")
        let system = request.system.map { "system: \($0)\n" } ?? ""
        let reply = await ask(
            Question(
                .model, from: request.from, call: request.call,
                message: "wants to ask \(provider.model), and gets the answer:\n\(system)\(words)"), turn, parent)
        guard reply.action == .accept else {
            throw EngineError(.refused, "the person did not allow the question to the model")
        }
        let asked = ProviderRequest(
            system: request.system ?? "", messages: request.messages, parameters: request.parameters)
        let answer = try await askBeside("sampling \(provider.model)", provider, asked, turn, parent)
        return SamplingAnswer(text: answer.text, model: (answer.identity ?? provider.identity).model, stop: answer.stop)
    }
}
