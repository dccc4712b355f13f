import CEdit
import Engine
import EngineSystem
import Glibc

/// A conversation in plain lines, over libedit. Concurrency: the main thread reads; the engine works elsewhere.
final class LineChat {
    private let client: LocalClient
    private let session: SessionID
    private let agent: Agent
    private let wiring: Wiring
    private var printer = TurnPrinter(isQuiet: false)

    init(client: LocalClient, session: SessionID, agent: Agent, wiring: Wiring) {
        self.client = client
        self.session = session
        self.agent = agent
        self.wiring = wiring
    }

    func run() -> ExitCode {
        let name = agent.provider.isMock ? "mock" : agent.provider.model
        Console.err("cleo-tui: \(agent.pack.id)@\(agent.pack.version), \(name). /quit leaves, /help helps.")
        guard let line = edit_open("cleo-tui", wiring.folders.data + "/history", 500) else {
            Console.err("cleo-tui: the line editor cannot be used here")
            return .failed
        }
        defer { edit_close(line) }
        let (client, session) = (client, session)
        let feed: EventFeed
        do throws(EngineError) {
            feed = try blocking { () async throws(EngineError) in try await client.feed(of: session, after: 0) }
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
        // What was said before is not said again.
        _ = feed.take()
        let interrupt = Interrupt { Task { try? await client.submit(.cancelTurn(session)) } }
        defer { withExtendedLifetime(interrupt) {} }
        askForValues(line)
        while let text = read(line, "› ") {
            if text.allSatisfy(\.isWhitespace) { continue }
            edit_remember(line, text)
            if text == "/quit" || text == "/exit" { break }
            if text == "/help" {
                Console.out("Write what you want to say. ^C stops the agent, /quit or ^D leaves.")
                continue
            }
            turn(text, feed, line)
        }
        blocking { await client.close() }
        return .done
    }

    /// Asks for what the prompt cannot do without; an empty line leaves it open.
    private func askForValues(_ line: OpaquePointer) {
        var declined: Set<String> = []
        while true {
            let agent = client.source.current.agent
            let values = agent.values(agent.prompt)
            let wanted = (values.missing + values.problems.map(\.name)).first { !declined.contains($0) }
            guard let name = wanted, let variable = agent.prompt.variables.first(where: { $0.name == name }) else {
                return
            }
            if let problem = values.problems.first(where: { $0.name == name })?.problem { Console.err(problem) }
            let about = variable.description.map { ": " + SafeText.oneLine($0, limit: 200) } ?? ""
            Console.err("the prompt needs \(name) (\(variable.type))\(about)")
            guard let text = read(line, "\(SafeText.oneLine(name, limit: 40)) = ") else { return }
            if text.isEmpty { declined.insert(name) }
            let (client, session) = (client, session)
            blocking { try? await client.submit(.setVariables(session, [name: text.isEmpty ? .null : .string(text)])) }
        }
    }

    /// Nil at the end of the input.
    private func read(_ line: OpaquePointer, _ prompt: String) -> String? {
        while true {
            var result: UnsafePointer<CChar>?
            switch edit_read(line, prompt, &result) {
            case 1: return result.map { String(cString: $0) } ?? ""
            case -1: Console.err("(^D or /quit leaves)")
            default: return nil
            }
        }
    }

    private func turn(_ text: String, _ feed: EventFeed, _ line: OpaquePointer) {
        let (client, session) = (client, session)
        do throws(EngineError) {
            try blocking { () async throws(EngineError) in try await client.submit(.send(session, text: text)) }
        } catch {
            return Console.report(error)
        }
        while let events = blocking({ await feed.next() }) {
            for event in events {
                printer.print(event)
                switch event.body {
                case .approvalRequested(let request): ask(request, line)
                case .turnFailed(let error):
                    printer.endLine()
                    Console.err("✗ " + error.message + (error.hint.map { "\nhint: \($0)" } ?? ""))
                    return
                case .turnFinished: return
                default: break
                }
            }
        }
    }

    private func ask(_ request: ApprovalRequest, _ line: OpaquePointer) {
        printer.endLine()
        Console.out("May \(request.call.tool) run with \(SafeText.oneLine(request.call.arguments.text))?")
        Console.out("y once, s for this session (\(request.covers)), anything else is a no and its reason")
        let words = read(line, "allow? ") ?? ""
        let decision: ApprovalDecision =
            switch words.lowercased() {
            case "y", "yes": .once
            case "s": .session
            case "n", "no": .deny(reason: "")
            default: .deny(reason: words)
            }
        let (client, session) = (client, session)
        blocking { try? await client.submit(.answerApproval(session, request.call.id, decision)) }
    }
}
