import Engine
import EngineSystem

/// The same conversation once more, and where it parted from the first one.
extension SessionsCommand {
    /// Says the person's messages of a stored session again, in a new one.
    static func rerun(_ store: any SessionStore, _ id: SessionID, _ arguments: Arguments) throws(EngineError)
        -> ExitCode
    {
        let then = try events(store, id)
        let messages = then.compactMap { event -> TurnStarted? in
            if case .turnStarted(let started) = event.body { started } else { nil }
        }
        guard !messages.isEmpty else { throw EngineError(.notFound, "nothing was said in the session '\(id)'") }
        let wiring = try Wiring(arguments)
        let loaded = try wiring.workspace(arguments)
        Console.report(loaded.diagnostics)
        guard let workspace = loaded.value else { return .usage }
        var recorded: ToolBox?
        if arguments.has(.recordedTools) {
            let recording = SessionRecording(then).recording
            let replay = Replay(recording, pace: .instant, clock: wiring.clock, redactor: wiring.redactor)
            recorded = ToolBox(handlers: replay.handlers, patterns: wiring.patterns, clock: wiring.clock)
        }
        let (client, tools, agent) = try wiring.engine(workspace, store, arguments, sharing: recorded)
        let before = then.lazy.compactMap { if case .sessionOpened(let opened) = $0.body { opened } else { nil } }.first
        if let before, before.workspace != agent.workspace || before.pack != agent.pack.id {
            let words = SafeText.oneLine("\(before.pack) in \(before.workspace)", limit: 120)
            Console.err("note: it was \(words); here it is \(agent.pack.id) in \(agent.workspace)")
        }
        let session = SessionID(wiring.ids.next("s"))
        let turn = OneTurn(client: client, session: session, arguments: arguments, isSilent: true)
        defer { blocking { await client.close() } }
        blocking { await tools.start() }
        for (index, message) in messages.enumerated() {
            Console.progress("turn \(index + 1) of \(messages.count): \(SafeText.oneLine(message.text, limit: 60))")
            _ = try blocking { () async throws(EngineError) in
                try await turn.run(message.text, message.attachments ?? [])
            }
        }
        Console.progress(nil)
        blocking { await store.flush() }
        Console.err("run again as \(session)")
        return report(SessionComparison(then, try events(store, session)), id, session, arguments)
    }

    static func compare(_ store: any SessionStore, _ arguments: Arguments) throws(EngineError) -> ExitCode {
        guard arguments.words.count == 3 else { throw usage("'sessions compare' needs two sessions") }
        let (first, second) = (SessionID(arguments.words[1]), SessionID(arguments.words[2]))
        return report(
            SessionComparison(try events(store, first), try events(store, second)), first, second, arguments)
    }

    private static func report(
        _ comparison: SessionComparison, _ then: SessionID, _ now: SessionID, _ arguments: Arguments
    ) -> ExitCode {
        if arguments.has(.json) {
            Console.out(JSONValue(encoding: comparison).prettyText)
            return comparison.parting == nil ? .done : .failed
        }
        for row in comparison.rows {
            if row.isSame {
                let step = row.then
                Console.out(row.step == 1 ? "turn \(row.turn)  \(shown(step))" : "  =  \(step?.title ?? "")")
            } else {
                if row.step == 1 { Console.out("turn \(row.turn)") }
                Console.out("  ≠  \((row.then ?? row.now)?.title ?? "")")
                let (old, new) = beside(row.then, row.now)
                Console.out("     then: \(old)")
                Console.out("     now:  \(new)")
            }
        }
        guard let parting = comparison.parting else {
            Console.out("alike to the end: \(then) and \(now)")
            return .done
        }
        Console.out(
            "they part at turn \(parting.turn), step \(parting.step): \((parting.then ?? parting.now)?.title ?? "")")
        return .failed
    }

    private static func shown(_ step: SessionStep?) -> String {
        step.map { SafeText.oneLine($0.content.string ?? $0.content.text, limit: 200) } ?? "nothing"
    }

    /// Both, from a little before the place where they begin to differ.
    private static func beside(_ then: SessionStep?, _ now: SessionStep?) -> (String, String) {
        guard let then, let now else { return (shown(then), shown(now)) }
        guard then.kind == now.kind, then.name == now.name else { return (shown(then), "\(now.title): \(shown(now))") }
        let texts = [then, now].map { Array($0.content.string ?? $0.content.text) }
        let same = zip(texts[0], texts[1]).prefix { $0 == $1 }.count
        let start = same > 60 ? same - 40 : 0
        let parts = texts.map { (start > 0 ? "…" : "") + SafeText.oneLine(String($0[start...]), limit: 200) }
        return (parts[0], parts[1])
    }
}
