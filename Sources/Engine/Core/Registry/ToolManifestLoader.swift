/// Reads PromptKit's `kind: Tool` files: one tool each, with what answers for it.
package enum ToolManifestLoader {
    /// - Returns: nil for a mistake, and for a tool that something else serves (`mode: mcp`), which is said.
    package static func load(_ document: SourceDocument, variables: any VariableSource) -> Loaded<HandlerSpec> {
        let report = DiagnosticSink()
        let expanded = VariableExpansion.expand(document, from: variables, report: report)
        guard
            var root = FieldReader(expanded, at: "", value: expanded.value, what: "a tool file", report: report)
        else { return Loaded(value: nil, diagnostics: report.diagnostics) }
        _ = root.choice("kind", of: ["Tool"], required: true)
        root.ignore(["apiVersion"])
        var name: String?
        if var metadata = root.child("metadata") {
            name = metadata.string("name")
            metadata.ignore(metadata.object.keys)
        }
        var handler: HandlerSpec?
        if var spec = root.child("spec", required: true) {
            handler = read(&spec, name, variables)
            spec.finish(.warning)
        }
        root.finish()
        let failed = report.diagnostics.contains { $0.severity == .error }
        return Loaded(value: failed ? nil : handler, diagnostics: report.diagnostics)
    }

    private static func read(
        _ spec: inout FieldReader, _ named: String?, _ variables: any VariableSource
    ) -> HandlerSpec? {
        let own = spec.string("name")
        guard let name = named ?? own else {
            spec.missing("name", hint: "it stands in metadata.name")
            return nil
        }
        let tool = ToolDescriptor(
            name: name, description: spec.string("description", required: true) ?? "",
            inputSchema: schema(spec.value("input_schema")), readOnly: false)
        spec.ignore(["output_schema", "labels", "mock_parts"])
        let mode = spec.choice("mode", of: ["mock", "live", "mcp", "exec", "local", "client"]) ?? "mock"
        let timeout = spec.int("timeout_ms", atLeast: 1) ?? HandlerSpec.defaultTimeout
        let kind: HandlerSpec.Kind?
        switch mode {
        case "mock": kind = mock(&spec, tool)
        case "live": kind = live(&spec, tool, variables).map { .http($0) }
        case "exec", "local": kind = exec(&spec, tool)
        case "client":
            var message: String?
            var categories: [String] = []
            if var client = spec.child("client") {
                if var consent = client.child("consent") {
                    message = consent.string("message")
                    consent.ignore(["required", "decline_strategy"])
                    consent.finish(.warning)
                }
                categories = client.strings("categories") ?? []
                client.ignore(["timeout_ms", "validate_output"])
                client.finish(.warning)
            }
            kind = .client(ClientToolSpec(tool: tool, message: message, categories: categories))
        default:
            spec.warning("'\(name)' is served by an MCP server; nothing is made of this file", at: "mode")
            spec.ignore(["mcp"])
            kind = nil
        }
        return kind.map { HandlerSpec(name: name, kind: $0, timeout: timeout) }
    }

    private static func schema(_ value: JSONValue?) -> JSONValue {
        guard case .object(var object)? = value else { return ["type": "object"] }
        if object["type"] == nil { object["type"] = "object" }
        return .object(object)
    }

    private static func mock(_ spec: inout FieldReader, _ tool: ToolDescriptor) -> HandlerSpec.Kind? {
        var tool = tool
        // What is only played changes nothing.
        tool.readOnly = true
        for key in ["mock_result_file", "mock_template_file"] where spec.value(key) != nil {
            spec.warning(
                "'\(key)' is not read here", at: key, hint: "write it into the file: 'mock_result' or 'mock_template'")
        }
        if let text = spec.string("mock_template") {
            do throws(EngineError) {
                return .mock(MockToolSpec(tool: tool, result: nil, template: try GoTemplate(text)))
            } catch {
                spec.error(error.message, at: "mock_template", hint: error.hint)
                return nil
            }
        }
        return .mock(MockToolSpec(tool: tool, result: spec.value("mock_result") ?? [:], template: nil))
    }

    private static func live(
        _ spec: inout FieldReader, _ tool: ToolDescriptor, _ variables: any VariableSource
    ) -> HTTPHandlerSpec? {
        guard var http = spec.child("http", required: true) else { return nil }
        let url = http.string("url", required: true) ?? ""
        let method = (http.string("method") ?? "POST").uppercased()
        // `{{.name}}` is PromptKit's way to name an argument in an address.
        var result = HTTPHandlerSpec(tool: tool, method: method, url: plain(url))
        if WebAddress(result.url) == nil, !url.isEmpty {
            http.error("'\(url)' is not an http or https address", at: "url")
        }
        result.headers = (http.texts("headers") ?? []).map { Header($0.0, $0.1) }
        for pair in http.strings("headers_from_env") ?? [] {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = variables.value(of: String(parts[1])) else {
                http.error("the variable of '\(pair)' is not set", at: "headers_from_env", hint: "\"Header=VARIABLE\"")
                continue
            }
            result.headers.append(Header(String(parts[0]), value))
        }
        result.redact = http.strings("redact") ?? []
        http.ignore(["timeout_ms", "multimodal"])
        if var request = http.child("request") {
            result.queryParams = request.strings("query_params") ?? []
            result.headerParams = (request.texts("header_params") ?? []).compactMap { header, template in
                let name = template.replacing("{{", with: "").replacing("}}", with: "").filter { !$0.isWhitespace }
                guard name.hasPrefix(".") else { return nil }
                return Header(String(name.dropFirst()), header)
            }
            result.staticQuery = (request.texts("static_query") ?? []).map { Header($0.0, $0.1) }
            result.headers += (request.texts("static_headers") ?? []).map { Header($0.0, $0.1) }
            result.staticBody = request.value("static_body")?.object
            result.bodyMapping = mapping(&request)
            request.finish(.warning)
        }
        if var response = http.child("response") {
            result.responseMapping = mapping(&response)
            response.finish(.warning)
        }
        http.finish(.warning)
        if method == "GET" || method == "HEAD" { result.tool.readOnly = true }
        return result
    }

    /// `{{.id}}` as `{id}`.
    private static func plain(_ url: String) -> String {
        var result = ""
        var rest = Substring(url)
        while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
            let name = rest[open.upperBound..<close.lowerBound].filter { !$0.isWhitespace && $0 != "-" }
            result += rest[..<open.lowerBound] + "{" + name.drop { $0 == "." } + "}"
            rest = rest[close.upperBound...]
        }
        return result + rest
    }

    private static func mapping(_ fields: inout FieldReader) -> JMESPath? {
        guard let text = fields.string("body_mapping"), !text.isEmpty else { return nil }
        do throws(JMESPathError) {
            return try JMESPath(text)
        } catch {
            fields.error("'body_mapping' is no JMESPath expression: \(error.message)", at: "body_mapping")
            return nil
        }
    }

    private static func exec(_ spec: inout FieldReader, _ tool: ToolDescriptor) -> HandlerSpec.Kind? {
        guard var exec = spec.child("exec", required: true) else { return nil }
        let command = exec.string("command", required: true) ?? ""
        let arguments = exec.strings("args") ?? []
        let names = exec.strings("env") ?? []
        if exec.string("runtime") == "server" {
            exec.warning("'runtime: server' does not act yet; the program is started for each call", at: "runtime")
        }
        exec.ignore(["timeout_ms", "sandbox"])
        exec.finish(.warning)
        return .exec(ExecToolSpec(tool: tool, arguments: [command] + arguments, variables: names))
    }
}
