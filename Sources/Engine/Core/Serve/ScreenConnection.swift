/// One screen that looks at a served agent's sessions and acts in them.
actor ScreenConnection {
    private let server: AgentServer
    private let agent: ServedAgent
    private let socket: ServedWebSocket
    /// The version of each session that it reached for.
    private var versions: [SessionID: ServedAgent.Version] = [:]
    private var feeds: [Int: EventFeed] = [:]

    init(_ server: AgentServer, _ agent: ServedAgent, _ socket: ServedWebSocket) {
        self.server = server
        self.agent = agent
        self.socket = socket
    }

    func run(_ first: [UInt8]) async {
        socket.send([
            "hello": [
                "protocol": .int(ScreenProtocol.version), "agent": .string(agent.name),
                "workspace": .string(agent.stable.opened.workspace), "program": .string(ProgramInfo.version),
            ]
        ])
        await socket.run(first, beat: {}) { event in
            guard case .text(let bytes) = event, let json = try? JSONParser.parse(bytes), let id = json["id"]?.int
            else { return socket.leave(1_003, "this is no request") }
            do throws(EngineError) {
                if let answer = try await answer(id, json) { socket.send(answer) }
            } catch {
                socket.send(["id": .int(id), "error": ScreenProtocol.error(error)])
            }
        }
        for feed in feeds.values { feed.finish() }
        socket.close()
    }

    private func answer(_ id: Int, _ json: JSONValue) async throws(EngineError) -> JSONValue? {
        if let command = json["do"] {
            let command = try read(command)
            if case .send = command, server.isDraining {
                throw EngineError(.refused, "the engine is shutting down: nothing new is begun")
            }
            try await version(of: command.session).client.submit(command)
            return ["id": .int(id)]
        }
        if let session = json["follow"]?.string {
            try await follow(SessionID(session), after: json["after"]?.int ?? 0, id)
            return nil
        }
        if let left = json["leave"]?.int {
            feeds.removeValue(forKey: left)?.finish()
            return ["id": .int(id)]
        }
        if let session = json["known"]?.string {
            let log = try await server.store.events(of: SessionID(session), after: 0)
            return ["id": .int(id), "known": .bool(agent.version(of: log) != nil)]
        }
        if let limit = json["sessions"]?.int {
            let opened = agent.stable.opened
            let filter = SessionFilter(
                workspace: opened.workspace, agent: opened.agent, limit: min(max(limit, 1), 1_000))
            return ["id": .int(id), "sessions": JSONValue(encoding: try await server.store.sessions(filter))]
        }
        throw EngineError(.invalidInput, "this engine does not know the request", hint: "is it older than the screen?")
    }

    private func read(_ command: JSONValue) throws(EngineError) -> EngineCommand {
        do { return try command.decoded() } catch {
            throw EngineError(.invalidInput, "this engine does not know the command: is it older than the screen?")
        }
    }

    private func version(of session: SessionID) async throws(EngineError) -> ServedAgent.Version {
        if let known = versions[session] { return known }
        let log = try await server.store.events(of: session, after: 0)
        guard let version = log.isEmpty ? agent.version(forNew: session, wanted: nil) : agent.version(of: log) else {
            throw EngineError(.notFound, "the session '\(session)' is none of this agent's")
        }
        versions[session] = version
        return version
    }

    private func follow(_ session: SessionID, after: Int, _ id: Int) async throws(EngineError) {
        let feed = try await version(of: session).client.feed(of: session, after: after)
        feeds.updateValue(feed, forKey: id)?.finish()
        server.watched(session, 1)
        let (server, socket) = (server, socket)
        Task {
            while let events = await feed.next() {
                var batch: [String] = []
                var bytes = 0
                for event in events {
                    let text = event.json.text
                    if bytes + text.utf8.count > ScreenProtocol.batch { await send(batch) }
                    batch.append(text)
                    bytes += text.utf8.count
                }
                await send(batch)
                func send(_ texts: [String]) async {
                    guard !texts.isEmpty else { return }
                    await socket.room()
                    socket.send(text: "{\"id\":\(id),\"events\":[\(texts.joined(separator: ","))]}")
                    (batch, bytes) = ([], 0)
                }
            }
            server.watched(session, -1)
        }
    }
}
