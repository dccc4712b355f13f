import Engine
import EngineSystem

/// Stored conversations.
enum SessionsCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        do throws(EngineError) {
            let words = arguments.words
            if let target = arguments[.remote] { return try remote(target, words, arguments) }
            let store = try Wiring.openStore()
            switch words.first {
            case "list", nil: return try list(store, arguments)
            case "show": return try show(store, try identifier(words), arguments)
            case "search":
                guard words.count > 1 else { throw usage("'sessions search' needs words to look for") }
                return try search(store, words.dropFirst().joined(separator: " "), arguments)
            case "export": return try export(store, try identifier(words), arguments)
            case "rerun": return try rerun(store, try identifier(words), arguments)
            case "compare": return try compare(store, arguments)
            case "rm": return try remove(store, try identifier(words))
            case .some(let word): throw usage("'sessions \(word)' is not known")
            }
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    static func usage(_ message: String) -> EngineError {
        EngineError(.invalidInput, message, hint: Command.sessions.usage)
    }

    static func identifier(_ words: [String]) throws(EngineError) -> SessionID {
        guard words.count == 2 else {
            throw usage("'sessions \(words[0])' needs the name of a session; 'sessions list' shows them")
        }
        return SessionID(words[1])
    }

    static func limit(_ arguments: Arguments) throws(EngineError) -> Int {
        guard let text = arguments[.limit] else { return 50 }
        guard let limit = Int(text), limit > 0 else { throw usage("'--limit' needs a number above zero") }
        return limit
    }

    private static func list(_ store: any SessionStore, _ arguments: Arguments) throws(EngineError) -> ExitCode {
        let filter = SessionFilter(limit: try limit(arguments))
        let sessions = try blocking { () async throws(EngineError) in try await store.sessions(filter) }
        if arguments.has(.json) {
            Console.out(JSONValue.array(sessions.map(document)).prettyText)
            return .done
        }
        for session in sessions {
            let cost = session.cost.text + (session.costIsComplete ? "" : "+?")
            Console.out(
                "\(session.id)  \(LocalTime.text(session.updated))  \(session.turns) turn\(session.turns == 1 ? "" : "s")  \(cost)  "
                    + "\(SafeText.oneLine(session.pack))  \(SafeText.oneLine(session.title))")
        }
        if sessions.isEmpty { Console.err("no stored sessions yet") }
        return .done
    }

    private static func document(_ session: SessionSummary) -> JSONValue {
        [
            "id": .string(session.id.rawValue), "title": .string(session.title),
            "workspace": .string(session.workspace), "pack": .string(session.pack), "model": .string(session.model),
            "created": .int(session.created.milliseconds), "updated": .int(session.updated.milliseconds),
            "turns": .int(session.turns), "cost_nanodollars": .int(session.cost.nanodollars),
            "cost_complete": .bool(session.costIsComplete),
        ]
    }

    static func events(_ store: any SessionStore, _ id: SessionID) throws(EngineError) -> [EngineEvent] {
        let events = try blocking { () async throws(EngineError) in try await store.events(of: id, after: 0) }
        guard !events.isEmpty else {
            throw EngineError(.notFound, "there is no session '\(id)'", hint: "see 'cleo-tui sessions list'")
        }
        return events
    }

    private static func show(
        _ store: any SessionStore, _ id: SessionID, _ arguments: Arguments
    ) throws(EngineError) -> ExitCode {
        Shown.print(try events(store, id), asJSON: arguments.has(.json))
        return .done
    }

    private static func search(
        _ store: any SessionStore, _ words: String, _ arguments: Arguments
    ) throws(EngineError) -> ExitCode {
        let limit = try limit(arguments)
        let hits = try blocking { () async throws(EngineError) in try await store.search(words, limit: limit) }
        if arguments.has(.json) {
            let documents: [JSONValue] = hits.map { hit in
                [
                    "session": .string(hit.session.rawValue), "title": .string(hit.title),
                    "role": .string(hit.role.rawValue), "at": .int(hit.at.milliseconds),
                    "excerpt": .string(hit.excerpt),
                ]
            }
            Console.out(JSONValue.array(documents).prettyText)
            return .done
        }
        for hit in hits {
            Console.out(
                "\(hit.session)  \(LocalTime.text(hit.at))  \(hit.role.rawValue): \(SafeText.oneLine(hit.excerpt))")
        }
        if hits.isEmpty { Console.err("nothing found for '\(words)'") }
        return hits.isEmpty ? .failed : .done
    }

    private static func remove(_ store: any SessionStore, _ id: SessionID) throws(EngineError) -> ExitCode {
        _ = try events(store, id)
        try blocking { () async throws(EngineError) in
            guard await store.claim(id) else {
                throw EngineError(.busy, "another cleo-tui has the session '\(id)' open", hint: "close it first")
            }
            try await store.remove(id)
        }
        return .done
    }

    /// One event per line: the log itself.
    /// The log as it is, as a recording to be played, or as a mock's file.
    private static func export(
        _ store: any SessionStore, _ id: SessionID, _ arguments: Arguments
    ) throws(EngineError) -> ExitCode {
        let events = try events(store, id)
        let format = arguments[.format] ?? "events"
        let session = SessionRecording(events)
        var text: String
        switch format {
        case "events": text = events.map { $0.json.text + "\n" }.joined()
        case "recording": text = session.lines
        case "mock": text = session.mock(scenario: "recorded").prettyText + "\n"
        default:
            throw EngineError(
                .invalidInput, "there is no format '\(format)'", hint: "one of: events, recording, mock")
        }
        if format != "events" { for loss in session.losses { Console.err("note: \(loss)") } }
        guard var path = arguments[.output].map({ Folders.absolute($0) }) else {
            if text.hasSuffix("\n") { text.removeLast() }
            Console.out(text)
            return .done
        }
        // `--replay` wants a folder.
        if format == "recording", !path.hasSuffix(".jsonl") { path += "/" + Recording.fileName }
        try DiskFiles.write(text, to: path, mayReplace: false)
        Console.err("written to \(path)")
        return .done
    }
}
