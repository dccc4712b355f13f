import Engine

/// Reads on a connection of its own. Concurrency: belongs to the store's reading queue alone, hence `@unchecked`.
final class SQLiteReader: @unchecked Sendable {
    private let database: SQLiteDatabase

    init(_ database: SQLiteDatabase) { self.database = database }

    func events(of session: SessionID, after sequence: Int) throws(SQLiteDatabase.Failure) -> [EngineEvent] {
        var events: [EngineEvent] = []
        try database.run(
            "SELECT body FROM events WHERE session = ? AND sequence > ? ORDER BY sequence",
            [.text(session.rawValue), .int(sequence)]
        ) { row in
            if let json = try? JSONParser.parse(row.text(0)), let event = EngineEvent(json: json) {
                events.append(event)
            }
        }
        return events
    }

    func checkpoint(of session: SessionID) throws(SQLiteDatabase.Failure) -> Checkpoint? {
        var result: Checkpoint?
        try database.run(
            "SELECT turn, message, text, reasoning FROM checkpoints WHERE session = ?", [.text(session.rawValue)]
        ) { row in
            result = Checkpoint(
                turn: TurnID(row.text(0)), message: MessageID(row.text(1)), text: row.text(2), reasoning: row.text(3))
        }
        return result
    }

    func sessions(_ filter: SessionFilter) throws(SQLiteDatabase.Failure) -> [SessionSummary] {
        var sessions: [SessionSummary] = []
        try database.run(
            """
            SELECT id, title, workspace, pack, model, created, updated, turns, cost, unpriced FROM sessions
            WHERE (?1 IS NULL OR workspace = ?1) AND (?3 IS NULL OR agent = ?3) ORDER BY updated DESC, id LIMIT ?2
            """,
            [
                filter.workspace.map { .text($0) } ?? .null, .int(filter.limit),
                filter.agent.map { .text($0) } ?? .null,
            ]
        ) { row in
            sessions.append(
                SessionSummary(
                    id: SessionID(row.text(0)), title: row.text(1), workspace: row.text(2), pack: row.text(3),
                    model: row.text(4), created: Timestamp(milliseconds: row.int(5)),
                    updated: Timestamp(milliseconds: row.int(6)), turns: row.int(7),
                    cost: Money(nanodollars: row.int(8)), costIsComplete: row.int(9) == 0))
        }
        return sessions
    }

    func spent(since: Timestamp) throws(SQLiteDatabase.Failure) -> Money {
        var sum = Money.zero
        try database.run(
            "SELECT COALESCE(SUM(cost), 0) FROM spending WHERE at >= ?", [.int(since.milliseconds)]
        ) { row in sum = Money(nanodollars: row.int(0)) }
        return sum
    }

    func search(_ query: String, limit: Int) throws(SQLiteDatabase.Failure) -> [SearchHit] {
        var hits: [SearchHit] = []
        try database.run(
            """
            SELECT m.session, s.title, m.role, m.at, snippet(messages, 0, '«', '»', '…', 16)
            FROM messages m JOIN sessions s ON s.id = m.session
            WHERE messages MATCH ? ORDER BY m.at DESC LIMIT ?
            """, [.text(query), .int(limit)]
        ) { row in
            hits.append(
                SearchHit(
                    session: SessionID(row.text(0)), title: row.text(1),
                    role: Message.Role(rawValue: row.text(2)) ?? .user, at: Timestamp(milliseconds: row.int(3)),
                    excerpt: row.text(4)))
        }
        return hits
    }
}
