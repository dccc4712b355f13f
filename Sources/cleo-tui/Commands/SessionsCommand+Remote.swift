import Engine
import EngineSystem

/// Sessions of a cluster, by its session API.
extension SessionsCommand {
    static func remote(_ target: String, _ words: [String], _ arguments: Arguments) throws(EngineError) -> ExitCode {
        let remote = try RemoteWiring(target, arguments)
        guard let archive = try remote.archive() else {
            throw EngineError(
                .invalidInput, "'\(target)' names no session API",
                hint: "session_api in the context, or --session-api https://HOST/api/v1")
        }
        switch words.first {
        case "list", nil: return try list(archive, nil, arguments)
        case "search":
            guard words.count > 1 else { throw usage("'sessions search' needs words to look for") }
            return try list(archive, words.dropFirst().joined(separator: " "), arguments)
        case "show", "pull":
            let id = try identifier(words).rawValue
            return try copy(id, remote, keeps: words.first == "pull", arguments)
        case .some(let word): throw usage("'sessions \(word)' does not go with '--remote'")
        }
    }

    private static func list(
        _ archive: RemoteArchive, _ words: String?, _ arguments: Arguments
    ) throws(EngineError) -> ExitCode {
        let limit = try limit(arguments)
        let rows = try blocking { () async throws(EngineError) in try await archive.sessions(words, limit: limit) }
        if arguments.has(.json) {
            Console.out(JSONValue.array(rows).prettyText)
            return .done
        }
        for row in rows {
            func text(_ name: String) -> String { SafeText.oneLine(row[name]?.string ?? "", limit: 120) }
            let cost = row["estimatedCostUSD"]?.double.map { Money(dollars: $0).text } ?? "unknown"
            Console.out(
                "\(text("id"))  \(text("updatedAt"))  \(text("status"))  \(row["messageCount"]?.int ?? 0) messages  \(cost)  \(text("agentName"))  \(text("lastMessagePreview"))"
            )
        }
        if rows.isEmpty { Console.err("no sessions there") }
        return rows.isEmpty && words != nil ? .failed : .done
    }

    /// - Parameter keeps: whether it goes into the local store.
    private static func copy(
        _ id: String, _ remote: RemoteWiring, keeps: Bool, _ arguments: Arguments
    ) throws(EngineError) -> ExitCode {
        let store: any SessionStore = keeps ? try Wiring.openStore() : MemoryStore()
        let session = SessionID(remote.wiring.ids.next("pulled"))
        let client = try remote.client(session, store, resume: nil)
        let opened = remote.opened
        let events = try blocking { () async throws(EngineError) -> [EngineEvent] in
            try await client.load(id, opened: opened)
            let events = try await client.feed(of: session, after: 0).take()
            await client.close()
            await store.flush()
            return events
        }
        if keeps {
            Console.out(session.rawValue)
            Console.err("'cleo-tui sessions show \(session)' shows it")
        } else {
            Shown.print(events, asJSON: arguments.has(.json))
        }
        return .done
    }
}
