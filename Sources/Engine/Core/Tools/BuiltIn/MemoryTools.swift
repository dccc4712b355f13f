/// What an agent keeps from one turn, or one conversation, to the next.
package struct MemoryTools: Sendable {
    private let memories: any Memories
    private let agent: String
    private let redactor: Redactor

    private static let textLimit = 16 << 10

    /// - Parameter agent: whose memory the scope `agent` is.
    package init(_ memories: any Memories, agent: String, redactor: Redactor) {
        self.memories = memories
        self.agent = agent
        self.redactor = redactor
    }

    package var tools: [BuiltInTool] {
        let scopes = MemoryScope.Kind.allCases.map(\.rawValue)
        return [
            BuiltInTool(
                "remember", "Keeps a fact for later.",
                [
                    "text": Argument.text("the fact, in a sentence that stands alone"),
                    "scope": Argument.word(
                        "user: for every agent of this person; agent: for this agent, the usual one; session: for this conversation",
                        scopes),
                ], required: ["text"], readOnly: false, run: remember),
            BuiltInTool(
                "recall", "Finds what was remembered, the best match first.",
                [
                    "query": Argument.text("words to look for; the newest memories when not given"),
                    "scope": Argument.word("only of this scope", scopes),
                    "limit": Argument.number("how many; 10 when not given", 1...100),
                ], run: recall),
            BuiltInTool(
                "forget", "Forgets one memory for good.",
                ["id": Argument.number("the memory's number, as recall tells it", 1...Int(Int32.max))],
                required: ["id"], readOnly: false, run: forget),
        ]
    }

    private func scopes(_ call: BuiltInCall) -> [MemoryScope] {
        [MemoryScope(.user), MemoryScope(.agent, owner: agent)]
            + (call.host.session.map { [MemoryScope(.session, owner: $0.rawValue)] } ?? [])
    }

    private func scope(_ call: BuiltInCall, _ name: String) throws(EngineError) -> MemoryScope {
        guard let scope = scopes(call).first(where: { $0.kind.rawValue == name }) else {
            throw EngineError(.invalidInput, "there is no conversation here, so nothing has the scope '\(name)'")
        }
        return scope
    }

    @Sendable private func remember(_ call: BuiltInCall) async throws(EngineError) -> ToolAnswer {
        let text = redactor.clean(call.text("text"))
        guard !text.allSatisfy(\.isWhitespace) else { throw EngineError(.invalidInput, "there is nothing to remember") }
        guard text.utf8.count <= Self.textLimit else {
            throw EngineError(.tooLarge, "a memory may have \(Self.textLimit >> 10) KiB")
        }
        let memory = try await memories.remember(text, try scope(call, call.arguments["scope"]?.string ?? "agent"))
        return Self.answer(Self.value(memory))
    }

    @Sendable private func recall(_ call: BuiltInCall) async throws(EngineError) -> ToolAnswer {
        var wanted = scopes(call)
        if let name = call.arguments["scope"]?.string { wanted = [try scope(call, name)] }
        let found = try await memories.recall(call.text("query"), wanted, limit: call.number("limit", 10))
        return Self.answer(["memories": .array(found.map(Self.value))])
    }

    @Sendable private func forget(_ call: BuiltInCall) async throws(EngineError) -> ToolAnswer {
        let id = call.number("id", 0)
        guard try await memories.forget(id, scopes(call)) else {
            throw EngineError(.notFound, "there is no memory \(id)")
        }
        return Self.answer(["forgotten": .int(id)])
    }

    private static func value(_ memory: Memory) -> JSONValue {
        [
            "id": .int(memory.id), "scope": .string(memory.scope.rawValue), "text": .string(memory.text),
            "at": .string(memory.at.utcText),
        ]
    }

    private static func answer(_ value: JSONValue) -> ToolAnswer {
        var answer = ToolAnswer(text: value.text)
        answer.structured = value
        return answer
    }
}
