import Engine
import EngineSystem
import Synchronization

/// Environment variables, and the few that the program provides. Values whose names say that they are secret are
/// remembered, so that they can be kept off the disk and the screen.
final class WorkspaceVariables: VariableSource {
    private struct State {
        var own: [String: String]
        var secrets: [String] = []
    }

    private let state: Mutex<State>
    private let environment = EnvironmentVariables()

    init(program: String) { state = Mutex(State(own: ["CLEO_TUI": program])) }

    func set(_ name: String, _ value: String) { state.withLock { $0.own[name] = value } }

    func remember(_ secret: Secret) { state.withLock { $0.secrets.append(secret.reveal()) } }

    func value(of name: String) -> String? {
        if let own = state.withLock({ $0.own[name] }) { return own }
        guard let value = environment.value(of: name) else { return nil }
        if Self.isSecret(name) { remember(Secret(value)) }
        return value
    }

    /// Whether a name says that its value is nobody's business.
    static func isSecret(_ name: String) -> Bool {
        let upper = name.uppercased()
        return ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"].contains { upper.contains($0) }
    }

    var secrets: [Secret] { state.withLock { $0.secrets.map { Secret($0) } } }
}
