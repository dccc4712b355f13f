/// What `cleo.yaml` names, and whether it is there.
package enum ConfigReferences {
    /// - Parameters:
    ///   - config: as the document says.
    ///   - handlers: of the workspace's tools files.
    ///   - files: from the workspace's folder.
    package static func diagnostics(
        _ config: WorkspaceConfig, _ document: SourceDocument, handlers: [HandlerSpec], files: any FileSource
    ) -> [Diagnostic] {
        let report = DiagnosticSink()
        func missing(_ path: String, _ pointer: String) {
            guard !files.exists(path) else { return }
            report.add(.error, "there is no file '\(path)'", in: document, at: pointer)
        }
        func unknown(_ name: String, among names: [String], _ what: String, _ pointer: String) {
            guard !names.contains(name) else { return }
            report.add(
                .warning, "no \(what) is called '\(name)'", in: document, at: pointer,
                hint: Suggestion.hint(for: name, among: names))
        }
        if let pack = config.pack { missing(pack, "/pack") }
        let isList = document.value["tools"]?.array != nil
        for (index, file) in config.tools.enumerated() { missing(file, isList ? "/tools/\(index)" : "/tools") }
        for (index, file) in config.policies.enumerated() { missing(file, "/policies/\(index)") }
        for (index, folder) in (config.builtIns.retrieve ?? []).enumerated() {
            let pointer = "/builtin/retrieve/folders/\(index)"
            if folder.hasPrefix("/") || folder.split(separator: "/").contains("..") {
                report.add(.error, "'\(folder)' is not below the workspace", in: document, at: pointer)
            } else if !folder.isEmpty {
                missing(folder, pointer)
            }
        }
        for agent in config.agents {
            let pointer = "/agents/\(JSONPointer.escape(agent.name))"
            func check(_ parts: AgentParts, _ pointer: String, unless others: AgentParts? = nil) {
                if let pack = parts.pack, pack != others?.pack { missing(pack, pointer + "/pack") }
                for file in parts.tools == others?.tools ? [] : parts.tools ?? [] { missing(file, pointer + "/tools") }
            }
            check(agent.parts, pointer)
            if let canary = agent.canary { check(canary, pointer + "/canary", unless: agent.parts) }
        }
        let names = handlers.map(\.name)
        for name in config.limits.handlers.keys.sorted() {
            unknown(name, among: names, "handler", "/limits/handlers/\(JSONPointer.escape(name))")
        }
        for name in config.approval.handlers.keys.sorted() {
            unknown(name, among: names, "handler", "/approval/handlers/\(JSONPointer.escape(name))")
        }
        for name in config.oauth.keys.sorted() {
            unknown(name, among: names, "handler", "/oauth/\(JSONPointer.escape(name))")
        }
        for (name, command) in config.clientTools.sorted(by: { $0.key < $1.key }) {
            let pointer = "/client_tools/\(JSONPointer.escape(name))"
            // A handler that a program answers has become one that runs it; an attached agent has tools of its own.
            let isServed = handlers.contains {
                if case .exec(let spec) = $0.kind { spec.tool.name == name } else { false }
            }
            if !isServed, config.contexts.isEmpty {
                report.add(.warning, "no client tool is called '\(name)'", in: document, at: pointer)
            }
            if let program = command.first, program.contains("/") { missing(program, pointer + "/command/0") }
        }
        return report.diagnostics
    }
}
