package import Engine

/// Memories in `memory.db`.
package struct SQLiteMemories: Memories {
    private let file: SQLiteFile
    private let clock: any EngineClock

    private static let migrations = [
        """
        CREATE TABLE memories(
            id INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, owner TEXT NOT NULL, at INTEGER NOT NULL,
            text TEXT NOT NULL
        ) STRICT;
        CREATE INDEX memories_owner ON memories(scope, owner, at);
        CREATE VIRTUAL TABLE memories_text USING fts5(
            text, content = 'memories', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
        );
        CREATE TRIGGER memories_added AFTER INSERT ON memories BEGIN
            INSERT INTO memories_text(rowid, text) VALUES (new.id, new.text);
        END;
        CREATE TRIGGER memories_removed AFTER DELETE ON memories BEGIN
            INSERT INTO memories_text(memories_text, rowid, text) VALUES ('delete', old.id, old.text);
        END;
        """
    ]

    /// Of one scope; a model that remembers everything does not fill the disk.
    private static let limit = 10_000

    /// - Parameter directory: made where it is missing.
    package init(directory: String, clock: any EngineClock) {
        file = SQLiteFile(path: directory + "/memory.db", migrations: Self.migrations)
        self.clock = clock
    }

    package func remember(_ text: String, _ scope: MemoryScope) async throws(EngineError) -> Memory {
        let now = clock.now()
        let owner: [SQLiteDatabase.Value] = [.text(scope.kind.rawValue), .text(scope.owner)]
        let id = try await file.use { database throws(SQLiteDatabase.Failure) -> Int? in
            guard try database.int("SELECT COUNT(*) FROM memories WHERE scope = ? AND owner = ?", owner) < Self.limit
            else { return nil }
            try database.run(
                "INSERT INTO memories(scope, owner, at, text) VALUES (?, ?, ?, ?)",
                owner + [.int(now.milliseconds), .text(text)])
            return try database.int("SELECT last_insert_rowid()")
        }
        guard let id else {
            throw EngineError(
                .tooLarge, "there are \(Self.limit) memories of the scope '\(scope.kind.rawValue)'",
                hint: "forget some of them first")
        }
        return Memory(id: id, scope: scope.kind, text: text, at: now)
    }

    /// Which rows are in any of the scopes, and the values for it.
    private static func condition(_ scopes: [MemoryScope]) -> (sql: String, values: [SQLiteDatabase.Value]) {
        let each = scopes.map { _ in "(m.scope = ? AND m.owner = ?)" }.joined(separator: " OR ")
        return ("(\(each))", scopes.flatMap { [.text($0.kind.rawValue), .text($0.owner)] })
    }

    package func recall(_ words: String, _ scopes: [MemoryScope], limit: Int) async throws(EngineError) -> [Memory] {
        let terms = SearchQuery.any(words)
        guard terms.isEmpty == words.allSatisfy(\.isWhitespace), !scopes.isEmpty else { return [] }
        let (condition, values) = Self.condition(scopes)
        let columns = "SELECT m.id, m.scope, m.text, m.at FROM"
        let sql =
            terms.isEmpty
            ? "\(columns) memories m WHERE \(condition) ORDER BY m.at DESC, m.id DESC LIMIT ?"
            : "\(columns) memories_text t JOIN memories m ON m.id = t.rowid WHERE \(condition) AND memories_text MATCH ? ORDER BY bm25(memories_text), m.id DESC LIMIT ?"
        return try await file.use { database throws(SQLiteDatabase.Failure) -> [Memory] in
            var found: [Memory] = []
            try database.run(sql, values + (terms.isEmpty ? [] : [.text(terms)]) + [.int(limit)]) { row in
                found.append(
                    Memory(
                        id: row.int(0), scope: MemoryScope.Kind(rawValue: row.text(1)) ?? .agent, text: row.text(2),
                        at: Timestamp(milliseconds: row.int(3))))
            }
            return found
        }
    }

    package func forget(_ id: Int, _ scopes: [MemoryScope]) async throws(EngineError) -> Bool {
        let (condition, values) = Self.condition(scopes)
        return try await file.use { database throws(SQLiteDatabase.Failure) -> Bool in
            try database.run("DELETE FROM memories AS m WHERE m.id = ? AND \(condition)", [.int(id)] + values)
            return try database.int("SELECT changes()") > 0
        }
    }
}
