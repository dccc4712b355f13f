import Engine
import EngineSystem

/// What degrades in a cluster without a word.
extension DoctorCommand {
    static func remote(_ target: String, _ arguments: Arguments) throws(EngineError) -> [Finding] {
        let remote = try RemoteWiring(target, arguments)
        var findings = [facade(remote)]
        guard let archive = try remote.archive() else {
            return findings + [
                Finding(
                    state: .warning, what: "session API",
                    detail: "none is named: tokens, cost and the server's tools stay unknown",
                    mend: "session_api in the context, or --session-api https://HOST/api/v1")
            ]
        }
        do throws(EngineError) {
            let rows = try blocking { () async throws(EngineError) in try await archive.sessions(nil, limit: 50) }
            findings += Self.archive(rows, remote.opened.pack)
        } catch {
            findings.append(
                Finding(
                    state: .bad, what: "session API", detail: error.message,
                    mend: error.hint ?? "is the address right, and the token for it?"))
        }
        return findings
    }

    /// Greets the facade and leaves: nothing is said to the agent.
    private static func facade(_ remote: RemoteWiring) -> Finding {
        let began = remote.wiring.clock.now().milliseconds
        do throws(EngineError) {
            let session = try blocking { () async throws(EngineError) in try await remote.greet() }
            let took = remote.wiring.clock.now().milliseconds - began
            return Finding(
                state: .good, what: "facade", detail: "\(remote.name) greets in \(took) ms, session \(session)")
        } catch {
            return Finding(state: .bad, what: "facade", detail: error.message, mend: error.hint)
        }
    }

    private static func archive(_ rows: [JSONValue], _ agent: String) -> [Finding] {
        let own = rows.filter { $0["agentName"]?.string == agent }
        guard !own.isEmpty else {
            return [
                Finding(
                    state: .warning, what: "archive", detail: "no session of '\(agent)' is archived",
                    mend:
                        "without an archive nothing can be looked up: omnia_agent_session_store{mode=\"none\"} says so")
            ]
        }
        var findings = [
            Finding(
                state: .good, what: "archive",
                detail: "\(own.count) of the last \(rows.count) sessions are of '\(agent)'")
        ]
        func sum(_ name: String) -> Int { own.reduce(0) { $0 + ($1[name]?.int ?? 0) } }
        if sum("toolCallCount") == 0 {
            findings.append(
                Finding(
                    state: .warning, what: "tools", detail: "no tool was called in its last \(own.count) sessions",
                    mend:
                        "one server that cannot be reached at the start takes all tools away: 'failed to register tools' in the runtime's log"
                ))
        }
        if sum("totalInputTokens") == 0 {
            findings.append(
                Finding(
                    state: .warning, what: "usage", detail: "no tokens are counted in its last \(own.count) sessions",
                    mend:
                        "provider calls do not reach the archive: another runtime than PromptKit, or writes that are dropped"
                ))
        }
        let failed = own.count { $0["status"]?.string == "error" }
        if failed > 0 {
            findings.append(
                Finding(
                    state: .warning, what: "errors",
                    detail: "\(failed) of its last \(own.count) sessions ended with an error",
                    mend: "the reason is only in the runtime's log"))
        }
        return findings
    }
}
