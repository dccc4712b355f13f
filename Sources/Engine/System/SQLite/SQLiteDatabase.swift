import CSQLite
import Engine

/// One connection. Concurrency: belongs to the queue that opened it.
final class SQLiteDatabase {
    private let handle: OpaquePointer
    private var statements: [String: OpaquePointer] = [:]

    struct Failure: Error {
        var code: Int32
        var words: String
    }

    enum Value {
        case null, int(Int), text(String), bytes([UInt8])
    }

    init(path: String, isReadOnly: Bool = false) throws(Failure) {
        var handle: OpaquePointer?
        let mode = isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        let code = sqlite3_open_v2(path, &handle, mode | SQLITE_OPEN_NOMUTEX, nil)
        guard let handle else { throw Failure(code: SQLITE_NOMEM, words: "out of memory") }
        self.handle = handle
        guard code == SQLITE_OK else {
            let words = String(cString: sqlite3_errmsg(handle))
            sqlite3_close_v2(handle)
            throw Failure(code: code, words: words)
        }
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 5_000)
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    private func failure(_ code: Int32) -> Failure {
        Failure(code: code, words: String(cString: sqlite3_errmsg(handle)))
    }

    func execute(_ sql: String) throws(Failure) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code) }
    }

    /// Runs one statement, which is kept for the next time.
    /// Rows that the last statement changed.
    var changes: Int { Int(sqlite3_changes(handle)) }

    func run(_ sql: String, _ values: [Value] = [], row: ((Row) -> Void)? = nil) throws(Failure) {
        let statement = try prepare(sql)
        defer { sqlite3_reset(statement) }
        for (index, value) in values.enumerated() {
            let place = Int32(index + 1)
            switch value {
            case .null: sqlite3_bind_null(statement, place)
            case .int(let number): sqlite3_bind_int64(statement, place, Int64(number))
            case .bytes(let bytes): _ = cs_bind_blob(statement, place, bytes, Int32(bytes.count))
            case .text(let text): _ = cs_bind_text(statement, place, text, Int32(text.utf8.count))
            }
        }
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw failure(code) }
            row?(Row(statement: statement))
        }
    }

    private func prepare(_ sql: String) throws(Failure) -> OpaquePointer {
        if let known = statements[sql] { return known }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw failure(code) }
        statements[sql] = statement
        return statement
    }

    func int(_ sql: String, _ values: [Value] = []) throws(Failure) -> Int {
        var result = 0
        try run(sql, values) { result = $0.int(0) }
        return result
    }

    /// Does several things, or none of them.
    func transaction<Result>(_ work: () throws(Failure) -> Result) throws(Failure) -> Result {
        try execute("BEGIN IMMEDIATE")
        do throws(Failure) {
            let result = try work()
            try execute("COMMIT")
            return result
        } catch {
            try? execute("ROLLBACK")
            throw error
        }
    }

    struct Row {
        fileprivate let statement: OpaquePointer

        func int(_ column: Int32) -> Int { Int(sqlite3_column_int64(statement, column)) }

        /// The bytes, for as long as the row stands.
        func withBytes<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            let start = sqlite3_column_blob(statement, column)
            return body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
        }

        func text(_ column: Int32) -> String {
            guard let bytes = sqlite3_column_text(statement, column) else { return "" }
            let count = Int(sqlite3_column_bytes(statement, column))
            return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
        }
    }
}
