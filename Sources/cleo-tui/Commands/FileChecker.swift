import Engine
import EngineSystem

/// Finds out what a file is and what is wrong with it.
struct FileChecker {
    private let files = DiskFiles(root: Folders.current())
    private let patterns = PCREPatternCompiler()
    private let reader: DocumentReader
    private let isStrict: Bool

    /// - Parameter isStrict: deviations from PromptArena's own schemas are errors.
    init(isStrict: Bool) {
        self.isStrict = isStrict
        reader = DocumentReader(files: files, yaml: LibYAMLReader())
    }

    func check(_ word: String, _ report: inout ValidationReport) {
        guard !files.list(word).isEmpty else { return checkFile(word, &report) }
        if ClusterResources.areIn(DiskFiles(root: Folders.absolute(word))) {
            report.files.append(word)
            checkAgents(in: word, &report)
            return
        }
        let inside = known(in: word, depth: 0)
        guard !inside.isEmpty else {
            report.diagnostics.append(Diagnostic(.error, "the folder holds nothing to check", file: word))
            return
        }
        for file in inside { checkFile(file, &report) }
    }

    /// Files of a folder, and of those inside, whose names say what they are.
    private func known(in folder: String, depth: Int) -> [String] {
        files.list(folder).filter { !$0.hasPrefix(".") }.flatMap { name -> [String] in
            let path = folder == "." ? name : folder.hasSuffix("/") ? folder + name : folder + "/" + name
            if Self.kind(ofName: path) != nil { return [path] }
            return depth < 5 ? known(in: path, depth: depth + 1) : []
        }
    }

    private enum Kind { case pack, tools, tool, servers, mock, provider, policy, config }

    private static func kind(ofName path: String) -> Kind? {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if name == "cleo.yaml" { return .config }
        let packs = WorkspaceLoader.packSuffixes + PackSources.promptSuffixes + PackSources.arenaSuffixes
        if packs.contains(where: { name.hasSuffix($0) }) { return .pack }
        if name.hasSuffix(".mock.yaml") { return .mock }
        if name.hasSuffix(".provider.yaml") { return .provider }
        if name.hasSuffix(".policy.yaml") { return .policy }
        if name.hasSuffix(".tool.yaml") { return .tool }
        if name == ".mcp.json" || name == "mcp.json" { return .servers }
        return name.hasPrefix("tools.y") || name == "tools.json" ? .tools : nil
    }

    private static func kind(of document: SourceDocument) -> Kind? {
        if let kind = kind(ofName: document.file) { return kind }
        switch document.value.text("kind") {
        case "ToolRegistry": return .tools
        case "Tool": return .tool
        case "Provider": return .provider
        case "ToolPolicy": return .policy
        case "PromptConfig", "Arena": return .pack
        default: break
        }
        let keys = document.value.object?.keys ?? []
        if keys.contains("prompts") { return .pack }
        if keys.contains("handlers") { return .tools }
        if keys.contains("mcpServers") { return .servers }
        return keys.contains("scenarios") || keys.contains("rules") ? .mock : nil
    }

    private func checkFile(_ path: String, _ report: inout ValidationReport) {
        report.files.append(path)
        let loaded = reader.read(path)
        report.diagnostics += loaded.diagnostics
        guard let document = loaded.value else { return }
        let variables = WorkspaceVariables(program: Folders.program())
        variables.set("CLEO_DEMO_HTTP", "http://127.0.0.1:1")
        switch Self.kind(of: document) {
        case .pack: checkPack(document, path, &report)
        case .tools:
            report.diagnostics += ToolsFileLoader.load(document, variables: variables).diagnostics
            report.diagnostics += ClusterLint.diagnostics(document)
        case .tool: report.diagnostics += ToolManifestLoader.load(document, variables: variables).diagnostics
        case .servers: report.diagnostics += MCPServersLoader.load(document, variables: variables).diagnostics
        case .mock: report.diagnostics += MockScriptLoader.load(document, patterns: patterns).diagnostics
        case .policy: report.diagnostics += ClusterPolicyLoader.load(document).diagnostics
        case .provider: report.diagnostics += ProviderConfigLoader.load(document, variables: variables).diagnostics
        case .config: checkConfig(document, path, variables, &report)
        case nil:
            report.diagnostics.append(
                Diagnostic(
                    .error, "the file is not a pack, a tools file, a mock file, a provider file or cleo.yaml",
                    file: path, hint: "a pack has \"prompts\", a tools file has \"handlers\""))
        }
    }

    /// With what it names.
    private func checkConfig(
        _ document: SourceDocument, _ path: String, _ variables: WorkspaceVariables, _ report: inout ValidationReport
    ) {
        let loaded = WorkspaceConfigLoader.load(document, variables: variables)
        report.diagnostics += loaded.diagnostics
        guard let config = loaded.value else { return }
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let files = DiskFiles(root: Folders.absolute(folder))
        // What is wrong with the other files is said when they are checked.
        let tools = WorkspaceLoader.tools(
            WorkspaceOptions(), reader: DocumentReader(files: files, yaml: LibYAMLReader()), variables: variables,
            patterns: patterns)
        report.diagnostics += ConfigReferences.diagnostics(
            config, document, handlers: tools.value?.handlers ?? [], files: files)
        if !config.agents.isEmpty { checkAgents(in: folder, &report) }
    }

    /// Each agent of a workspace, as it would be run.
    private func checkAgents(in folder: String, _ report: inout ValidationReport) {
        let variables = WorkspaceVariables(program: Folders.program())
        variables.set("CLEO_DEMO_HTTP", "http://127.0.0.1:1")
        let reader = DocumentReader(files: DiskFiles(root: Folders.absolute(folder)), yaml: LibYAMLReader())
        var options = WorkspaceOptions()
        let first = WorkspaceLoader.tools(options, reader: reader, variables: variables, patterns: patterns)
        if first.value == nil { report.diagnostics += first.diagnostics }
        for agent in first.value?.config.agents ?? [] {
            for variant in AgentVariant.allCases where variant == .stable || agent.canary != nil {
                options.agent = agent.name
                options.variant = variant
                let loaded = WorkspaceLoader.load(options, reader: reader, variables: variables, patterns: patterns)
                for var problem in loaded.diagnostics where problem.severity == .error {
                    let known = report.diagnostics.contains { $0.message == problem.message && $0.line == problem.line }
                    guard !known else { continue }
                    let what = variant == .canary ? "the canary of " : ""
                    problem.message = "\(what)agent '\(agent.name)': \(problem.message)"
                    report.diagnostics.append(problem)
                }
            }
        }
    }

    private func checkPack(_ document: SourceDocument, _ path: String, _ report: inout ValidationReport) {
        let spec = document.value["spec"]
        if document.value.text("kind") == "Arena", spec?["prompt_configs"] == nil, spec?["prompt_specs"] == nil {
            report.diagnostics.append(
                Diagnostic(.note, "the arena file names no prompts, so there is no pack to check", file: path))
            return
        }
        let made = PackSources.pack(from: document, reader: reader, isStrict: isStrict)
        report.diagnostics += made.diagnostics
        guard let pack = made.value else { return }
        let inspection = PackLoader.inspect(pack, patterns: patterns)
        report.diagnostics += inspection.diagnostics
        let divergences =
            inspection.pack.map { Parity.report($0, pack, reason: inspection.reasons[.promptKit]) } ?? []
        report.packs.append(ValidationReport.Pack(file: path, inspection: inspection, divergences: divergences))
    }
}
