import Engine
import EngineSystem

/// Checks files, each by what it is, and prints every mistake with its place.
enum ValidateCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        guard !arguments.words.isEmpty else {
            Console.err("cleo-tui: 'validate' needs a file or a folder\nhint: cleo-tui validate prompts/ tools.yaml")
            return .usage
        }
        var checked: [String] = []
        var diagnostics: [Diagnostic] = []
        for word in arguments.words {
            let (files, found) = check(word)
            checked += files
            diagnostics += found
        }
        let errors = diagnostics.count { $0.severity == .error }
        if arguments.has(.json) {
            let document: JSONValue = [
                "valid": .bool(errors == 0), "files": .array(checked.map { .string($0) }),
                "diagnostics": .array(diagnostics.map { JSONValue(encoding: $0) }),
            ]
            Console.out(document.prettyText)
        } else {
            for diagnostic in diagnostics { Console.out(diagnostic.description) }
            let warnings = diagnostics.count - errors
            Console.err("\(count(checked.count, "file")): \(count(errors, "error")), \(count(warnings, "warning"))")
        }
        return errors == 0 ? .done : .usage
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    private static func check(_ word: String) -> (files: [String], diagnostics: [Diagnostic]) {
        let files = DiskFiles(root: Folders.current())
        guard !files.list(word).isEmpty else { return ([word], checkFile(word, files)) }
        let inside = known(in: word, files, depth: 0)
        guard !inside.isEmpty else {
            return ([], [Diagnostic(.error, "the folder holds nothing to check", file: word)])
        }
        return (inside, inside.flatMap { checkFile($0, files) })
    }

    /// Files of a folder, and of those inside, whose names say what they are.
    private static func known(in folder: String, _ files: DiskFiles, depth: Int) -> [String] {
        files.list(folder).filter { !$0.hasPrefix(".") }.flatMap { name -> [String] in
            let path = folder == "." ? name : folder.hasSuffix("/") ? folder + name : folder + "/" + name
            if kind(ofName: path) != nil { return [path] }
            return depth < 5 ? known(in: path, files, depth: depth + 1) : []
        }
    }

    private enum Kind { case pack, tools, mock, provider, config }

    private static func kind(ofName path: String) -> Kind? {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if name == "cleo.yaml" { return .config }
        if WorkspaceLoader.packSuffixes.contains(where: { name.hasSuffix($0) }) { return .pack }
        if name.hasSuffix(".mock.yaml") { return .mock }
        if ["tools.yaml", "tools.yml", "tools.json", "tools.yaml.example"].contains(name) { return .tools }
        return nil
    }

    /// By the name, else by what stands inside.
    private static func kind(of document: SourceDocument) -> Kind? {
        if let kind = kind(ofName: document.file) { return kind }
        switch document.value["kind"]?.string {
        case "Provider": return .provider
        case "ToolRegistry": return .tools
        default: break
        }
        if document.value["prompts"] != nil { return .pack }
        if document.value["handlers"] != nil { return .tools }
        if document.value["scenarios"] != nil || document.value["rules"] != nil { return .mock }
        return nil
    }

    private static func checkFile(_ path: String, _ files: DiskFiles) -> [Diagnostic] {
        let loaded = DocumentReader(files: files, yaml: LibYAMLReader()).read(path)
        guard let document = loaded.value else { return loaded.diagnostics }
        let variables = WorkspaceVariables(program: Folders.program())
        variables.set("CLEO_DEMO_HTTP", "http://127.0.0.1:1")
        let found: [Diagnostic] =
            switch kind(of: document) {
            case .pack: PackLoader.load(document).diagnostics
            case .tools: ToolsFileLoader.load(document, variables: variables).diagnostics
            case .mock: MockScriptLoader.load(document, patterns: PCREPatternCompiler()).diagnostics
            case .provider: ProviderConfigLoader.load(document, variables: variables).diagnostics
            case .config: WorkspaceConfigLoader.load(document, variables: variables).diagnostics
            case nil:
                [
                    Diagnostic(
                        .error, "the file is not a pack, a tools file, a mock file, a provider file or cleo.yaml",
                        file: path, hint: "a pack has \"prompts\", a tools file has \"handlers\"")
                ]
            }
        return loaded.diagnostics + found
    }
}
