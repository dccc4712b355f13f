/// A workspace as it is loaded from disk: everything an agent needs, still without a running part.
package struct Workspace: Sendable {
    package var config: WorkspaceConfig
    /// Which of its agents it was loaded as; nil where there is only one.
    package var agent: AgentEntry?
    package var variant: AgentVariant
    package var packFile: String
    package var pack: PromptPack
    /// The published schemas that the pack satisfies.
    package var editions: Editions
    /// What PromptKit would do differently.
    package var divergences: [Divergence]
    package var skills: [Skill]
    /// Schemas of compositions, by the file that the pack names.
    package var schemas: [String: JSONValue]
    package var prompt: Prompt
    /// Values for the prompt: `cleo.yaml`'s, then the command line's.
    package var variables: [String: JSONValue]
    package var handlers: [HandlerSpec]
    package var provider: ResolvedProvider
    /// Who answers when the first one fails.
    package var fallback: [ResolvedProvider]
    /// Who judges, where `judge:` names one.
    package var judge: ResolvedProvider?
    package var policies: PolicyBook
    /// Where its files stand, for watching.
    package var folders: [String]
}

/// The tools of a workspace, and what `cleo.yaml` says of them.
package struct WorkspaceTools: Sendable {
    package var handlers: [HandlerSpec]
    package var config: WorkspaceConfig
    package var policies: PolicyBook
}

/// A provider with what a mock needs to speak.
package struct ResolvedProvider: Sendable {
    package var config: ProviderConfig
    /// What a mock says.
    package var script: MockScript?
}

/// What the command line says, which wins over the files.
package struct WorkspaceOptions: Sendable, Equatable {
    package var pack: String?
    package var prompt: String?
    package var tools: String?
    /// A kind (`openai`), a name in `providers/`, or a file.
    package var provider: String?
    /// One of the workspace's agents; nil: the first one.
    package var agent: String?
    package var variant = AgentVariant.stable
    /// What the person chose on the screen, which wins over all; `PROVIDER`, `MODEL` or `PROVIDER/MODEL`.
    package var chosenModel: String?
    package var model: String?
    package var baseURL: String?
    /// The scenario that a mock plays.
    package var scenario: String?
    package var variables: [String: JSONValue] = [:]
    /// A file of variables, as JSON or YAML; single variables win over it.
    package var variablesFile: String?
    /// Wins over `semantics:` in `cleo.yaml`.
    package var semantics: Semantics?
    /// Values that the person gave on the screen earlier; everything else wins over them.
    package var remembered: [String: JSONValue] = [:]

    package init() {}
}

/// Finds and reads the files of a workspace.
package struct WorkspaceLoader {
    let reader: DocumentReader
    let variables: any VariableSource
    let patterns: any PatternCompiler
    let options: WorkspaceOptions
    private var diagnostics: [Diagnostic] = []
    private var withTools = true

    package static let toolsFiles = ["tools.yaml", "tools.yml", "tools.json"]
    package static let packSuffixes = [".pack.json", ".pack.yaml", ".pack.yml"]

    /// Names of packs and of what packs are made of.
    package static let allSuffixes = packSuffixes + PackSources.arenaSuffixes + PackSources.promptSuffixes

    private init(
        _ reader: DocumentReader, _ variables: any VariableSource, _ patterns: any PatternCompiler,
        _ options: WorkspaceOptions
    ) {
        self.reader = reader
        self.variables = variables
        self.patterns = patterns
        self.options = options
    }

    /// The handlers alone, for which no pack is needed.
    package static func tools(
        _ options: WorkspaceOptions, reader: DocumentReader, variables: any VariableSource,
        patterns: any PatternCompiler
    ) -> Loaded<WorkspaceTools> {
        var loader = WorkspaceLoader(reader, variables, patterns, options)
        guard let config = loader.config() else { return Loaded(value: nil, diagnostics: loader.diagnostics) }
        let handlers = loader.handlers(config)
        let tools = loader.policies(config, handlers).map {
            WorkspaceTools(handlers: handlers, config: config, policies: $0)
        }
        return Loaded(value: tools, diagnostics: loader.diagnostics)
    }

    /// - Returns: nil when the configuration, the pack or the provider cannot be used. A tools file with mistakes
    ///   only loses the handlers that have them.
    package static func load(
        _ options: WorkspaceOptions, reader: DocumentReader, variables: any VariableSource,
        patterns: any PatternCompiler, withTools: Bool = true
    ) -> Loaded<Workspace> {
        var loader = WorkspaceLoader(reader, variables, patterns, options)
        loader.withTools = withTools
        let workspace = loader.workspace()
        return Loaded(value: workspace, diagnostics: loader.diagnostics)
    }

    private mutating func workspace() -> Workspace? {
        guard var config = config(), let packFiles = packFiles(config), let inspection = pack(packFiles),
            let pack = inspection.pack, let prompt = prompt(of: pack, config, packFiles[0]),
            let variables = variables(config)
        else { return nil }
        let packFile = packFiles[0]
        config.semantics = options.semantics ?? config.semantics
        let handlers = withTools ? self.handlers(config, packFile) : []
        guard let policies = policies(config, handlers) else { return nil }
        guard let provider = provider(config, packFile) else { return nil }
        var fallback: [ResolvedProvider] = []
        for choice in options.provider == nil ? config.fallback : [] {
            guard let next = resolve(choice, packFile) else { return nil }
            fallback.append(next)
        }
        var judge: ResolvedProvider?
        if let choice = config.judge {
            guard let named = resolve(choice, packFile) else { return nil }
            judge = named
        }
        let skills = keep(SkillLoader.load(pack, reader: reader)) ?? []
        let schemas = keep(SchemaFiles.load(pack, reader: reader)) ?? [:]
        sayWhatDoesNotAct(pack, provider.config, variables, config)
        return Workspace(
            config: config, agent: agent(of: config), variant: options.variant, packFile: packFile, pack: pack,
            editions: inspection.editions,
            divergences: Parity.report(pack, inspection.document, reason: inspection.reasons[.promptKit]),
            skills: skills, schemas: schemas, prompt: prompt, variables: variables,
            handlers: handlers, provider: provider, fallback: fallback, judge: judge,
            policies: policies, folders: Set(reader.folders + skills.compactMap(\.folder)).sorted())
    }

    /// What a local run cannot honour is said, never dropped in silence.
    private mutating func sayWhatDoesNotAct(
        _ pack: PromptPack, _ provider: ProviderConfig, _ values: [String: JSONValue], _ config: WorkspaceConfig
    ) {
        func say(_ message: String, _ prompt: Prompt, _ key: String, hint: String? = nil) {
            let (file, place) = prompt.origin?.location(key) ?? (pack.file, nil)
            diagnostics.append(Diagnostic(.warning, message, file: file, place: place, hint: hint, rule: "not-here"))
        }
        for prompt in pack.prompts {
            if prompt.media?.enabled == true {
                say("only images can be sent, with /attach; 'media' limits nothing else", prompt, "media")
            }
            if provider.kind == .openai, prompt.parameters.topK != nil {
                say("OpenAI's API has no 'top_k'; it is not sent", prompt, "parameters/top_k")
            }
            let needsJudge =
                (prompt.validators.filter(\.enabled).map(\.type) + prompt.evals.filter(\.enabled).map(\.type))
                .contains { CheckRegistry.kind($0)?.needs == .judge }
            if needsJudge, config.judge == nil {
                say(
                    "checks that a model judges are skipped: no judge is configured", prompt, "",
                    hint: "name a provider with 'judge:' in cleo.yaml")
            }
            for (index, variable) in prompt.variables.enumerated() {
                guard let binding = variable.binding, binding.autoPopulate, values[variable.name] == nil else {
                    continue
                }
                if let kind = binding.kind, config.bindings[kind] != nil { continue }
                say(
                    "'\(variable.name)' is filled by a platform (binding '\(binding.kind ?? "")'), which is not here",
                    prompt, "variables/\(index)/binding",
                    hint: "give it under 'bindings:' or 'variables:' in cleo.yaml")
            }
        }
    }

    /// `cleo.yaml`'s, the file's, the command line's: the later win.
    private mutating func variables(_ config: WorkspaceConfig) -> [String: JSONValue]? {
        var values = options.remembered.merging(config.variables) { _, given in given }
        if let file = options.variablesFile {
            guard let document = keep(reader.read(file)) else { return nil }
            guard let object = document.value.object else {
                fail("the file of variables must be an object of names and values", file: file)
                return nil
            }
            for (name, value) in object { values[name] = value }
        }
        return values.merging(options.variables) { _, given in given }
    }

    mutating func keep<Value>(_ loaded: Loaded<Value>) -> Value? {
        diagnostics += loaded.diagnostics
        return loaded.value
    }

    mutating func fail(_ message: String, file: String = "", hint: String? = nil) {
        diagnostics.append(Diagnostic(.error, message, file: file, hint: hint))
    }

    private mutating func config() -> WorkspaceConfig? {
        var config = WorkspaceConfig()
        if reader.files.exists("cleo.yaml") {
            guard let document = keep(reader.read("cleo.yaml")),
                let read = keep(WorkspaceConfigLoader.load(document, variables: variables))
            else { return nil }
            config = read
        } else if let resources = ClusterResources.load(reader) {
            guard let read = keep(resources) else { return nil }
            config = read
        }
        guard let agent = agent(of: config) else {
            guard let name = options.agent else { return config }
            let names = config.agents.map(\.name)
            fail(
                "there is no agent '\(name)'",
                hint: Suggestion.hint(for: name, among: names)
                    ?? (names.isEmpty ? "cleo.yaml has no 'agents:'" : "one of: \(names.joined(separator: ", "))"))
            return nil
        }
        return config.chosen(options.variant == .canary ? agent.canary ?? agent.parts : agent.parts)
    }

    private func agent(of config: WorkspaceConfig) -> AgentEntry? {
        config.agents.first { options.agent == nil || $0.name == options.agent }
    }

    // MARK: The pack

    /// The pack of a file, or of several sources.
    private mutating func pack(_ files: [String]) -> PackInspection? {
        var documents: [SourceDocument] = []
        for file in files {
            guard let document = keep(reader.read(file)) else { return nil }
            documents.append(document)
        }
        var document = documents[0]
        if PackSources.isSource(document) {
            guard let made = keep(PackSources.pack(from: documents, reader: reader)) else { return nil }
            document = made
        }
        let inspection = PackLoader.inspect(document, patterns: patterns)
        diagnostics += inspection.diagnostics
        return inspection
    }

    private mutating func packFiles(_ config: WorkspaceConfig) -> [String]? {
        if let file = options.pack ?? config.pack { return [file] }
        for suffixes in [Self.packSuffixes, PackSources.arenaSuffixes, PackSources.promptSuffixes] {
            for folder in ["prompts/", ""] {
                let found = reader.files.list(folder.isEmpty ? "." : folder)
                    .filter { name in suffixes.contains { name.hasSuffix($0) } }.map { folder + $0 }
                // Several prompts are one pack; several packs are a question.
                if found.count == 1 || (!found.isEmpty && suffixes == PackSources.promptSuffixes) { return found }
                guard found.isEmpty else {
                    fail(
                        "there are \(found.count) packs: \(found.joined(separator: ", "))",
                        hint: "choose one with --pack FILE, or with 'pack:' in cleo.yaml")
                    return nil
                }
            }
        }
        fail(
            "there is no pack: 'prompts/' holds no file that ends in .pack.json, .pack.yaml, .prompt.yaml or .arena.yaml",
            hint: "name one with --pack FILE, make one with 'cleo-tui init', or start in a folder that has one")
        return nil
    }

    private mutating func prompt(of pack: PromptPack, _ config: WorkspaceConfig, _ file: String) -> Prompt? {
        do throws(EngineError) {
            return try pack.choose(options.prompt ?? config.prompt)
        } catch {
            fail(error.message, file: file, hint: error.hint)
            return nil
        }
    }
}
