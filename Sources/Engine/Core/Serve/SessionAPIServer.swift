/// The session API's reading routes over the local log, for the sessions of one workspace.
struct SessionAPIServer {
    static let root = "/api/v1/sessions"
    private let server: AgentServer

    init(_ server: AgentServer) { self.server = server }

    private static func refusal(_ status: Int, _ words: String) -> ServerResponse {
        .json(status, ["error": .string(words)])
    }

    func answer(_ request: ServerRequest) async -> ServerResponse {
        guard request.method == "GET" else { return Self.refusal(405, "sessions are only read here") }
        do throws(EngineError) {
            let parts = request.path.dropFirst(Self.root.count).split(separator: "/").map(String.init)
            switch parts.count {
            case 0: return try await list(request, nil)
            case 1 where parts[0] == "search": return try await list(request, request.query["q"] ?? "")
            case 1, 2: return try await one(parts[0], parts.count == 2 ? parts[1] : nil, request)
            default: return Self.refusal(404, "not found")
            }
        } catch {
            return Self.refusal(error.code == .notFound ? 404 : 500, error.message)
        }
    }

    /// - Parameter words: nil for all.
    private func list(_ request: ServerRequest, _ words: String?) async throws(EngineError) -> ServerResponse {
        let limit = number(request, "limit", 20, 1...100)
        let offset = number(request, "offset", 0, 0...10_000)
        let wanted = server.settings.agents.filter { agent in
            request.query["agent", default: agent.name] == agent.name
                && request.query["namespace", default: agent.namespace] == agent.namespace
        }
        guard let first = wanted.first else { return .json(200, ["sessions": [], "total": 0, "hasMore": false]) }
        var found: [SessionSummary] = []
        for agent in wanted {
            found += try await server.store.sessions(
                SessionFilter(
                    workspace: first.stable.opened.workspace, agent: agent.stable.opened.agent, limit: 10_000))
        }
        var ids = found.sorted { $0.updated > $1.updated }.map(\.id)
        if let words {
            let found = Set(try await server.store.search(words, limit: 1_000).map(\.session))
            ids = ids.filter { found.contains($0) }
        }
        var rows: [JSONValue] = []
        for id in ids.dropFirst(offset).prefix(limit) {
            rows.append(row(try await read(id)))
        }
        return .json(
            200,
            ["sessions": .array(rows), "total": .int(ids.count), "hasMore": .bool(offset + rows.count < ids.count)])
    }

    private func one(_ id: String, _ what: String?, _ request: ServerRequest) async throws(EngineError)
        -> ServerResponse
    {
        let rows = try await read(SessionID(id))
        guard let opened = rows.opened, opened.workspace == server.settings.agents[0].stable.opened.workspace else {
            return Self.refusal(404, "session not found")
        }
        let list: [JSONValue]
        switch what {
        case nil:
            return .json(
                200,
                [
                    "session": row(rows),
                    "messages": .array(rows.messages),
                ])
        case "messages":
            let after = number(request, "after", 0, 0...Int(Int32.max))
            let before = number(request, "before", Int(Int32.max), 0...Int(Int32.max))
            let wanted = rows.messages.filter {
                after < $0["sequenceNum"]?.int ?? 0 && $0["sequenceNum"]?.int ?? 0 < before
            }
            let page = wanted.prefix(number(request, "limit", 50, 1...500))
            return .json(200, ["messages": .array(Array(page)), "hasMore": .bool(page.count < wanted.count)])
        case "tool-calls": list = rows.toolCalls
        case "provider-calls": list = rows.providerCalls
        case "events": list = rows.events
        case "eval-results": list = rows.evalResults
        default: return Self.refusal(404, "not found")
        }
        let page = list.dropFirst(number(request, "offset", 0, 0...1_000_000)).prefix(
            number(request, "limit", 100, 1...500))
        return .json(200, .array(Array(page)))
    }

    private func row(_ rows: SessionRows) -> JSONValue {
        let agent = server.settings.agent(rows.opened?.agent) ?? server.settings.agents[0]
        return rows.session(agent: rows.opened?.agent ?? agent.name, namespace: agent.namespace)
    }

    private func read(_ id: SessionID) async throws(EngineError) -> SessionRows {
        SessionRows(id, try await server.store.events(of: id, after: 0))
    }

    private func number(_ request: ServerRequest, _ name: String, _ standard: Int, _ range: ClosedRange<Int>) -> Int {
        min(max(request.query[name].flatMap { Int($0) } ?? standard, range.lowerBound), range.upperBound)
    }
}
