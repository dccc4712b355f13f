import Engine
import EngineSystem

/// The one place that names concrete adapters.
struct Wiring {
    let folders: Folders
    let workspaceFolder: String
    /// The demo that comes with the program, where no workspace is named.
    let isDemo: Bool
    let files: DiskFiles
    let reader: DocumentReader
    let variables: WorkspaceVariables
    let patterns = PCREPatternCompiler()
    let clock = SystemClock()
    let ids = RandomIdentifiers()
    /// Values that the person gave on the screen.
    let remembered: RememberedValues
    let redactor = Redactor([])
    let traffic: Traffic
    /// The model that the person chose on the screen.
    let chosenModel = ChosenModel()

    init(_ arguments: Arguments) throws(EngineError) {
        folders = Folders()
        let here = Folders.current()
        if let named = arguments[.workspace] {
            workspaceFolder = Folders.absolute(named)
            isDemo = false
            guard DiskFiles(root: here).exists(workspaceFolder) else {
                throw EngineError(.notFound, "there is no folder '\(named)'", hint: "--workspace names a folder")
            }
        } else if arguments[.pack] != nil || Self.isWorkspace(here), here != folders.share {
            workspaceFolder = here
            isDemo = false
        } else if let share = folders.share {
            workspaceFolder = share
            isDemo = true
        } else {
            throw EngineError(
                .notFound, "this folder is no workspace, and the demo's files are not beside the program",
                hint: "name a workspace with --workspace DIR, or a pack with --pack FILE")
        }
        files = DiskFiles(root: workspaceFolder)
        reader = DocumentReader(files: files, yaml: LibYAMLReader())
        variables = WorkspaceVariables(program: Folders.program())
        // What `attach` records is a facade's connection.
        traffic = arguments.command == .attach ? .live : try Traffic(arguments, clock: clock, redactor: redactor)
        remembered = RememberedValues(folder: folders.data, workspace: isDemo ? "demo" : workspaceFolder)
    }

    private static func isWorkspace(_ folder: String) -> Bool {
        let files = DiskFiles(root: folder)
        if (["cleo.yaml"] + WorkspaceLoader.toolsFiles).contains(where: files.exists) { return true }
        return ["prompts", "."].contains { place in
            files.list(place).contains { name in WorkspaceLoader.allSuffixes.contains { name.hasSuffix($0) } }
        } || ClusterResources.areIn(files)
    }

    // MARK: Files

    static func options(_ arguments: Arguments) throws(EngineError) -> WorkspaceOptions {
        var options = WorkspaceOptions()
        options.agent = arguments[.agent]
        options.pack = arguments[.pack].map(Folders.absolute)
        options.prompt = arguments[.prompt]
        options.tools = arguments[.tools].map(Folders.absolute)
        options.provider = arguments[.provider].map { $0.contains("/") ? Folders.absolute($0) : $0 }
        options.model = arguments[.model]
        options.scenario = arguments[.scenario]
        options.baseURL = arguments[.baseURL]
        options.variablesFile = arguments[.variables].map(Folders.absolute)
        if let word = arguments[.semantics] {
            guard let semantics = Semantics(rawValue: word) else {
                throw EngineError(.invalidInput, "'--as \(word)' is unknown", hint: "one of: strict, promptkit")
            }
            options.semantics = semantics
        }
        for pair in arguments.all(.variable) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw EngineError(.invalidInput, "'--var \(pair)' is not NAME=VALUE", hint: "--var city=Oslo")
            }
            options.variables[String(parts[0])] = .string(String(parts[1]))
        }
        return options
    }

    /// - Parameter agent: one of several; else the one that the command line names, or the first.
    func workspace(
        _ arguments: Arguments, agent: String? = nil, variant: AgentVariant = .stable
    ) throws(EngineError) -> Loaded<Workspace> {
        var options = try toolOptions(arguments)
        options.agent = agent ?? options.agent
        options.variant = variant
        var loaded = WorkspaceLoader.load(options, reader: reader, variables: variables, patterns: patterns)
        // Notes are for whoever checks the files.
        loaded.diagnostics.removeAll { $0.severity == .note }
        return loaded
    }

    func tools(_ arguments: Arguments) throws(EngineError) -> Loaded<WorkspaceTools> {
        let options = try toolOptions(arguments)
        return WorkspaceLoader.tools(options, reader: reader, variables: variables, patterns: patterns)
    }

    func toolOptions(_ arguments: Arguments) throws(EngineError) -> WorkspaceOptions {
        var options = try Self.options(arguments)
        options.remembered = remembered.values
        options.chosenModel = chosenModel.name
        guard isDemo else { return options }
        options.tools = options.tools ?? "tools.yaml.example"
        try startDemo()
        return options
    }

    /// The demo's HTTP service, in this process, on the loopback interface; once.
    private func startDemo() throws(EngineError) {
        guard variables.value(of: "CLEO_DEMO_HTTP") == nil else { return }
        variables.set("CLEO_DEMO_HTTP", try DemoTools.startHTTP().url)
    }

    func handlers(_ workspace: Workspace) -> [any ToolHandler] { handlers(workspace.handlers, workspace.config) }

    func handlers(_ specs: [HandlerSpec], _ config: WorkspaceConfig) -> [any ToolHandler] {
        if case .replayed(let replay) = traffic { return replay.handlers }
        let factory = HandlerFactory(
            files: files, variables: variables, clock: clock, redactor: redactor, config: config,
            folders: folders, reader: reader)
        let real = specs.map(factory.handler)
        if case .recorded(let recorder) = traffic { return real.map(recorder.watching) }
        return real
    }

    // MARK: The agent

    func agent(_ workspace: Workspace) throws(EngineError) -> Agent {
        let answering = try provider(workspace)
        var agent = Agent(
            workspace: isDemo ? "demo" : workspaceFolder, pack: workspace.pack, prompt: workspace.prompt,
            variables: workspace.variables, provider: answering,
            parameters: workspace.provider.config.parameters, limits: workspace.config.limits,
            approval: workspace.config.approval, patterns: patterns)
        agent.name = workspace.agent?.name
        agent.variant = workspace.agent?.canary == nil ? nil : workspace.variant
        agent.policies = workspace.policies
        agent.bindings = workspace.config.bindings
        agent.semantics = workspace.config.semantics
        agent.skills = workspace.skills
        agent.files = files
        agent.schemas = workspace.schemas
        agent.editions = workspace.editions.members.map(\.title)
        agent.divergences = workspace.divergences
        if let judge = workspace.judge {
            agent.judge = ProviderJudge(try providers(workspace).provider(judge))
        }
        return agent
    }

    /// Who answers, with those who stand in.
    func provider(_ workspace: Workspace) throws(EngineError) -> any Provider {
        let factory = providers(workspace)
        var all = [try factory.provider(workspace.provider)]
        for next in workspace.fallback { all.append(try factory.provider(next)) }
        return all.count == 1 ? all[0] : FallbackProvider(all)
    }

    private func providers(_ workspace: Workspace) -> ProviderFactory {
        ProviderFactory(
            files: files, variables: variables, clock: clock, ids: ids, redactor: redactor, traffic: traffic,
            config: workspace.config,
            prices: prices().overridden(by: workspace.config.prices))
    }

    /// Where `prices update` keeps its table.
    var pricesFile: String { folders.data + "/prices.json" }

    func prices() -> PriceTable {
        guard let share = folders.share else { return .empty }
        let candidates = [pricesFile, "\(share)/prices.json", "\(share)/Sources/Engine/Data/prices.json"]
        // Places are for people who write files; this one is ours, and the start waits for it.
        guard let file = candidates.first(where: files.exists), let bytes = try? files.read(file),
            let value = try? JSONParser.parse(bytes)
        else { return .empty }
        return PriceTable.load(SourceDocument(file: file, value: value)).value ?? .empty
    }

    // MARK: The engine

    /// - Throws: `storage` when there is none that can be used.
    static func openStore() throws(EngineError) -> any SessionStore {
        try SQLiteSessionStore(directory: Folders().data)
    }

    func store() -> (store: any SessionStore, problem: Diagnostic?) {
        do throws(EngineError) {
            return (try SQLiteSessionStore(directory: folders.data), nil)
        } catch {
            let problem = Diagnostic(
                .warning, "conversations are not kept: \(error.message)", file: "", hint: error.hint)
            return (MemoryStore(), problem)
        }
    }

    /// The provider that a person names, as the files have it.
    private func choose(
        _ name: String, _ arguments: Arguments
    ) throws(EngineError) -> (provider: any Provider, parameters: ModelParameters) {
        var options = try toolOptions(arguments)
        options.chosenModel = name
        let loaded = WorkspaceLoader.load(
            options, reader: reader, variables: variables, patterns: patterns, withTools: false)
        guard let workspace = loaded.value else {
            let error = loaded.diagnostics.first { $0.severity == .error }
            throw EngineError(.invalidInput, error?.message ?? "'\(name)' cannot be used", hint: error?.hint)
        }
        let provider = try provider(workspace)
        chosenModel.name = name
        return (provider, workspace.provider.config.parameters)
    }

    func toolBox(_ workspace: Workspace) -> ToolBox {
        ToolBox(
            handlers: handlers(workspace), patterns: patterns, clock: clock, breaker: workspace.config.limits.breaker,
            limits: workspace.config.limits.handlers)
    }

    /// - Parameter shared: the tools of another agent of the workspace, where they are the same.
    func engine(
        _ workspace: Workspace, _ store: any SessionStore, _ arguments: Arguments, sharing shared: ToolBox? = nil
    ) throws(EngineError) -> (LocalClient, ToolBox, Agent) {
        let agent = try agent(workspace)
        let tools = shared ?? toolBox(workspace)
        redactor.add(secrets(workspace.handlers) + Self.secrets(workspace.variables))
        let (remembered, redactor) = (remembered, redactor)
        let client = LocalClient(
            agent: agent, tools: tools, store: store, clock: clock, ids: ids, redactor: redactor,
            remember: { values in
                redactor.add(Self.secrets(values))
                remembered.keep(values)
            },
            chooseProvider: { name throws(EngineError) in try choose(name, arguments) })
        return (client, tools, agent)
    }

    /// Values of variables whose names say that they are secret.
    private static func secrets(_ values: [String: JSONValue]) -> [Secret] {
        values.filter { WorkspaceVariables.isSecret($0.key) }.map { Secret($0.value.templateText) }
    }

    /// Hides what is secret in the files and the environment, as far as they have been read.
    func secrets(_ handlers: [HandlerSpec]) -> [Secret] {
        let named = handlers.flatMap { handler in
            if case .openapi(let spec) = handler.kind { Array(spec.credentials.values) } else { [Secret]() }
        }
        return variables.secrets + named
            + handlers.compactMap { handler in
                if case .value(let secret) = handler.credential?.source { secret } else { nil }
            }
    }
}
