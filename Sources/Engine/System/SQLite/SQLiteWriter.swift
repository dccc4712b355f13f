import Engine

/// Writes batches. Concurrency: belongs to the store's writing queue alone, hence `@unchecked`.
final class SQLiteWriter: @unchecked Sendable {
    private let database: SQLiteDatabase

    init(_ database: SQLiteDatabase) { self.database = database }

    /// - Returns: how many events found their places taken by another program.
    func write(
        _ events: [EngineEvent], _ checkpoints: [SessionID: Checkpoint?]
    ) throws(SQLiteDatabase.Failure) -> Int {
        var taken = 0
        try transaction { () throws(SQLiteDatabase.Failure) in
            for event in events where try !insert(event) { taken += 1 }
            for (session, checkpoint) in checkpoints { try keep(checkpoint, of: session) }
        }
        return taken
    }

    func remove(_ session: SessionID) throws(SQLiteDatabase.Failure) {
        try transaction { () throws(SQLiteDatabase.Failure) in
            for table in ["events", "checkpoints", "messages"] {
                try database.run("DELETE FROM \(table) WHERE session = ?", [.text(session.rawValue)])
            }
            try database.run("DELETE FROM sessions WHERE id = ?", [.text(session.rawValue)])
        }
    }

    private func transaction(
        _ body: () throws(SQLiteDatabase.Failure) -> Void
    ) throws(SQLiteDatabase.Failure) {
        try database.execute("BEGIN IMMEDIATE")
        do throws(SQLiteDatabase.Failure) {
            try body()
            try database.execute("COMMIT")
        } catch {
            try? database.execute("ROLLBACK")
            throw error
        }
    }

    /// - Returns: false when its place is taken.
    private func insert(_ event: EngineEvent) throws(SQLiteDatabase.Failure) -> Bool {
        try database.run(
            "INSERT OR IGNORE INTO events(session, sequence, at, turn, type, body) VALUES(?, ?, ?, ?, ?, ?)",
            [
                .text(event.session.rawValue), .int(event.sequence), .int(event.at.milliseconds),
                event.turn.map { .text($0.rawValue) } ?? .null, .text(event.body.encoded().kind),
                .text(event.json.text),
            ])
        guard database.changes == 1 else { return false }
        try index(event)
        switch event.body {
        case .turnStarted(let started): try addText(started.text, .user, event)
        case .messageCompleted(let message) where !message.text.isEmpty: try addText(message.text, message.role, event)
        default: break
        }
        return true
    }

    private func addText(
        _ text: String, _ role: Message.Role, _ event: EngineEvent
    ) throws(SQLiteDatabase.Failure) {
        try database.run(
            "INSERT INTO messages(text, session, role, at) VALUES(?, ?, ?, ?)",
            [.text(text), .text(event.session.rawValue), .text(role.rawValue), .int(event.at.milliseconds)])
    }

    /// The list of sessions is a fold like every other, kept in the same transaction.
    private func index(_ event: EngineEvent) throws(SQLiteDatabase.Failure) {
        let id = SQLiteDatabase.Value.text(event.session.rawValue)
        let at = SQLiteDatabase.Value.int(event.at.milliseconds)
        try database.run(
            """
            INSERT INTO sessions(id, title, workspace, pack, model, created, updated, turns, cost, unpriced)
            VALUES(?1, '', '', '', '', ?2, ?2, 0, 0, 0) ON CONFLICT(id) DO UPDATE SET updated = ?2
            """, [id, at])
        switch event.body {
        case .sessionOpened(let opened):
            try database.run(
                "UPDATE sessions SET workspace = ?2, pack = ?3, model = ?4, agent = ?5 WHERE id = ?1",
                [
                    id, .text(opened.workspace), .text(opened.pack), .text(opened.model), .text(opened.agent ?? ""),
                ])
        case .sessionRenamed(let renamed):
            try database.run("UPDATE sessions SET title = ?2 WHERE id = ?1", [id, .text(renamed.title)])
        case .turnStarted(let started):
            try database.run(
                "UPDATE sessions SET turns = turns + 1, title = iif(title = '', ?2, title) WHERE id = ?1",
                [id, .text(Transcript.title(of: started.text))])
        case .usageReported(let report):
            try database.run(
                "UPDATE sessions SET cost = cost + ?2, unpriced = unpriced + ?3 WHERE id = ?1",
                [id, .int(report.cost?.nanodollars ?? 0), .int(report.cost == nil ? 1 : 0)])
            if let cost = report.cost, cost > .zero {
                try database.run(
                    "INSERT OR IGNORE INTO spending(at, session, sequence, cost) VALUES(?, ?, ?, ?)",
                    [.int(event.at.milliseconds), id, .int(event.sequence), .int(cost.nanodollars)])
            }
        default: break
        }
    }

    private func keep(_ checkpoint: Checkpoint?, of session: SessionID) throws(SQLiteDatabase.Failure) {
        guard let checkpoint else {
            return try database.run("DELETE FROM checkpoints WHERE session = ?", [.text(session.rawValue)])
        }
        try database.run(
            "INSERT OR REPLACE INTO checkpoints(session, turn, message, text, reasoning) VALUES(?, ?, ?, ?, ?)",
            [
                .text(session.rawValue), .text(checkpoint.turn.rawValue), .text(checkpoint.message.rawValue),
                .text(checkpoint.text), .text(checkpoint.reasoning),
            ])
    }
}
