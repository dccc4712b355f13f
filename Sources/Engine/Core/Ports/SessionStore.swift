/// Knows which sessions there are.
package protocol SessionList: Sendable {
    /// Newest first.
    func sessions(_ filter: SessionFilter) async throws(EngineError) -> [SessionSummary]
    /// Why events cannot be written at the moment, for people; nil when all is well.
    var trouble: String? { get }
    /// Calls back whenever `trouble` changes. One listener at a time.
    func watchTrouble(_ listener: @escaping @Sendable () -> Void)
}

/// Keeps the events of all sessions.
///
/// Writing never blocks: `append` puts the event into the write queue, which is on the disk at most 50 ms later.
/// Reading waits for what was appended before.
package protocol SessionStore: SessionList {
    /// Queues a durable event.
    func append(_ event: EngineEvent)
    /// Keeps the unfinished message, at most 250 ms behind; nil when it is finished.
    func checkpoint(_ session: SessionID, _ checkpoint: Checkpoint?)
    func events(of session: SessionID, after sequence: Int) async throws(EngineError) -> [EngineEvent]
    /// What a crash left of an unfinished message.
    func checkpoint(of session: SessionID) async throws(EngineError) -> Checkpoint?
    /// Messages that hold all the words, newest first.
    func search(_ words: String, limit: Int) async throws(EngineError) -> [SearchHit]
    func remove(_ session: SessionID) async throws(EngineError)
    /// What all sessions together have cost since then, as far as prices are known; removed ones, too.
    func spent(since: Timestamp) async throws(EngineError) -> Money
    /// Takes the session for writing. False when another process has it.
    func claim(_ session: SessionID) async -> Bool
    /// Gives the session back: another process may write it.
    /// - Returns: false when some of it is not on the disk; then it is kept.
    func release(_ session: SessionID) -> Bool
    /// Returns when everything appended so far is on the disk.
    func flush() async
}

package struct Checkpoint: Sendable, Equatable {
    package var turn: TurnID
    package var message: MessageID
    package var text: String
    package var reasoning: String

    package init(turn: TurnID, message: MessageID, text: String, reasoning: String) {
        self.turn = turn
        self.message = message
        self.text = text
        self.reasoning = reasoning
    }
}

package struct SessionFilter: Sendable, Equatable {
    package var workspace: String?
    /// One of the workspace's agents.
    package var agent: String?
    package var limit: Int
    package init(workspace: String? = nil, agent: String? = nil, limit: Int = 50) {
        self.workspace = workspace
        self.agent = agent
        self.limit = limit
    }
}

package struct SessionSummary: Sendable, Equatable, Codable {
    package var id: SessionID
    package var title: String
    package var workspace: String
    package var pack: String
    package var model: String
    package var created: Timestamp
    package var updated: Timestamp
    package var turns: Int
    package var cost: Money
    /// Whether every call of the session has a known price.
    package var costIsComplete: Bool

    package init(
        id: SessionID, title: String, workspace: String, pack: String, model: String, created: Timestamp,
        updated: Timestamp, turns: Int, cost: Money, costIsComplete: Bool
    ) {
        self.id = id
        self.title = title
        self.workspace = workspace
        self.pack = pack
        self.model = model
        self.created = created
        self.updated = updated
        self.turns = turns
        self.cost = cost
        self.costIsComplete = costIsComplete
    }
}

package struct SearchHit: Sendable, Equatable {
    package var session: SessionID
    package var title: String
    package var role: Message.Role
    package var at: Timestamp
    /// The text around the first match, the match in «».
    package var excerpt: String

    package init(session: SessionID, title: String, role: Message.Role, at: Timestamp, excerpt: String) {
        self.session = session
        self.title = title
        self.role = role
        self.at = at
        self.excerpt = excerpt
    }
}
