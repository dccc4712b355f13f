import Engine
import EngineSystem

/// The agents of a workspace, running.
struct ServedAgents: Sendable {
    private(set) var served: [ServedAgent] = []
    /// What each version is, for people.
    private(set) var lines: [(agent: String, words: String)] = []
    private var clients: [LocalClient] = []
    /// Versions that name the same tools share them.
    private var tools: [(specs: [HandlerSpec], box: ToolBox)] = []
    /// A saved file takes effect at the next turn.
    private var reloaders: [Reloader] = []
    private var said: Set<String> = []

    /// - Returns: nil when the files have mistakes, which were said.
    init?(_ arguments: Arguments, _ wiring: Wiring, _ store: any SessionStore) throws(EngineError) {
        func version(_ name: String?, _ variant: AgentVariant) throws(EngineError) -> (Workspace, ServedAgent.Version)?
        {
            try self.version(name, variant, arguments, wiring, store)
        }
        guard let (first, stable) = try version(arguments[.agent], .stable) else { return nil }
        guard let chosen = first.agent else {
            served = [ServedAgent(stable.opened.pack, namespace: "default", stable: stable)]
            return
        }
        for entry in arguments[.agent] == nil ? first.config.agents : [chosen] {
            guard let own = try entry == chosen ? stable : version(entry.name, .stable)?.1 else { return nil }
            var agent = ServedAgent(
                entry.name, namespace: entry.namespace ?? "default", stable: own, weight: entry.weight)
            if entry.canary != nil {
                guard let (_, canary) = try version(entry.name, .canary) else { return nil }
                agent.canary = canary
                lines[lines.count - 1].words += ", \(entry.weight) of 100 new sessions"
            }
            served.append(agent)
        }
    }

    private mutating func version(
        _ name: String?, _ variant: AgentVariant, _ arguments: Arguments, _ wiring: Wiring, _ store: any SessionStore
    ) throws(EngineError) -> (Workspace, ServedAgent.Version)? {
        let loaded = try wiring.workspace(arguments, agent: name, variant: variant)
        Console.report(loaded.diagnostics.filter { said.insert("\($0.file):\($0.line ?? 0) \($0.message)").inserted })
        guard let workspace = loaded.value else {
            if let name { Console.err("this is about the agent '\(name)'\(variant == .canary ? ", its canary" : "")") }
            return nil
        }
        let shared = tools.first { $0.specs == workspace.handlers }?.box
        let (client, box, agent) = try wiring.engine(workspace, store, arguments, sharing: shared)
        clients.append(client)
        var options = try wiring.toolOptions(arguments)
        options.agent = name ?? options.agent
        options.variant = variant
        reloaders.append(Reloader(wiring, options, workspace, client, box, hasForeignTools: shared != nil))
        if shared == nil { tools.append((workspace.handlers, box)) }
        do throws(EngineError) {
            _ = try agent.render(agent.prompt)
        } catch {
            Console.err("warning: \(agent.name ?? agent.pack.id) cannot answer yet: \(error.description)")
        }
        let words = "\(agent.pack.id) \(agent.pack.version), \(agent.provider.isMock ? "mock" : agent.provider.model)"
        lines.append((agent.name ?? agent.pack.id, variant == .canary ? "canary: \(words)" : words))
        return (workspace, ServedAgent.Version(variant: agent.variant, client: client, opened: agent.opened))
    }

    func start() async {
        for (_, box) in tools { await box.start() }
        for reloader in reloaders { await reloader.start() }
    }

    /// Whether a turn runs, whoever began it.
    var areRunning: Bool {
        get async {
            for client in clients where await client.isRunning { return true }
            return false
        }
    }

    func close() async {
        for client in clients { await client.closeSessions() }
        for (_, box) in tools { await box.stop() }
    }
}
