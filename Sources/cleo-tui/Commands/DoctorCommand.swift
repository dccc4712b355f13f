import CTerminal
import Engine
import EngineSystem
import Glibc

/// What works here, what does not, and what to do.
enum DoctorCommand {
    struct Finding {
        enum State: String { case good = "ok", warning, bad = "problem" }
        var state: State
        var what: String
        var detail: String
        var mend: String?
    }

    static func run(_ arguments: Arguments) -> ExitCode {
        var findings = [program(), terminal(), locale()]
        do throws(EngineError) {
            let wiring = try Wiring(arguments)
            if let target = arguments[.context] { findings += try remote(target, arguments) }
            findings += [files(wiring), store(wiring)] + (try workspace(wiring, arguments)) + [key()]
        } catch {
            findings.append(Finding(state: .bad, what: "workspace", detail: error.message, mend: error.hint))
        }
        if arguments.has(.json) {
            let rows: [JSONValue] = findings.map { finding in
                var row: JSONObject = [
                    "check": .string(finding.what), "state": .string(finding.state.rawValue),
                    "detail": .string(finding.detail),
                ]
                if let mend = finding.mend { row["mend"] = .string(mend) }
                return .object(row)
            }
            Console.out(JSONValue.array(rows).prettyText)
        } else {
            for finding in findings { print(finding) }
        }
        return findings.contains { $0.state == .bad } ? .failed : .done
    }

    private static func print(_ finding: Finding) {
        let mark = finding.state == .good ? "✓" : finding.state == .warning ? "!" : "✗"
        let padding = String(repeating: " ", count: max(1, 12 - finding.what.count))
        Console.out("\(mark) \(finding.what)\(padding)\(finding.detail)")
        if let mend = finding.mend { Console.out("              → \(mend)") }
    }

    private static func program() -> Finding {
        Finding(state: .good, what: "program", detail: "cleo-tui \(ProgramInfo.version), \(Folders.program())")
    }

    private static func terminal() -> Finding {
        let type = EnvironmentVariables().value(of: "TERM") ?? ""
        guard CursesScreen.isPossible else {
            return Finding(
                state: .warning, what: "terminal", detail: "no screen here (TERM '\(type)', or not a terminal)",
                mend: "'chat' is a plain conversation here")
        }
        return Finding(state: .good, what: "terminal", detail: type)
    }

    private static func locale() -> Finding {
        term_width(0x6F22) == 2
            ? Finding(state: .good, what: "locale", detail: "UTF-8")
            : Finding(state: .bad, what: "locale", detail: "no UTF-8 locale", mend: "install the C.UTF-8 locale")
    }

    private static func files(_ wiring: Wiring) -> Finding {
        let prices = wiring.prices()
        guard let share = wiring.folders.share, !prices.asOf.isEmpty else {
            return Finding(
                state: .warning, what: "data", detail: "the demo and the prices are not beside the program",
                mend: "set CLEO_TUI_SHARE, or install with 'make install'")
        }
        return Finding(state: .good, what: "data", detail: "\(share), prices of \(prices.asOf)")
    }

    private static func store(_ wiring: Wiring) -> Finding {
        let (_, problem) = wiring.store()
        guard let problem else {
            return Finding(state: .good, what: "store", detail: wiring.folders.data + "/sessions.db")
        }
        return Finding(state: .bad, what: "store", detail: problem.message, mend: problem.hint)
    }

    private static func workspace(_ wiring: Wiring, _ arguments: Arguments) throws(EngineError) -> [Finding] {
        let loaded = try wiring.workspace(arguments)
        var findings = loaded.diagnostics.map { diagnostic in
            var plain = diagnostic
            plain.hint = nil
            return Finding(
                state: diagnostic.severity == .error ? .bad : .warning, what: "workspace", detail: plain.description,
                mend: diagnostic.hint)
        }
        guard let workspace = loaded.value else { return findings }
        let name = wiring.isDemo ? "the demo" : wiring.workspaceFolder
        findings.append(
            Finding(
                state: .good, what: "workspace",
                detail: "\(name): \(workspace.pack.id)@\(workspace.pack.version), prompt \(workspace.prompt.key), "
                    + "provider \(workspace.provider.config.name)"))
        let tools = ToolBox(handlers: wiring.handlers(workspace), patterns: wiring.patterns, clock: wiring.clock)
        let states = blocking {
            await tools.start()
            _ = await tools.waitForStart(milliseconds: 10_000)
            let states = await tools.states
            await tools.stop()
            return states
        }
        let redactor = Redactor(wiring.secrets(workspace.handlers))
        return findings
            + states.map { state in
                let detail =
                    "\(state.handler) (\(state.kind)): \(state.tools.count) tool\(state.tools.count == 1 ? "" : "s")"
                return Finding(
                    state: state.phase == .ready ? .good : .bad, what: "tools",
                    detail: redactor.clean(
                        SafeText.oneLine(
                            state.phase == .ready ? detail : "\(detail); \(state.detail ?? state.phase.rawValue)")))
            }
    }

    private static func key() -> Finding {
        let environment = EnvironmentVariables()
        let found = ProviderConfig.Kind.allCases.compactMap { kind -> String? in
            let names = ProviderConfig(name: "", kind: kind).usualVariables
            return names.first { environment.value(of: $0)?.isEmpty == false }.map { "\($0) for \(kind.rawValue)" }
        }
        return Finding(
            state: .good, what: "keys",
            detail: found.isEmpty
                ? "none in the environment; the mock and local models need none"
                : "set: \(found.joined(separator: ", ")); --provider NAME --model MODEL uses it")
    }
}
