import CProcess
import Dispatch
package import Engine
import Glibc
import Synchronization

/// The event log in an SQLite file, in WAL mode.
///
/// Invariants:
/// 1. `append` and `checkpoint` only put into the queue; the file is touched on `writing` alone, at most 50 ms later.
/// 2. A batch is one transaction: events, the index of sessions and the text index change together.
/// 3. What cannot be written stays in the queue and is tried again; `trouble` says why. A queue beyond its bound
///    loses its newest events, and says so: the log has no holes, it ends early.
///
/// `synchronous = NORMAL`: a crash of the program loses nothing that was committed; a power cut may lose the last
/// commits, but never breaks the file.
package final class SQLiteSessionStore: SessionStore {
    private struct Queue {
        var events: [EngineEvent] = []
        var bytes = 0
        var checkpoints: [SessionID: Checkpoint?] = [:]
        var isScheduled = false
        var trouble: String?
        var listener: (@Sendable () -> Void)?
        var lost = 0
        /// Events whose places in the log were taken.
        var setAside = 0
        var locks: [SessionID: Int32] = [:]

        var isEmpty: Bool { events.isEmpty && checkpoints.isEmpty }
    }

    private static let queueLimit = 64 << 20

    private let directory: String
    private let queue = Mutex(Queue())
    private let writing = DispatchQueue(label: "cleo.store.writing")
    private let reading = DispatchQueue(label: "cleo.store.reading")
    private let writer: SQLiteWriter
    private let reader: SQLiteReader

    /// - Parameters:
    ///   - directory: made where it is missing; holds `sessions.db`.
    ///   - pageLimit: the most pages the file may have; tests fill the disk with it.
    /// - Throws: `storage` when the file cannot be opened, read or written.
    package init(directory: String, pageLimit: Int? = nil) throws(EngineError) {
        self.directory = directory
        try DiskFiles.makeDirectories(directory)
        let path = directory + "/sessions.db"
        do throws(SQLiteDatabase.Failure) {
            let database = try SQLiteDatabase(path: path)
            try database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
            let version = try database.int("PRAGMA user_version")
            guard version <= SQLiteSchema.migrations.count else {
                throw SQLiteDatabase.Failure(
                    code: 0, words: "it was written by a newer version of cleo-tui (schema \(version))")
            }
            try SQLiteSchema.migrate(database)
            if let pageLimit { try database.execute("PRAGMA max_page_count = \(pageLimit)") }
            writer = SQLiteWriter(database)
            reader = SQLiteReader(try SQLiteDatabase(path: path, isReadOnly: true))
        } catch {
            throw EngineError(
                .storage, "the database '\(path)' cannot be used: \(error.words)",
                hint: "move the file away, or set XDG_DATA_HOME to another folder")
        }
    }

    package var trouble: String? { queue.withLock { $0.trouble } }

    package func watchTrouble(_ listener: @escaping @Sendable () -> Void) { queue.withLock { $0.listener = listener } }

    /// Changes the queue, and tells who watches when there is other trouble afterwards.
    private func update<Value: Sendable>(_ change: (inout Queue) -> Value) -> Value {
        let (value, listener) = queue.withLock { queue in
            let before = queue.trouble
            let value = change(&queue)
            return (value, queue.trouble == before ? nil : queue.listener)
        }
        listener?()
        return value
    }

    // MARK: Writing

    package func append(_ event: EngineEvent) {
        schedule { queue in
            let size = Self.size(of: event)
            guard queue.bytes + size <= Self.queueLimit, queue.lost == 0 else {
                queue.lost += 1
                queue.trouble = "events are lost: the disk has taken nothing for too long (\(queue.lost) so far)"
                return
            }
            queue.events.append(event)
            queue.bytes += size
            if case .messageCompleted = event.body { queue.checkpoints[event.session] = .some(nil) }
        }
    }

    /// Close enough to bound the memory.
    private static func size(of event: EngineEvent) -> Int {
        switch event.body {
        case .messageCompleted(let message): 256 + message.text.utf8.count
        case .toolCallFinished(let outcome): 256 + outcome.text.utf8.count
        case .turnStarted(let started):
            256 + started.text.utf8.count + (started.attachments ?? []).reduce(0) { $0 + $1.data.utf8.count }
        case .promptRendered(let rendered): 256 + rendered.text.utf8.count
        default: 1_024
        }
    }

    package func checkpoint(_ session: SessionID, _ checkpoint: Checkpoint?) {
        schedule { $0.checkpoints[session] = .some(checkpoint) }
    }

    private func schedule(_ change: (inout Queue) -> Void) {
        let isFirst = update { queue in
            change(&queue)
            defer { queue.isScheduled = true }
            return !queue.isScheduled
        }
        if isFirst { writing.asyncAfter(deadline: .now() + .milliseconds(40)) { self.write() } }
    }

    /// Writes everything that waits, on `writing`.
    private func write() {
        let (events, checkpoints) = queue.withLock { queue in
            queue.isScheduled = false
            return (queue.events, queue.checkpoints)
        }
        guard !(events.isEmpty && checkpoints.isEmpty) else { return }
        do throws(SQLiteDatabase.Failure) {
            let taken = try writer.write(events, checkpoints)
            update { queue in
                queue.setAside += taken
                queue.events.removeFirst(events.count)
                queue.bytes = queue.events.reduce(0) { $0 + Self.size(of: $1) }
                for (session, checkpoint) in checkpoints where queue.checkpoints[session] == .some(checkpoint) {
                    queue.checkpoints[session] = nil
                }
                if queue.lost == 0 {
                    queue.trouble =
                        queue.setAside == 0
                        ? nil
                        : "\(queue.setAside) \(queue.setAside == 1 ? "event is" : "events are") not kept: another program writes the same session"
                }
            }
        } catch {
            let again = update { queue in
                if queue.lost == 0 { queue.trouble = "the conversation is not being saved: \(error.words)" }
                defer { queue.isScheduled = true }
                return !queue.isScheduled
            }
            if again { writing.asyncAfter(deadline: .now() + .seconds(1)) { self.write() } }
        }
    }

    package func flush() async {
        await withCheckedContinuation { continuation in
            writing.async {
                self.write()
                continuation.resume()
            }
        }
    }

    // MARK: Reading

    private func read<Value: Sendable>(
        _ body: @escaping @Sendable (SQLiteReader) throws(SQLiteDatabase.Failure) -> Value
    ) async throws(EngineError) -> Value {
        await flush()
        let result: Result<Value, EngineError> = await withCheckedContinuation { continuation in
            reading.async {
                do throws(SQLiteDatabase.Failure) {
                    continuation.resume(returning: .success(try body(self.reader)))
                } catch {
                    continuation.resume(
                        returning: .failure(EngineError(.storage, "the database cannot be read: \(error.words)")))
                }
            }
        }
        return try result.get()
    }

    package func events(of session: SessionID, after sequence: Int) async throws(EngineError) -> [EngineEvent] {
        var events = try await read { reader throws(SQLiteDatabase.Failure) in
            try reader.events(of: session, after: sequence)
        }
        // What the disk has not taken is still part of the log.
        let last = events.last?.sequence ?? sequence
        events += queue.withLock { $0.events.filter { $0.session == session && $0.sequence > last } }
        return events
    }

    package func checkpoint(of session: SessionID) async throws(EngineError) -> Checkpoint? {
        try await read { reader throws(SQLiteDatabase.Failure) in try reader.checkpoint(of: session) }
    }

    package func sessions(_ filter: SessionFilter) async throws(EngineError) -> [SessionSummary] {
        try await read { reader throws(SQLiteDatabase.Failure) in try reader.sessions(filter) }
    }

    package func spent(since: Timestamp) async throws(EngineError) -> Money {
        try await read { reader throws(SQLiteDatabase.Failure) in try reader.spent(since: since) }
    }

    package func search(_ words: String, limit: Int) async throws(EngineError) -> [SearchHit] {
        let query = SearchQuery.fts5(words)
        guard !query.isEmpty else { return [] }
        return try await read { reader throws(SQLiteDatabase.Failure) in try reader.search(query, limit: limit) }
    }

    package func remove(_ session: SessionID) async throws(EngineError) {
        await flush()
        let result: Result<Void, EngineError> = await withCheckedContinuation { continuation in
            writing.async {
                do throws(SQLiteDatabase.Failure) {
                    try self.writer.remove(session)
                    continuation.resume(returning: .success(()))
                } catch {
                    continuation.resume(
                        returning: .failure(EngineError(.storage, "the session cannot be removed: \(error.words)")))
                }
            }
        }
        try result.get()
    }

    // MARK: One writer per session

    /// A lock file per session, held until it is released or the program ends.
    package func claim(_ session: SessionID) async -> Bool {
        let file = lockFile(session)
        return queue.withLock { queue in
            if queue.locks[session] != nil { return true }
            do throws(EngineError) { try DiskFiles.makeDirectories(directory + "/locks") } catch { return true }
            let descriptor = cproc_lock(file)
            guard descriptor != -1 else { return false }
            queue.locks[session] = descriptor
            return true
        }
    }

    package func release(_ session: SessionID) -> Bool {
        let file = lockFile(session)
        return queue.withLock { queue in
            guard queue.checkpoints[session] == nil, !queue.events.contains(where: { $0.session == session }) else {
                return false
            }
            guard let descriptor = queue.locks.removeValue(forKey: session), descriptor >= 0 else { return true }
            unlink(file)
            Glibc.close(descriptor)
            return true
        }
    }

    private func lockFile(_ session: SessionID) -> String {
        // Two names that differ only in what a file's name cannot hold must not share a lock.
        let plain = session.rawValue.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        let name = plain == session.rawValue ? plain : plain + "_" + String(FNV1a.hash(session.rawValue), radix: 16)
        return directory + "/locks/" + name
    }
}

/// A person's words as an FTS5 query: every word quoted, the last one may go on.
enum SearchQuery {
    /// What holds all the words; the last one may only begin so.
    static func fts5(_ words: String) -> String {
        let terms = terms(words)
        guard let last = terms.last else { return "" }
        return (terms.dropLast() + [last + "*"]).joined(separator: " ")
    }

    /// What holds any of the words.
    static func any(_ words: String) -> String { terms(words).joined(separator: " OR ") }

    /// None of them is an operator.
    private static func terms(_ words: String) -> [String] {
        words.split { !($0.isLetter || $0.isNumber) }.prefix(32).map { "\"\($0)\"" }
    }
}
