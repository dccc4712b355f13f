/// Read access to the conversations of one workspace, for other agents.
package struct SessionTools: Sendable {
    private let store: any SessionStore
    private let workspace: String
    private let render: @Sendable ([EngineEvent]) -> String

    private static let textLimit = 256 << 10
    private static let prefix = "cleo://sessions/"

    /// - Parameters:
    ///   - workspace: conversations of others are not shown.
    ///   - render: a conversation as text.
    package init(
        _ store: any SessionStore, workspace: String, render: @escaping @Sendable ([EngineEvent]) -> String
    ) {
        self.store = store
        self.workspace = workspace
        self.render = render
    }

    package var tools: [BuiltInTool] {
        [
            BuiltInTool(
                "list_sessions", "Lists the stored conversations of this workspace, the newest first.",
                ["limit": Argument.number("how many; 20 when not given", 1...200)], run: list),
            BuiltInTool(
                "search_sessions", "Finds messages of stored conversations that hold all the words.",
                [
                    "query": Argument.text("words; the last one may only begin so"),
                    "limit": Argument.number("how many; 20 when not given", 1...200),
                ], required: ["query"], run: search),
            BuiltInTool(
                "read_session", "One stored conversation as text, with its tool calls.",
                ["id": Argument.text("its name, as list_sessions tells it")], required: ["id"], run: read),
        ]
    }

    private func sessions(_ limit: Int) async throws(EngineError) -> [SessionSummary] {
        try await store.sessions(SessionFilter(workspace: workspace, limit: limit))
    }

    @Sendable private func list(_ call: BuiltInCall) async throws(EngineError) -> ToolAnswer {
        let found: [JSONValue] = try await sessions(call.number("limit", 20)).map {
            [
                "id": .string($0.id.rawValue), "title": .string($0.title), "pack": .string($0.pack),
                "model": .string($0.model), "turns": .int($0.turns), "updated": .string($0.updated.utcText),
            ]
        }
        return Self.answer(["sessions": .array(found)])
    }

    @Sendable private func search(_ call: BuiltInCall) async throws(EngineError) -> ToolAnswer {
        let own = Set(try await sessions(100_000).map(\.id))
        let hits = try await store.search(call.text("query"), limit: 1_000).filter { own.contains($0.session) }
        let found: [JSONValue] = hits.prefix(call.number("limit", 20)).map {
            [
                "session": .string($0.session.rawValue), "title": .string($0.title), "role": .string($0.role.rawValue),
                "at": .string($0.at.utcText), "excerpt": .string($0.excerpt),
            ]
        }
        return Self.answer(["messages": .array(found)])
    }

    @Sendable private func read(_ call: BuiltInCall) async throws(EngineError) -> ToolAnswer {
        ToolAnswer(text: try await text(of: SessionID(call.text("id"))))
    }

    private func text(of id: SessionID) async throws(EngineError) -> String {
        guard try await sessions(100_000).contains(where: { $0.id == id }) else {
            throw EngineError(.notFound, "there is no session '\(id)' in this workspace")
        }
        let text = render(try await store.events(of: id, after: 0))
        guard text.utf8.count > Self.textLimit else { return text }
        return String(decoding: text.utf8.prefix(Self.textLimit), as: UTF8.self)
            + "\n[cut after \(Self.textLimit >> 10) KiB]"
    }

    private static func answer(_ value: JSONValue) -> ToolAnswer {
        var answer = ToolAnswer(text: value.text)
        answer.structured = value
        return answer
    }

    // MARK: resources

    /// The newest conversations as MCP resources.
    func resources() async throws(EngineError) -> [JSONValue] {
        try await sessions(100).map {
            [
                "uri": .string(Self.prefix + $0.id.rawValue), "name": .string($0.id.rawValue),
                "title": .string($0.title), "mimeType": "text/plain",
            ]
        }
    }

    static let template: JSONValue = [
        "uriTemplate": .string(prefix + "{id}"), "name": "session", "title": "A stored conversation",
        "mimeType": "text/plain",
    ]

    func resource(_ uri: String) async throws(EngineError) -> JSONValue {
        guard uri.hasPrefix(Self.prefix) else { throw EngineError(.notFound, "there is no resource '\(uri)'") }
        let text = try await text(of: SessionID(String(uri.dropFirst(Self.prefix.count))))
        return ["uri": .string(uri), "mimeType": "text/plain", "text": .string(text)]
    }
}
