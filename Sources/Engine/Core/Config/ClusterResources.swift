/// A folder of Omnia's resources as a workspace: AgentRuntime, PromptPack, Provider, ToolRegistry, and the ConfigMaps
/// and Secrets that they name (AltairaLabs/Omnia, `OMNIA_CONFIG_DIR`).
package struct ClusterResources {
    private static let group = "omnia.altairalabs.ai/"

    /// `FILE#KIND/NAME`, by kind and name.
    private var references: [String: String] = [:]
    private var documents: [String: SourceDocument] = [:]
    private let reader: DocumentReader
    private let report = DiagnosticSink()

    /// What stands in the files of the folder itself, as upstream reads it.
    private init(_ reader: DocumentReader) {
        self.reader = reader
        for file in reader.files.list(".").sorted() where file.hasSuffix(".yaml") || file.hasSuffix(".yml") {
            for document in reader.documents(file) {
                guard let kind = document.value.text("kind"), let name = document.value["metadata"]?.text("name"),
                    references["\(kind)/\(name)"] == nil
                else { continue }
                references["\(kind)/\(name)"] = "\(file)#\(kind)/\(name)"
                documents["\(kind)/\(name)"] = document
            }
        }
    }

    /// Whether the folder looks like one, at little cost.
    package static func areIn(_ files: any FileSource) -> Bool { hold("kind: AgentRuntime", files) }

    private static func hold(_ words: String, _ files: any FileSource) -> Bool {
        let needle = Array(words.utf8)
        return files.list(".").contains { name in
            guard name.hasSuffix(".yaml") || name.hasSuffix(".yml"), let bytes = try? files.read(name) else {
                return false
            }
            return bytes.withUnsafeBufferPointer { ByteSearch.find(needle, in: $0) != nil }
        }
    }

    /// - Returns: nil where there is no AgentRuntime.
    static func load(_ reader: DocumentReader) -> Loaded<WorkspaceConfig>? {
        // Parsing every file of a workspace that is none of these would cost its start.
        guard hold("AgentRuntime", reader.files) else { return nil }
        let resources = ClusterResources(reader)
        let runtimes = resources.documents.filter { $0.key.hasPrefix("AgentRuntime/") }.sorted { $0.key < $1.key }
        guard !runtimes.isEmpty else { return nil }
        var config = WorkspaceConfig()
        config.agents = runtimes.compactMap { resources.agent($0.value) }
        for (key, document) in resources.documents where key.hasPrefix("Secret/") {
            let secret = key.dropFirst("Secret/".count)
            for (name, value) in document.value["data"]?.object ?? [:] {
                let bytes = value.string.flatMap { Encodings.fromBase64($0) } ?? []
                config.secrets["\(secret)/\(name)"] = .value(Secret(String(decoding: bytes, as: UTF8.self)))
            }
            for (name, value) in document.value["stringData"]?.object ?? [:] {
                config.secrets["\(secret)/\(name)"] = .value(Secret(value.string ?? ""))
            }
        }
        let failed = config.agents.isEmpty || resources.report.diagnostics.contains { $0.severity == .error }
        return Loaded(value: failed ? nil : config, diagnostics: resources.report.diagnostics)
    }

    private func agent(_ document: SourceDocument) -> AgentEntry? {
        let name = document.value["metadata"]?.text("name") ?? ""
        func say(_ severity: Diagnostic.Severity, _ words: String, _ pointer: String, hint: String? = nil) {
            report.add(severity, words, in: document, at: pointer, hint: hint)
        }
        guard let spec = document.value["spec"], spec.object != nil else {
            say(.error, "the AgentRuntime '\(name)' has no 'spec'", "")
            return nil
        }
        guard spec.text("mode") != "function" else {
            say(.warning, "'\(name)' is a function; only agents are run here", "/spec/mode")
            return nil
        }
        func parts(_ spec: JSONValue, _ providers: String, at pointer: String, isWhole: Bool) -> AgentParts {
            var parts = AgentParts()
            if let reference = spec["promptPackRef"], let wanted = reference.text("name") {
                parts.pack = pack(wanted, reference.text("version"))
                if parts.pack == nil {
                    say(
                        .error, "there is no pack '\(wanted)' among the resources, and no file '\(wanted).pack.json'",
                        pointer + "/promptPackRef",
                        hint: "add a PromptPack with its ConfigMap, or the pack's file, to the folder")
                }
            } else if isWhole {
                say(.error, "'promptPackRef' is missing", pointer)
            }
            let all = spec[providers]?.array ?? []
            if let main = all.first(where: { $0.text("name") == "default" }) ?? all.first,
                let wanted = main["providerRef"]?.text("name")
            {
                parts.provider = references["Provider/\(wanted)"].map { .named($0) }
                if parts.provider == nil {
                    say(.error, "there is no Provider '\(wanted)' among the resources", "\(pointer)/\(providers)")
                }
            }
            if let wanted = spec["toolRegistryRef"]?.text("name") {
                parts.tools = references["ToolRegistry/\(wanted)"].map { [$0] }
                if parts.tools == nil {
                    say(
                        .error, "there is no ToolRegistry '\(wanted)' among the resources", pointer + "/toolRegistryRef"
                    )
                }
            }
            return parts
        }
        var entry = AgentEntry(name: name)
        entry.namespace = document.value["metadata"]?.text("namespace")
        entry.parts = parts(spec, "providers", at: "/spec", isWhole: true)
        if document.value["metadata"]?["annotations"]?.text(Self.group + "mock-provider") == "true" {
            entry.parts.provider = .named("mock")
        }
        if let rollout = spec["rollout"], let candidate = rollout["candidate"] {
            let canary = parts(candidate, "providerRefs", at: "/spec/rollout/candidate", isWhole: false)
            entry.canary = canary.over(entry.parts)
            entry.weight = rollout["steps"]?.array?.lazy.compactMap { $0["setWeight"]?.int }.first ?? 0
        }
        return entry
    }

    /// The text that a PromptPack's ConfigMap holds, or a file beside the resources.
    private func pack(_ name: String, _ version: String?) -> String? {
        let fitting = documents.filter { key, document in
            guard key.hasPrefix("PromptPack/"), let spec = document.value["spec"] else { return false }
            let isNamed = document.value["metadata"]?.text("name") == name || spec.text("packName") == name
            return isNamed && (version == nil || spec.text("version") == version)
        }.sorted { $0.key < $1.key }
        for (_, document) in fitting {
            guard let map = document.value["spec"]?["source"]?["configMapRef"]?.text("name"),
                let reference = references["ConfigMap/\(map)"]
            else { continue }
            let keys = documents["ConfigMap/\(map)"]?.value["data"]?.object?.keys.sorted() ?? []
            if let key = keys.first(where: { $0 == "pack.json" }) ?? keys.first(where: { $0.hasSuffix(".json") }) {
                return "\(reference)/\(key)"
            }
        }
        let files = ["", "prompts/"].flatMap { folder in WorkspaceLoader.packSuffixes.map { folder + name + $0 } }
        return files.first { reader.files.exists($0) }
    }
}
