/// Finding providers by their names.
extension WorkspaceLoader {
    /// The folder that holds provider files.
    package static let providersFolder = "providers"

    /// Who answers: the command line's, the workspace's, the mock; with the model that the person chose.
    mutating func provider(_ config: WorkspaceConfig, _ packFile: String) -> ResolvedProvider? {
        let standard = config.provider ?? .named("mock")
        guard var provider = named(options.provider, standard) else { return nil }
        provider.model = options.model ?? provider.model
        provider.baseURL = options.baseURL ?? provider.baseURL
        provider.scenario = options.scenario ?? provider.scenario
        if let chosen = options.chosenModel {
            guard let other = choose(chosen, provider) else { return nil }
            provider = other
        }
        return complete(provider, packFile)
    }

    mutating func resolve(_ choice: ProviderChoice, _ packFile: String) -> ResolvedProvider? {
        guard let provider = named(nil, choice) else { return nil }
        return complete(provider, packFile)
    }

    /// `PROVIDER`, `MODEL`, or `PROVIDER/MODEL`.
    private mutating func choose(_ chosen: String, _ present: ProviderConfig) -> ProviderConfig? {
        if isProvider(chosen) { return file(named: chosen) }
        if let slash = chosen.firstIndex(of: "/"), isProvider(String(chosen[..<slash])) {
            guard var provider = file(named: String(chosen[..<slash])) else { return nil }
            provider.model = String(chosen[chosen.index(after: slash)...])
            return provider
        }
        var provider = present
        provider.model = chosen
        return provider
    }

    private func isProvider(_ name: String) -> Bool {
        name == "mock" || providerFile(name) != nil
            || (ProviderConfig.kind(name) != nil && name != "mock")
    }

    private mutating func complete(_ provider: ProviderConfig, _ packFile: String) -> ResolvedProvider? {
        guard provider.kind == .mock else {
            guard provider.model != nil else {
                fail(
                    "the provider '\(provider.name)' needs a model",
                    hint: "name it with --model NAME, or with 'model:' beside its 'type:'")
                return nil
            }
            return ResolvedProvider(config: provider)
        }
        guard let script = mock(provider, packFile) else { return nil }
        if let name = provider.scenario, script.scenarios[name] == nil {
            let names = script.scenarios.keys.sorted()
            fail(
                "the mock has no scenario '\(name)'; it has: \(names.joined(separator: ", "))",
                file: provider.mockFile ?? "", hint: Suggestion.hint(for: name, among: names))
            return nil
        }
        return ResolvedProvider(config: provider, script: script)
    }

    mutating func named(_ name: String?, _ standard: ProviderChoice) -> ProviderConfig? {
        switch (name, standard) {
        case (nil, .inline(let config)): return config
        case (nil, .named(let name)): return file(named: name)
        case (let name?, .inline(let config)) where config.name == name: return config
        case (let name?, _): return file(named: name)
        }
    }

    private func providerFile(_ name: String) -> String? {
        if name.contains("#") { return name }
        let folder = Self.providersFolder
        let endings = [".yaml", ".yml", ".json", ".provider.yaml", ".provider.yml"]
        // A bare word is no file, even where a folder has that name.
        let isPath = name.contains("/") || name.contains(".")
        return (endings.map { "\(folder)/\(name)\($0)" } + (isPath ? [name] : [])).first { reader.files.exists($0) }
    }

    private mutating func file(named name: String) -> ProviderConfig? {
        guard let file = providerFile(name) else {
            if let kind = ProviderConfig.kind(name) { return ProviderConfig(name: name, kind: kind) }
            let names = ProviderConfig.Kind.allCases.map(\.rawValue) + Self.providerNames(reader.files)
            fail(
                "there is no provider '\(name)': expected one of \(names.joined(separator: ", ")), or a file",
                hint: Suggestion.hint(for: name, among: names))
            return nil
        }
        guard let document = keep(reader.read(file)) else { return nil }
        let loaded = ProviderConfigLoader.load(document, variables: variables)
        guard var provider = keep(loaded) else {
            if !loaded.hasErrors { fail("'\(file)' describes no chat model", file: file) }
            return nil
        }
        // PromptArena looks from the arena file's folder; beside the provider's own file is what people expect.
        provider.mockFile = provider.mockFile.map { name in
            let beside = Self.sibling(name, of: file)
            return reader.files.exists(beside) || !reader.files.exists(name) ? beside : name
        }
        return provider
    }

    /// The providers that have a file in the workspace.
    package static func providerNames(_ files: any FileSource) -> [String] {
        files.list(providersFolder).compactMap { name in
            for ending in [".provider.yaml", ".provider.yml", ".yaml", ".yml", ".json"] where name.hasSuffix(ending) {
                return String(name.dropLast(ending.count))
            }
            return nil
        }
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
        let file = file.prefix { $0 != "#" }
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }
}
