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
    /// Images that go with the next message.
    private var attachments: [Attachment] = []

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
                Console.out(
                    "Write what you want to say. ^C stops the agent, /quit or ^D leaves.\n"
                        + "/model NAME lets another model answer, /set NAME VALUE sets a variable or a parameter, "
                        + "/attach FILE sends an image along.")
                continue
            }
            if let command = command(text) {
                carryOut(command)
                for event in feed.take() { printer.print(event) }
                continue
            }
            turn(text, feed, line)
        }
        blocking { await client.close() }
        return .done
    }

    private enum LineCommand {
        case submit(EngineCommand)
        case attach(String)
        case wrong(String)
    }

    /// The commands that make sense without a screen; nil for what is to be said.
    private func command(_ text: String) -> LineCommand? {
        let parts = text.split(separator: " ", maxSplits: 2).map(String.init)
        switch (parts.first, parts.count) {
        case ("/model", 2): return .submit(.chooseModel(session, parts[1]))
        case ("/attach", 2...): return .attach(String(text.dropFirst("/attach ".count)))
        case ("/set", 2...):
            let (name, value) = (parts[1], parts.count > 2 ? parts[2] : nil)
            let variables = client.source.current.agent.prompt.variables.map(\.name)
            if variables.contains(name) {
                return .submit(.setVariables(session, [name: value.map { .string($0) } ?? .null]))
            }
            guard ModelParameters.names.contains(name) else {
                let hint = Suggestion.hint(for: name, among: variables + ModelParameters.names)
                return .wrong("a name that the prompt or the model knows" + (hint.map { "; \($0)" } ?? ""))
            }
            let json = value.map { (try? JSONParser.parse($0)) ?? .string($0) } ?? .null
            return .submit(.setParameter(session, name, json))
        case ("/model", _): return .wrong("/model NAME")
        case ("/set", _): return .wrong("/set NAME VALUE")
        case ("/attach", _): return .wrong("/attach FILE")
        default: return nil
        }
    }

    private func carryOut(_ command: LineCommand) {
        let client = client
        do throws(EngineError) {
            switch command {
            case .submit(let command):
                try blocking { () async throws(EngineError) in try await client.submit(command) }
            case .attach(let path):
                let media = client.source.current.agent.prompt.media
                let image = try ImageFiles.attachment(
                    Folders.absolute(path), files: DiskFiles(root: "/"), media: media)
                attachments.append(image)
                Console.err("\(image.name) goes with the next message")
            case .wrong(let usage): Console.err("write \(usage)")
            }
        } catch {
            Console.report(error)
        }
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
            let images = attachments
            attachments = []
            try blocking { () async throws(EngineError) in
                try await client.submit(.send(session, text: text, attachments: images))
            }
        } catch {
            return Console.report(error)
        }
        while let events = blocking({ await feed.next() }) {
            for event in events {
                printer.print(event)
                switch event.body {
                case .approvalRequested(let request): ask(request, line)
                case .questionAsked(let question): ask(question, line)
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

    private func ask(_ question: Question, _ line: OpaquePointer) {
        printer.endLine()
        let reply = Questioner(read: { self.read(line, $0) }, say: { Console.out($0) }).ask(question)
        let (client, session) = (client, session)
        do throws(EngineError) {
            try blocking { () async throws(EngineError) in
                try await client.submit(.answerQuestion(session, question.id, reply))
            }
        } catch {
            // What does not fit is asked again.
            Console.report(error)
            if error.code == .invalidInput { ask(question, line) }
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
