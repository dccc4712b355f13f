import Engine
import EngineSystem
import Glibc
import Support
import Testing

/// A store and the folder that it lives in.
struct StoreCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let make: @Sendable (String) throws(EngineError) -> any SessionStore

    static let all = [
        StoreCase(testDescription: "memory") { _ throws(EngineError) in MemoryStore() },
        StoreCase(testDescription: "SQLite") { folder throws(EngineError) in try SQLiteSessionStore(directory: folder)
        },
    ]
}

func event(_ sequence: Int, _ body: TurnEvent, session: String = "s-1", at: Int = 0) -> EngineEvent {
    EngineEvent(
        sequence: sequence, at: Timestamp(milliseconds: at == 0 ? sequence : at), session: SessionID(session),
        turn: TurnID("t"), body: body)
}

func said(_ text: String) -> TurnEvent { .turnStarted(TurnStarted(message: MessageID("m"), text: text)) }

func answered(_ text: String) -> TurnEvent {
    .messageCompleted(Message(id: MessageID("m2"), role: .assistant, text: text))
}

@Suite struct StoreContractTests {
    private let folder = TemporaryFolder()
    private let session = SessionID("s-1")

    @Test(arguments: StoreCase.all) func whatIsAppendedIsReadInOrder(kind: StoreCase) async throws {
        let store = try kind.make(folder.path)
        let events = [event(1, said("hello")), event(2, answered("hi")), event(3, .unknown(kind: "x.y", data: [1]))]
        for event in events { store.append(event) }
        #expect(try await store.events(of: session, after: 0) == events)
        #expect(try await store.events(of: session, after: 2) == [events[2]])
        #expect(try await store.events(of: SessionID("other"), after: 0) == [])
    }

    @Test(arguments: StoreCase.all) func sessionsAreListedNewestFirst(kind: StoreCase) async throws {
        let store = try kind.make(folder.path)
        let opened = SessionOpened(
            workspace: "w", pack: "p", packVersion: "1.0.0", prompt: "q", provider: "x", model: "m", isMock: false,
            program: "1")
        func usage(_ cost: Money?) -> TurnEvent {
            .usageReported(
                UsageReport(
                    provider: "x", model: "m", usage: TokenUsage(), source: .reported, cost: cost, priceSource: nil,
                    contextWindow: nil))
        }
        for (name, at) in [("s-1", 10), ("s-2", 20)] {
            store.append(event(1, .sessionOpened(opened), session: name, at: at))
            store.append(event(2, said("first of \(name)"), session: name, at: at))
            store.append(event(3, usage(Money(nanodollars: 5)), session: name, at: at))
        }
        store.append(event(4, usage(nil), session: "s-2", at: 30))
        let sessions = try await store.sessions(SessionFilter())
        #expect(sessions.map(\.title) == ["first of s-2", "first of s-1"])
        #expect(sessions.map(\.cost) == [Money(nanodollars: 5), Money(nanodollars: 5)])
        #expect(sessions.map(\.costIsComplete) == [false, true])
        #expect(try await store.sessions(SessionFilter(workspace: "none")).isEmpty)
        #expect(try await store.sessions(SessionFilter(workspace: "w", limit: 1)).count == 1)
    }

    @Test(arguments: StoreCase.all) func wordsAreFoundWhateverTheyAre(kind: StoreCase) async throws {
        let store = try kind.make(folder.path)
        store.append(event(1, said("Where is order 1042?")))
        store.append(event(2, answered("The parcel is in Harrow")))
        #expect(try await store.search("order", limit: 9).count == 1)
        #expect(try await store.search("harr", limit: 9).map(\.role) == [.assistant])
        #expect(try await store.search("order harrow", limit: 9).isEmpty)
        for hostile in [
            "\"", "AND", "*", "NEAR(", "order OR", "a:b", "-order", "(((", "🙂", "'; DROP TABLE events; --", "",
        ] {
            _ = try await store.search(hostile, limit: 9)
        }
        #expect(try await store.events(of: session, after: 0).count == 2)
    }

    @Test(arguments: StoreCase.all) func theCheckpointGoesWhenTheMessageIsThere(kind: StoreCase) async throws {
        let store = try kind.make(folder.path)
        let first = Checkpoint(turn: TurnID("t"), message: MessageID("m2"), text: "par", reasoning: "")
        let second = Checkpoint(turn: TurnID("t"), message: MessageID("m2"), text: "partial", reasoning: "hm")
        store.checkpoint(session, first)
        store.checkpoint(session, second)
        #expect(try await store.checkpoint(of: session) == second)
        store.append(event(1, answered("whole")))
        #expect(try await store.checkpoint(of: session) == nil)
    }

    @Test(arguments: StoreCase.all) func aRemovedSessionIsGone(kind: StoreCase) async throws {
        let store = try kind.make(folder.path)
        store.append(event(1, said("secret plan")))
        try await store.remove(session)
        #expect(try await store.events(of: session, after: 0).isEmpty)
        #expect(try await store.search("secret", limit: 9).isEmpty)
    }
}

@Suite struct SQLiteStoreTests {
    private let folder = TemporaryFolder()
    private let session = SessionID("s-1")

    private static func query(_ folder: String, _ sql: String) -> String {
        shell("sqlite3 '\(folder)/sessions.db' '\(sql)'")
    }

    @Test func anotherStoreOnTheSameFileReadsAndWritesToo() async throws {
        let one = try SQLiteSessionStore(directory: folder.path)
        let two = try SQLiteSessionStore(directory: folder.path)
        for number in 1...300 {
            one.append(event(number, said("one \(number)"), session: "s-1"))
            two.append(event(number, said("two \(number)"), session: "s-2"))
            if number % 50 == 0 { await one.flush() }
        }
        await one.flush()
        await two.flush()
        #expect(try await one.events(of: SessionID("s-2"), after: 0).count == 300)
        #expect(try await two.events(of: SessionID("s-1"), after: 0).count == 300)
        #expect(one.trouble == nil && two.trouble == nil)
    }

    @Test func oneSessionHasOneWriter() async throws {
        let one = try SQLiteSessionStore(directory: folder.path)
        let two = try SQLiteSessionStore(directory: folder.path)
        #expect(await one.claim(session))
        #expect(await one.claim(session))
        #expect(await !two.claim(session))
        #expect(await two.claim(SessionID("s-2")))
    }

    @Test func aSessionThatIsGivenBackCanBeTaken() async throws {
        let (first, second) = (
            try SQLiteSessionStore(directory: folder.path), try SQLiteSessionStore(directory: folder.path)
        )
        #expect(await first.claim(session))
        first.append(event(1, said("hello")))
        // Not before all of it is on the disk.
        #expect(!first.release(session))
        await first.flush()
        #expect(first.release(session))
        #expect(await second.claim(session))
        #expect(await !first.claim(session))
        #expect(try await second.events(of: session, after: 0).count == 1)
    }

    @Test func anEventWhosePlaceIsTakenHoldsNobodyUp() async throws {
        let (first, second) = (
            try SQLiteSessionStore(directory: folder.path), try SQLiteSessionStore(directory: folder.path)
        )
        second.append(event(1, said("mine")))
        await second.flush()
        first.append(event(1, said("late")))
        first.append(event(1, said("another session"), session: "s-2"))
        #expect(try await first.events(of: SessionID("s-2"), after: 0).count == 1)
        #expect(try await first.events(of: session, after: 0) == [event(1, said("mine"))])
        #expect(first.trouble?.contains("1 event") == true)
    }

    @Test func anEventIsOnTheDiskSoonWithoutBeingAskedFor() async throws {
        let store = try SQLiteSessionStore(directory: folder.path)
        store.append(event(1, said("soon")))
        let path = folder.path
        #expect(await eventually { Self.query(path, "SELECT count(*) FROM events") == "1" })
        withExtendedLifetime(store) {}
    }

    @Test func aFullDiskIsSaidAndNothingIsLostWhenThereIsRoomAgain() async throws {
        var store: SQLiteSessionStore? = try SQLiteSessionStore(directory: folder.path, pageLimit: 60)
        let text = String(repeating: "x", count: 4_000)
        for number in 1...100 { store?.append(event(number, said("\(number) \(text)"))) }
        await store?.flush()
        #expect(store?.trouble?.contains("full") == true)
        // What the disk has not taken is still read.
        #expect(try await store?.events(of: session, after: 0).count == 100)
        store = nil
        #expect(Self.query(folder.path, "PRAGMA integrity_check") == "ok")
        let roomy = try SQLiteSessionStore(directory: folder.path)
        let kept = try await roomy.events(of: session, after: 0)
        #expect(kept.map(\.sequence) == Array(0..<kept.count).map { $0 + 1 })
    }

    @Test func whatCannotBeUsedIsSaid() throws {
        writeText(folder.path + "/sessions.db", String(repeating: "this is no database. ", count: 100))
        let broken = #expect(throws: EngineError.self) { try SQLiteSessionStore(directory: folder.path) }
        #expect(broken?.code == .storage)
        #expect(broken?.message.contains("not a database") == true)
    }

    @Test func aNewerFileIsLeftAlone() throws {
        do { _ = try SQLiteSessionStore(directory: folder.path) }
        _ = Self.query(folder.path, "PRAGMA user_version = 99")
        let error = #expect(throws: EngineError.self) { try SQLiteSessionStore(directory: folder.path) }
        #expect(error?.message.contains("newer version") == true)
    }

    @Test func theFileIsItsOwnersAlone() throws {
        let inner = folder.path + "/data"
        withExtendedLifetime(try SQLiteSessionStore(directory: inner)) {
            var status = stat()
            #expect(stat(inner, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o700)
        }
    }
}
