import Dispatch
import Engine

/// A small database of its own, opened when it is first used, on a queue of its own.
///
/// Concurrency: `database` belongs to `queue`, hence `@unchecked`.
final class SQLiteFile: @unchecked Sendable {
    private let path: String
    private let migrations: [String]
    private let queue: DispatchQueue
    private var database: SQLiteDatabase?

    init(path: String, migrations: [String]) {
        self.path = path
        self.migrations = migrations
        queue = DispatchQueue(label: "cleo.file")
    }

    /// - Throws: `storage` when the file cannot be opened, read or written.
    func use<Value: Sendable>(
        _ work: @escaping @Sendable (SQLiteDatabase) throws(SQLiteDatabase.Failure) -> Value
    ) async throws(EngineError) -> Value {
        let result: Result<Value, EngineError> = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.result(work)) }
        }
        return try result.get()
    }

    private func result<Value>(
        _ work: (SQLiteDatabase) throws(SQLiteDatabase.Failure) -> Value
    ) -> Result<Value, EngineError> {
        do throws(SQLiteDatabase.Failure) {
            return .success(try work(try open()))
        } catch {
            return .failure(EngineError(.storage, "'\(path)': \(error.words)"))
        }
    }

    private func open() throws(SQLiteDatabase.Failure) -> SQLiteDatabase {
        if let database { return database }
        if let slash = path.lastIndex(of: "/") { try? DiskFiles.makeDirectories(String(path[..<slash])) }
        let fresh = try SQLiteDatabase(path: path)
        try fresh.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        guard try fresh.int("PRAGMA user_version") <= migrations.count else {
            throw SQLiteDatabase.Failure(code: 0, words: "it was written by a newer version of cleo-tui")
        }
        try SQLiteSchema.migrate(fresh, to: migrations)
        database = fresh
        return fresh
    }
}
