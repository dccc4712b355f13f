import Engine
import EngineSystem
import Glibc

extension HandlerFactory {
    /// The tools that are part of this program. What is wrong with their settings is their state, not the end.
    func builtIn(_ spec: HandlerSpec, _ builtIn: BuiltInSpec) -> BuiltInToolHandler {
        do throws(EngineError) {
            let (tools, detail) = try tools(builtIn)
            return BuiltInToolHandler(name: spec.name, timeout: spec.timeout, tools: tools, detail: detail)
        } catch {
            return BuiltInToolHandler(name: spec.name, timeout: spec.timeout, tools: [], detail: "", objection: error)
        }
    }

    private func tools(_ builtIn: BuiltInSpec) throws(EngineError) -> (tools: [BuiltInTool], detail: String) {
        switch builtIn {
        case .files(let writable):
            let (root, reader) = (files.root, reader)
            let named =
                ["cleo.yaml"] + WorkspaceLoader.toolsFiles + config.policies + config.clientTools.values.joined()
            let tools = FileTools(
                try BeneathFolder(root), patterns: PCREPatternCompiler(), writable: writable,
                isProtected: { path in
                    (reader.paths.union(named)).contains { Self.plain($0, in: root) == path }
                })
            return (tools.tools, files.root)
        case .memory:
            let memories = SQLiteMemories(directory: folders.data, clock: clock)
            return (
                MemoryTools(memories, agent: files.root, redactor: redactor).tools, "kept in \(folders.data)/memory.db"
            )
        case .retrieve(let folders, let embedder):
            let path = "\(self.folders.data)/index/\(String(FNV1a.hash(files.root), radix: 16)).db"
            let tools = RetrieveTools(
                try BeneathFolder(files.root), folders: folders, index: SQLitePassageIndex(path: path),
                embedder: try embedder.map { (provider) throws(EngineError) in try self.embedder(provider) })
            let means = embedder.map { "words, and meaning by \($0.model ?? $0.name)" } ?? "words"
            return (tools.tools, "\(folders.joined(separator: ", ")), by \(means)")
        case .code(let limits):
            if let objection = CodeTools.objection(exists: Self.isProgram) { throw objection }
            let tools = CodeTools(limits, launcher: SpawnLauncher(), isRoot: geteuid() == 0, exists: Self.isProgram)
            return (tools.tools, "bubblewrap, without network")
        }
    }

    /// A path as the tools see it: relative to the workspace, without `.`.
    private static func plain(_ path: String, in root: String) -> String {
        let inside = path.hasPrefix(root + "/") ? String(path.dropFirst(root.count + 1)) : path
        return inside.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    private func embedder(_ provider: ProviderConfig) throws(EngineError) -> HTTPEmbedder {
        let usual = provider.usualVariables.first { variables.value(of: $0)?.isEmpty == false }
        let source = provider.key ?? provider.secretRef.flatMap { config.secrets[$0] } ?? usual.map { .variable($0) }
        redactor.learn(provider.headers)
        return try HTTPEmbedder(
            provider, key: source.map(keyReader),
            transport: CurlTransport(config.network.complete(in: files.root, variables)))
    }

    /// Whether a program is in one of the sandbox's folders.
    private static func isProgram(_ name: String) -> Bool {
        ["/usr/bin/", "/bin/"].contains { access($0 + name, X_OK) == 0 }
    }
}
