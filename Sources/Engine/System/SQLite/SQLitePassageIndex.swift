package import Engine

/// Passages of a workspace's documents in a file of their own; losing it costs nothing but reading them again.
package struct SQLitePassageIndex: PassageIndex {
    private let file: SQLiteFile

    private static let migrations = [
        """
        CREATE TABLE files(
            path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, modified INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE passages(
            id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL, line INTEGER NOT NULL, text TEXT NOT NULL
        ) STRICT;
        CREATE INDEX passages_path ON passages(path);
        CREATE TABLE vectors(
            passage INTEGER NOT NULL, model TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY(model, passage)
        ) STRICT, WITHOUT ROWID;
        CREATE VIRTUAL TABLE passages_text USING fts5(
            text, content = 'passages', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
        );
        CREATE TRIGGER passages_added AFTER INSERT ON passages BEGIN
            INSERT INTO passages_text(rowid, text) VALUES (new.id, new.text);
        END;
        CREATE TRIGGER passages_removed AFTER DELETE ON passages BEGIN
            INSERT INTO passages_text(passages_text, rowid, text) VALUES ('delete', old.id, old.text);
            DELETE FROM vectors WHERE passage = old.id;
        END;
        """
    ]

    /// - Parameter path: of the database; the folder is made where it is missing.
    package init(path: String) { file = SQLiteFile(path: path, migrations: Self.migrations) }

    package func files() async throws(EngineError) -> [String: IndexedFile] {
        try await file.use { database throws(SQLiteDatabase.Failure) -> [String: IndexedFile] in
            var files: [String: IndexedFile] = [:]
            try database.run("SELECT path, bytes, modified FROM files") { row in
                files[row.text(0)] = IndexedFile(bytes: row.int(1), modified: Timestamp(milliseconds: row.int(2)))
            }
            return files
        }
    }

    /// A file without passages is remembered, too, so that it is not read again; one without bytes is gone.
    package func put(_ path: String, _ state: IndexedFile, _ passages: [Passage]) async throws(EngineError) {
        try await file.use { database throws(SQLiteDatabase.Failure) in
            try database.transaction { () throws(SQLiteDatabase.Failure) in
                try database.run("DELETE FROM passages WHERE path = ?", [.text(path)])
                try database.run("DELETE FROM files WHERE path = ?", [.text(path)])
                guard state.modified.milliseconds != 0 else { return }
                try database.run(
                    "INSERT INTO files VALUES (?, ?, ?)",
                    [.text(path), .int(state.bytes), .int(state.modified.milliseconds)])
                for passage in passages {
                    try database.run(
                        "INSERT INTO passages(path, line, text) VALUES (?, ?, ?)",
                        [.text(path), .int(passage.line), .text(passage.text)])
                }
            }
        }
    }

    private static func passages(
        _ database: SQLiteDatabase, _ sql: String, _ values: [SQLiteDatabase.Value]
    ) throws(SQLiteDatabase.Failure) -> [Passage] {
        var found: [Passage] = []
        try database.run(sql, values) { row in
            found.append(Passage(id: row.int(0), path: row.text(1), line: row.int(2), text: row.text(3)))
        }
        return found
    }

    package func search(_ words: String, limit: Int) async throws(EngineError) -> [Passage] {
        let terms = SearchQuery.any(words)
        guard !terms.isEmpty else { return [] }
        return try await file.use { database throws(SQLiteDatabase.Failure) -> [Passage] in
            try Self.passages(
                database,
                """
                SELECT p.id, p.path, p.line, p.text FROM passages_text t JOIN passages p ON p.id = t.rowid
                WHERE passages_text MATCH ? ORDER BY bm25(passages_text), p.id LIMIT ?
                """, [.text(terms), .int(limit)])
        }
    }

    // MARK: vectors

    package func withoutVector(_ model: String, limit: Int) async throws(EngineError) -> [Passage] {
        try await file.use { database throws(SQLiteDatabase.Failure) -> [Passage] in
            try Self.passages(
                database,
                """
                SELECT id, path, line, text FROM passages
                WHERE id NOT IN (SELECT passage FROM vectors WHERE model = ?) ORDER BY id LIMIT ?
                """, [.text(model), .int(limit)])
        }
    }

    /// Vectors are kept with a length of one.
    package func put(_ vectors: [(passage: Int, vector: [Float])], _ model: String) async throws(EngineError) {
        try await file.use { database throws(SQLiteDatabase.Failure) in
            try database.transaction { () throws(SQLiteDatabase.Failure) in
                for (passage, vector) in vectors {
                    let bytes = Self.normal(vector).withUnsafeBytes { [UInt8]($0) }
                    try database.run(
                        "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)",
                        [.int(passage), .text(model), .bytes(bytes)])
                }
            }
        }
    }

    private static func normal(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? vector.map { $0 / length } : vector
    }

    package func nearest(
        to vector: [Float], _ model: String, limit: Int
    ) async throws(EngineError) -> [Passage] {
        let wanted = Self.normal(vector)
        return try await file.use { database throws(SQLiteDatabase.Failure) -> [Passage] in
            var best: [(score: Float, id: Int)] = []
            try database.run("SELECT passage, vector FROM vectors WHERE model = ?", [.text(model)]) { row in
                let score = row.withBytes(1) { bytes -> Float in
                    guard bytes.count == 4 * wanted.count else { return -1 }
                    var sum: Float = 0
                    for (index, value) in wanted.enumerated() {
                        sum += value * bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
                    }
                    return sum
                }
                guard best.count < limit || score > best[best.count - 1].score else { return }
                best.insert((score, row.int(0)), at: best.firstIndex { $0.score < score } ?? best.count)
                if best.count > limit { best.removeLast() }
            }
            var found: [Passage] = []
            for (_, id) in best {
                found += try Self.passages(
                    database, "SELECT id, path, line, text FROM passages WHERE id = ?", [.int(id)])
            }
            return found
        }
    }
}
