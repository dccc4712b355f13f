import Engine
import EngineSystem

/// Reads the workspace again when one of its files is saved: what is good takes effect at the next turn; what is
/// broken is reported with its place, and the last good one stays in use.
actor Reloader {
    private let wiring: Wiring
    private let options: WorkspaceOptions
    private let client: LocalClient
    private let tools: ToolBox
    /// Whether another agent's reloader looks after the tools.
    private let hasForeignTools: Bool
    private var handlers: [HandlerSpec]
    private var problems: [Diagnostic] = []
    private var watch: FolderWatch?
    private var folders: [String]
    private var isReloading = false
    private var isStale = false

    init(
        _ wiring: Wiring, _ options: WorkspaceOptions, _ workspace: Workspace, _ client: LocalClient, _ tools: ToolBox,
        hasForeignTools: Bool = false
    ) {
        self.hasForeignTools = hasForeignTools
        self.wiring = wiring
        self.options = options
        self.client = client
        self.tools = tools
        handlers = workspace.handlers
        folders = workspace.folders
    }

    func start() {
        watch = FolderWatch(folders.map { Folders.absolute($0, in: wiring.workspaceFolder) }) { [weak self] in
            Task { await self?.reload() }
        }
    }

    private func reload() async {
        isStale = true
        guard !isReloading else { return }
        isReloading = true
        while isStale {
            isStale = false
            await readAgain()
        }
        isReloading = false
    }

    private func readAgain() async {
        var options = options
        options.remembered = wiring.remembered.values
        options.chosenModel = wiring.chosenModel.name
        let loaded = WorkspaceLoader.load(
            options, reader: wiring.reader, variables: wiring.variables, patterns: wiring.patterns)
        let errors = loaded.diagnostics.filter { $0.severity == .error }
        guard let workspace = loaded.value else { return await keep(errors) }
        do throws(EngineError) {
            var new = try wiring.agent(workspace)
            new.overrides = client.source.current.agent.overrides
            new.problems = errors
            await take(new, workspace, errors)
        } catch {
            await keep([Diagnostic(.error, error.message, file: "", hint: error.hint)])
        }
    }

    /// The files are broken: the last good ones stay.
    private func keep(_ errors: [Diagnostic]) async {
        guard errors != problems else { return }
        problems = errors
        var lines = errors.prefix(5).map { $0 }
        lines.append(Diagnostic(.note, "the last good files stay in use", file: ""))
        await client.change(lines) { $0.problems = errors }
    }

    private func take(_ new: Agent, _ workspace: Workspace, _ errors: [Diagnostic]) async {
        var changes = AgentChange.lines(from: client.source.current.agent, to: new)
        // While something is wrong, a handler that is gone is one that cannot be read: the last good one stays.
        let names = Set(workspace.handlers.map(\.name))
        let kept = errors.isEmpty ? [] : handlers.filter { !names.contains($0.name) }
        if !hasForeignTools, workspace.handlers + kept != handlers {
            let same = (workspace.handlers + kept).filter { handlers.contains($0) }.map(\.name)
            changes.append("the tools file changed")
            handlers = workspace.handlers + kept
            wiring.redactor.add(wiring.secrets(handlers))
            await tools.replace(with: wiring.handlers(handlers, workspace.config), keeping: Set(same))
        }
        var lines = errors == problems ? [] : errors
        if changes.isEmpty, !problems.isEmpty, errors.isEmpty {
            lines.append(Diagnostic(.note, "the files are in order again", file: ""))
        } else if !changes.isEmpty {
            let words = changes.prefix(6).joined(separator: "; ") + (changes.count > 6 ? "; …" : "")
            lines.append(Diagnostic(.note, "\(words), from the next turn on", file: ""))
        }
        problems = errors
        if workspace.folders != folders {
            folders = workspace.folders
            start()
        }
        guard !lines.isEmpty || !changes.isEmpty else { return }
        await client.change(lines) { $0 = new }
    }
}
