/// A workspace as it is loaded from disk: everything an agent needs, still without a running part.
package struct Workspace: Sendable {
    package var config: WorkspaceConfig
    package var packFile: String
    package var pack: PromptPack
    package var prompt: Prompt
    /// Values for the prompt: `cleo.yaml`'s, then the command line's.
    package var variables: [String: JSONValue]
    package var toolsFile: String?
    package var handlers: [HandlerSpec]
    package var provider: ProviderConfig
    /// What a mock provider says.
    package var script: MockScript?
}

/// What the command line says, which wins over the files.
package struct WorkspaceOptions: Sendable, Equatable {
    package var pack: String?
    package var prompt: String?
    package var tools: String?
    /// A kind (`openai`), a name in `providers/`, or a file.
    package var provider: String?
    package var model: String?
    package var baseURL: String?
    package var variables: [String: JSONValue] = [:]

    package init() {}
}

/// Finds and reads the files of a workspace.
package struct WorkspaceLoader {
    private let reader: DocumentReader
    private let variables: any VariableSource
    private let patterns: any PatternCompiler
    private let options: WorkspaceOptions
    private var diagnostics: [Diagnostic] = []
    private var withTools = true

    package static let toolsFiles = ["tools.yaml", "tools.yml", "tools.json"]
    package static let packSuffixes = [".pack.json", ".pack.yaml", ".pack.yml"]

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
    ) -> Loaded<[HandlerSpec]> {
        var loader = WorkspaceLoader(reader, variables, patterns, options)
        guard let config = loader.config() else { return Loaded(value: nil, diagnostics: loader.diagnostics) }
        let handlers = loader.toolsFile(config).map { loader.handlers($0) } ?? []
        return Loaded(value: handlers, diagnostics: loader.diagnostics)
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
        guard let config = config(), let packFile = packFile(config),
            let pack = keep(reader.read(packFile)).flatMap({ keep(PackLoader.load($0)) }),
            let prompt = prompt(of: pack, config, packFile)
        else { return nil }
        let toolsFile = withTools ? toolsFile(config) : nil
        let handlers = toolsFile.map { self.handlers($0) } ?? []
        guard let provider = provider(config) else { return nil }
        var script: MockScript?
        if provider.kind == .mock {
            guard let played = mock(provider, packFile) else { return nil }
            script = played
        }
        return Workspace(
            config: config, packFile: packFile, pack: pack, prompt: prompt,
            variables: config.variables.merging(options.variables) { _, given in given }, toolsFile: toolsFile,
            handlers: handlers, provider: provider, script: script)
    }

    private mutating func keep<Value>(_ loaded: Loaded<Value>) -> Value? {
        diagnostics += loaded.diagnostics
        return loaded.value
    }

    private mutating func fail(_ message: String, file: String = "", hint: String? = nil) {
        diagnostics.append(Diagnostic(.error, message, file: file, hint: hint))
    }

    private mutating func config() -> WorkspaceConfig? {
        guard reader.files.exists("cleo.yaml") else { return WorkspaceConfig() }
        guard let document = keep(reader.read("cleo.yaml")) else { return nil }
        return keep(WorkspaceConfigLoader.load(document, variables: variables))
    }

    // MARK: The pack

    private mutating func packFile(_ config: WorkspaceConfig) -> String? {
        if let file = options.pack ?? config.pack { return file }
        let found =
            ["prompts/", ""].map { folder in
                reader.files.list(folder.isEmpty ? "." : folder)
                    .filter { name in Self.packSuffixes.contains { name.hasSuffix($0) } }.map { folder + $0 }
            }.first { !$0.isEmpty } ?? []
        if found.count == 1 { return found[0] }
        if found.isEmpty {
            fail(
                "there is no pack: 'prompts/' holds no file that ends in .pack.json or .pack.yaml",
                hint: "name one with --pack FILE, or start in a folder that has one")
        } else {
            fail(
                "there are \(found.count) packs: \(found.joined(separator: ", "))",
                hint: "choose one with --pack FILE, or with 'pack:' in cleo.yaml")
        }
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

    // MARK: The tools

    private func toolsFile(_ config: WorkspaceConfig) -> String? {
        if let file = options.tools ?? config.tools { return file }
        return Self.toolsFiles.first { reader.files.exists($0) }
    }

    private mutating func handlers(_ file: String) -> [HandlerSpec] {
        guard let document = keep(reader.read(file)) else { return [] }
        return keep(ToolsFileLoader.load(document, variables: variables)) ?? []
    }

    // MARK: The provider

    private mutating func provider(_ config: WorkspaceConfig) -> ProviderConfig? {
        guard var provider = namedProvider(config) else { return nil }
        provider.model = options.model ?? provider.model
        provider.baseURL = options.baseURL ?? provider.baseURL
        if provider.kind == .openai, provider.model == nil {
            fail(
                "the provider '\(provider.name)' needs a model",
                hint: "name it with --model NAME, or with 'model:' beside its 'type:'")
            return nil
        }
        return provider
    }

    private mutating func namedProvider(_ config: WorkspaceConfig) -> ProviderConfig? {
        guard let name = options.provider else {
            return config.provider ?? ProviderConfig(name: "mock", kind: .mock)
        }
        if config.provider?.name == name { return config.provider }
        let candidates = ["providers/\(name).yaml", "providers/\(name).yml", name]
        if let file = candidates.first(where: { reader.files.exists($0) }) {
            guard let document = keep(reader.read(file)) else { return nil }
            guard var provider = keep(ProviderConfigLoader.load(document, variables: variables)) else { return nil }
            provider.mockFile = provider.mockFile.map { Self.sibling($0, of: file) }
            return provider
        }
        if let kind = ProviderConfig.Kind(rawValue: name) { return ProviderConfig(name: name, kind: kind) }
        let kinds = ProviderConfig.Kind.allCases.map(\.rawValue)
        fail(
            "there is no provider '\(name)': expected one of \(kinds.joined(separator: ", ")), a name in 'providers/', "
                + "or a file",
            hint: Suggestion.hint(for: name, among: kinds))
        return nil
    }

    /// The mock's file; by default the one beside the pack: `support.mock.yaml` for `support.pack.json`.
    private mutating func mock(_ provider: ProviderConfig, _ packFile: String) -> MockScript? {
        let suffix = Self.packSuffixes.first { packFile.hasSuffix($0) } ?? ""
        let beside = String(packFile.dropLast(suffix.count)) + ".mock.yaml"
        guard let file = provider.mockFile ?? (reader.files.exists(beside) ? beside : nil) else { return MockScript() }
        guard let document = keep(reader.read(file)) else { return nil }
        return keep(MockScriptLoader.load(document, patterns: patterns))
    }

    private static func sibling(_ path: String, of file: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }
}
