/// Reads the `mcpServers` file that other MCP clients use (`.mcp.json`), and PromptArena's `mcp_servers`.
package enum MCPServersLoader {
    package static func load(_ document: SourceDocument, variables: any VariableSource) -> Loaded<[HandlerSpec]> {
        let report = DiagnosticSink()
        let expanded = VariableExpansion.expand(document, from: variables, report: report)
        guard
            var root = FieldReader(expanded, at: "", value: expanded.value, what: "an MCP file", report: report)
        else { return Loaded(value: [], diagnostics: report.diagnostics) }
        var handlers: [HandlerSpec] = []
        for (name, server) in root.map("mcpServers", required: true) {
            var server = server
            if let handler = read(&server, name) { handlers.append(handler) }
        }
        // Editors keep more in it.
        root.finish(.note)
        return Loaded(value: handlers, diagnostics: report.diagnostics)
    }

    /// One server; fields that only other clients know are passed over.
    static func read(_ server: inout FieldReader, _ name: String) -> HandlerSpec? {
        if server.bool("disabled") == true || server.bool("enabled") == false {
            server.ignore(server.object.keys)
            return nil
        }
        let type = server.string("type") ?? server.string("transport")
        server.ignore(["type", "transport", "name", "description"])
        let timeout = server.int("timeout_ms", atLeast: 1) ?? HandlerSpec.defaultTimeout
        var spec: MCPHandlerSpec?
        if let command = server.string("command") {
            let environment = Dictionary(server.texts("env") ?? []) { _, last in last }
            spec = MCPHandlerSpec(
                transport: .stdio(
                    ProcessCommand(
                        arguments: [command] + (server.strings("args") ?? []), environment: environment,
                        directory: server.string("cwd") ?? server.string("working_dir"))))
        } else if let url = server.string("url") ?? server.string("serverUrl") {
            if WebAddress(url) == nil { server.error("'\(url)' is not an http or https address", at: "url") }
            let headers = (server.texts("headers") ?? []).map { Header($0.0, $0.1) }
            spec = MCPHandlerSpec(
                transport: type == "sse" ? .sse(url: url, headers: headers) : .http(url: url, headers: headers))
        } else {
            server.error("the server '\(name)' needs 'command' or 'url'")
        }
        if var filter = server.child("tool_filter") {
            spec?.allowlist = filter.strings("allowlist") ?? []
            spec?.blocklist = filter.strings("blocklist") ?? []
            filter.finish(.warning)
        }
        server.ignore(["cwd", "working_dir", "url", "serverUrl"])
        server.finish(.note)
        return spec.map { HandlerSpec(name: name, kind: .mcp($0), timeout: timeout) }
    }
}
