/// OpenAI's chat interface over the agent: any chat client can talk to it; its tools run inside.
struct OpenAIServer {
    private let server: AgentServer

    init(_ server: AgentServer) { self.server = server }

    static func refusal(_ status: Int, _ message: String, param: String? = nil) -> ServerResponse {
        let type = status == 401 ? "authentication_error" : status >= 500 ? "server_error" : "invalid_request_error"
        return .json(
            status,
            [
                "error": [
                    "message": .string(message), "type": .string(type), "param": param.map { .string($0) } ?? .null,
                    "code": .null,
                ]
            ])
    }

    func answer(
        _ method: String, _ path: String, _ request: ServerRequest, _ connection: HTTPServerConnection
    ) async {
        func answer(_ response: ServerResponse) { connection.answer(response, keepsAlive: request.keepsAlive) }
        func model(_ agent: ServedAgent) -> JSONValue {
            ["id": .string(agent.name), "object": "model", "created": 0, "owned_by": "cleo-tui"]
        }
        switch (method, path) {
        case ("GET", "/v1/models"):
            return answer(.json(200, ["object": "list", "data": .array(server.settings.agents.map(model))]))
        case ("GET", _) where path.hasPrefix("/v1/models/"):
            let name = String(path.dropFirst("/v1/models/".count))
            guard let agent = server.settings.agent(name) else {
                return answer(Self.refusal(404, server.settings.noAgent(name), param: "model"))
            }
            return answer(.json(200, model(agent)))
        case ("POST", "/v1/chat/completions"): break
        case (_, "/v1/chat/completions"), (_, "/v1/models"):
            return answer(Self.refusal(405, "this method is not known here"))
        default: return answer(Self.refusal(404, "there is no '\(path)' here"))
        }
        guard !server.isDraining else { return answer(Self.refusal(503, "the server is shutting down")) }
        guard let body = try? JSONParser.parse(request.body), let messages = body["messages"]?.array else {
            return answer(Self.refusal(400, "the body is no JSON with 'messages'", param: "messages"))
        }
        let name = body["model"]?.string
        guard let agent = server.settings.agent(name) else {
            return answer(Self.refusal(404, server.settings.noAgent(name ?? ""), param: "model"))
        }
        if body["tools"]?.array?.isEmpty == false {
            return answer(
                Self.refusal(400, "the agent has its own tools; others cannot be given to it", param: "tools"))
        }
        guard let last = messages.last, last["role"] == "user" else {
            return answer(Self.refusal(400, "the last message must be the user's", param: "messages"))
        }
        let attachments: [Attachment]
        do throws(MessageParts.Refusal) {
            let parts = MessageParts.parts(ofChat: last["content"])
            attachments = try MessageParts(parts, server.uploads, now: server.clock.now()).attachments
        } catch {
            return answer(Self.refusal(400, error.message, param: "messages"))
        }
        guard !server.isFull else { return answer(Self.refusal(429, "too many conversations at once")) }
        agent.counters.began()
        let began = server.clock.now().milliseconds
        let isWell = await complete(agent, body, messages.dropLast(), last, attachments, request, connection)
        agent.counters.ended(
            isWell ? "success" : "error", seconds: Double(server.clock.now().milliseconds - began) / 1_000)
    }

    /// The images of a message, for telling it from others.
    private static func pictures(_ message: JSONValue) -> String {
        (MessageParts.parts(ofChat: message["content"]).array ?? []).compactMap { $0["media"]?["data"]?.string }
            .joined()
    }

    /// Of a message: a text, or its parts.
    private static func text(_ message: JSONValue) -> String {
        message["content"]?.string ?? AgentServer.text(of: message["content"])
    }

    /// What was said before goes into the log of a new session, as if it had been said here.
    private func seed(
        _ messages: [(role: String, text: String)], _ id: SessionID, _ opened: SessionOpened
    ) {
        var sequence = 0
        func append(_ body: TurnEvent, _ turn: TurnID?) {
            sequence += 1
            server.store.append(
                EngineEvent(sequence: sequence, at: server.clock.now(), session: id, turn: turn, body: body))
        }
        var turn: TurnID?
        if !messages.isEmpty { append(.sessionOpened(opened), nil) }
        for (role, text) in messages {
            switch role {
            case "user":
                if let turn { append(.turnFinished(TurnFinished(reason: .completed)), turn) }
                let next = TurnID(server.ids.next("turn"))
                turn = next
                append(.turnStarted(TurnStarted(message: MessageID(server.ids.next("m")), text: text)), next)
            default:
                guard let turn, !text.isEmpty else { continue }
                append(
                    .messageCompleted(Message(id: MessageID(server.ids.next("m")), role: .assistant, text: text)), turn)
            }
        }
        if let turn { append(.turnFinished(TurnFinished(reason: .completed)), turn) }
    }

    private func complete(
        _ agent: ServedAgent, _ body: JSONValue, _ history: ArraySlice<JSONValue>, _ last: JSONValue,
        _ attachments: [Attachment], _ request: ServerRequest, _ connection: HTTPServerConnection
    ) async -> Bool {
        let text = Self.text(last)
        let said = history.compactMap { message in
            message["role"]?.string.flatMap { role in
                role == "user" || role == "assistant" ? (role: role, text: Self.text(message)) : nil
            }
        }
        let who = [agent.name, request.header("authorization") ?? "", body["user"]?.string ?? ""]
        let before = history.map { Self.pictures($0) }
        let known = server.histories.take(said, who: who + before)
        let id = known?.session ?? SessionID(server.newSession())
        let version =
            known.map { agent.version($0.variant) }
            ?? agent.version(forNew: id, wanted: request.header("x-omnia-variant"))
        if known == nil { seed(said, id, version.opened) }
        let isStreaming = body["stream"]?.bool == true
        let wantsUsage = body["stream_options"]?["include_usage"]?.bool == true
        let created = server.clock.now().milliseconds / 1_000
        let reply = "chatcmpl-\(id.rawValue)"
        func chunk(_ delta: JSONValue, finish: String? = nil) -> JSONValue {
            [
                "id": .string(reply), "object": "chat.completion.chunk", "created": .int(created),
                "model": .string(agent.name),
                "choices": [["index": 0, "delta": delta, "finish_reason": finish.map { .string($0) } ?? .null]],
            ]
        }
        func event(_ value: JSONValue) -> Bool { connection.piece(Array("data: \(value.text)\n\n".utf8)) }
        var hasBegun = false
        func begin() {
            guard !hasBegun else { return }
            hasBegun = true
            connection.begin(200, [Header("Content-Type", "text/event-stream"), Header("Cache-Control", "no-store")])
            _ = event(chunk(["role": "assistant", "content": ""]))
        }
        func broken(_ status: Int, _ message: String) -> Bool {
            guard hasBegun else {
                connection.answer(Self.refusal(status, message), keepsAlive: request.keepsAlive)
                return false
            }
            _ = event(["error": ["message": .string(message), "type": "server_error"]])
            connection.end()
            return false
        }
        let answer: TurnAnswer
        do throws(EngineError) {
            answer = try await TurnAnswer.run(server, version.client, id, text, attachments) { piece in
                guard isStreaming else { return true }
                begin()
                return event(chunk(["content": .string(piece)]))
            }
        } catch {
            return broken(error.code == .rateLimited ? 429 : 500, error.message)
        }
        if let error = answer.error { return broken(500, error) }
        server.histories.keep(
            said + [("user", text), ("assistant", answer.text)],
            who: who + before + [Self.pictures(last), ""], (id, version.variant))
        let usage: JSONValue = [
            "prompt_tokens": .int(answer.input), "completion_tokens": .int(answer.output),
            "total_tokens": .int(answer.input + answer.output),
        ]
        guard isStreaming else {
            connection.answer(
                .json(
                    200,
                    [
                        "id": .string(reply), "object": "chat.completion", "created": .int(created),
                        "model": .string(agent.name),
                        "choices": [
                            [
                                "index": 0, "message": ["role": "assistant", "content": .string(answer.text)],
                                "finish_reason": .string(answer.finish),
                            ]
                        ], "usage": usage,
                    ]), keepsAlive: request.keepsAlive)
            return true
        }
        begin()
        _ = event(chunk([:], finish: answer.finish))
        if wantsUsage {
            var last = chunk([:]).object ?? [:]
            last["choices"] = []
            last["usage"] = usage
            _ = event(.object(last))
        }
        _ = connection.piece(Array("data: [DONE]\n\n".utf8))
        connection.end()
        return true
    }
}

/// One turn of the engine, for those who only want its text.
struct TurnAnswer {
    var text = ""
    var finish = "stop"
    var input = 0
    var output = 0
    var error: String?

    /// - Parameter piece: gets the text as it comes; false gives up.
    static func run(
        _ server: AgentServer, _ client: any EngineClient, _ id: SessionID, _ text: String,
        _ attachments: [Attachment], piece: (String) -> Bool
    ) async throws(EngineError) -> TurnAnswer {
        var answer = TurnAnswer()
        let turn = ServedTurn(server: server, client: client, session: id)
        let ending = try await turn.run(
            text, attachments, asks: { _, _ in false }, answered: { _ in },
            each: { event throws(EngineError) in
                switch event.body {
                case .messageDelta(let delta) where delta.channel == .text:
                    answer.text += delta.text
                    if !piece(delta.text) { try await client.submit(.cancelTurn(id)) }
                case .usageReported(let report):
                    answer.input += report.usage.prompt
                    answer.output += report.usage.output
                default: break
                }
            })
        switch ending {
        case .turnFinished(let finished):
            switch finished.reason {
            case .length, .roundLimit: answer.finish = "length"
            case .filtered, .guarded: answer.finish = "content_filter"
            case .completed, .cancelled, .interrupted: break
            }
        case .turnFailed(let error): answer.error = "\(error.code): \(error.message)"
        default: throw EngineError(.cancelled, "the engine was stopped")
        }
        return answer
    }
}
