/// Finding tools.
extension WorkspaceLoader {
    /// Of the command line, else of `cleo.yaml`, else `tools.yaml`; and what the pack's arena file names.
    mutating func handlers(_ config: WorkspaceConfig, _ packFile: String? = nil) -> [HandlerSpec] {
        var files = options.tools.map { [$0] } ?? config.tools
        if files.isEmpty { files = Self.toolsFiles.filter { reader.files.exists($0) }.prefix(1).map { $0 } }
        var handlers = files.flatMap { self.handlers(file: $0, config.secrets) }
        if let packFile, let arena = reader.read(packFile).value, arena.value.text("kind") == "Arena" {
            handlers += self.handlers(arena: arena)
        }
        for index in handlers.indices {
            guard case .client(let client) = handlers[index].kind, let command = config.clientTools[client.tool.name]
            else { continue }
            handlers[index].kind = .exec(ExecToolSpec(tool: client.tool, arguments: command, variables: []))
        }
        handlers += builtIns(config.builtIns)
        var names: Set<String> = []
        return handlers.filter { handler in
            if names.insert(handler.name).inserted { return true }
            fail("two handlers are called '\(handler.name)'; the first one stays", file: files.first ?? "")
            return false
        }
    }

    private mutating func builtIns(_ wanted: BuiltIns) -> [HandlerSpec] {
        var specs: [BuiltInSpec] = []
        if let writable = wanted.files { specs.append(.files(writable: writable)) }
        if wanted.memory { specs.append(.memory) }
        if let folders = wanted.retrieve {
            specs.append(.retrieve(folders: folders, embedder: wanted.embeddings.flatMap { named(nil, $0) }))
        }
        if let limits = wanted.code { specs.append(.code(limits)) }
        return specs.map { spec in
            var handler = HandlerSpec(name: spec.name, kind: .builtIn(spec))
            switch spec {
            case .code(let limits): handler.timeout = (limits.seconds + 5) * 1_000
            // The first time, every document is read.
            case .retrieve: handler.timeout = 600_000
            case .files, .memory: break
            }
            return handler
        }
    }

    /// A tools file, a tool's own file, or the `mcpServers` of other clients.
    private mutating func handlers(file: String, _ secrets: [String: KeySource] = [:]) -> [HandlerSpec] {
        guard let document = keep(reader.read(file)) else { return [] }
        if document.value.text("kind") == "Tool" {
            return keep(ToolManifestLoader.load(document, variables: variables)).map { [$0] } ?? []
        }
        if document.value["mcpServers"] != nil {
            return keep(MCPServersLoader.load(document, variables: variables)) ?? []
        }
        return keep(ToolsFileLoader.load(document, variables: variables, secrets: secrets)) ?? []
    }

    /// - Returns: nil when one cannot be used: what it forbids would pass.
    mutating func policies(_ config: WorkspaceConfig, _ handlers: [HandlerSpec]) -> PolicyBook? {
        var book = PolicyBook()
        book.identity = config.identity
        for handler in handlers { book.registries[handler.name] = handler.registry }
        for file in config.policies {
            guard let document = keep(reader.read(file)), let policy = keep(ClusterPolicyLoader.load(document)) else {
                return nil
            }
            book.policies.append(policy)
        }
        return book
    }

    /// PromptArena's `tools` and `mcp_servers`.
    private mutating func handlers(arena: SourceDocument) -> [HandlerSpec] {
        let spec = arena.value["spec"]
        var handlers: [HandlerSpec] = []
        for entry in spec?["tools"]?.array ?? [] {
            guard let file = entry.text("file") else { continue }
            handlers += self.handlers(file: PackSources.resolve(file, beside: arena.file))
        }
        let report = DiagnosticSink()
        for (index, server) in (spec?["mcp_servers"]?.array ?? []).enumerated() {
            let pointer = "/spec/mcp_servers/\(index)"
            guard
                var fields = FieldReader(arena, at: pointer, value: server, what: "a server", report: report),
                let name = fields.string("name", required: true)
            else { continue }
            if let handler = MCPServersLoader.read(&fields, name) { handlers.append(handler) }
        }
        _ = keep(Loaded<Bool>(value: true, diagnostics: report.diagnostics))
        return handlers
    }
}
