/// The tables, and how an older file becomes a newer one.
enum SQLiteSchema {
    /// One entry per version; `user_version` says how many were applied. Entries are never changed, only added.
    static let migrations = [
        """
        CREATE TABLE events(
            session TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL, turn TEXT,
            type TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY(session, sequence)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE sessions(
            id TEXT PRIMARY KEY, title TEXT NOT NULL, workspace TEXT NOT NULL, pack TEXT NOT NULL,
            model TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, turns INTEGER NOT NULL,
            cost INTEGER NOT NULL, unpriced INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX sessions_updated ON sessions(updated DESC);
        CREATE TABLE checkpoints(
            session TEXT PRIMARY KEY, turn TEXT NOT NULL, message TEXT NOT NULL, text TEXT NOT NULL,
            reasoning TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE VIRTUAL TABLE messages USING fts5(
            text, session UNINDEXED, role UNINDEXED, at UNINDEXED, tokenize = 'unicode61 remove_diacritics 2'
        );
        """,
        // What was spent stays known when a session is removed.
        """
        CREATE TABLE spending(
            at INTEGER NOT NULL, session TEXT NOT NULL, sequence INTEGER NOT NULL, cost INTEGER NOT NULL,
            PRIMARY KEY(at, session, sequence)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO spending SELECT at, session, sequence, json_extract(body, '$.data.cost') FROM events
            WHERE type = 'usage.reported' AND json_extract(body, '$.data.cost') > 0;
        """,
        // One of several agents of a workspace.
        "ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT ''",
    ]

    /// Brings the file to the newest version, in one transaction.
    static func migrate(_ database: SQLiteDatabase, to migrations: [String] = migrations) throws(SQLiteDatabase.Failure)
    {
        guard try database.int("PRAGMA user_version") < migrations.count else { return }
        try database.execute("BEGIN IMMEDIATE")
        do throws(SQLiteDatabase.Failure) {
            // Another process may have done it meanwhile.
            let version = try database.int("PRAGMA user_version")
            // A version below zero was never written by this program; the file is then refused by its tables.
            for migration in migrations.dropFirst(max(version, 0)) { try database.execute(migration) }
            try database.execute("PRAGMA user_version = \(max(version, migrations.count))")
            try database.execute("COMMIT")
        } catch {
            try? database.execute("ROLLBACK")
            throw error
        }
    }
}
