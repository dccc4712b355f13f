import Engine
import EngineSystem
import Support
import Testing

@Suite struct GoTemplateTests {
    @Test(arguments: [
        ("Hi {{.name}}, {{ .a.b }}!", "Hi Ann, 3!"), ("{{.missing}}x", "x"),
        ("{{if eq .name \"Ann\"}}yes{{else}}no{{end}}", "yes"),
        ("{{if .missing}}a{{else if .name}}b{{else}}c{{end}}", "b"),
        ("a {{- if not .missing -}} b {{- end }} c", "ab c"), ("{{if and .name (eq .a.b 3)}}t{{end}}", "t"),
        ("{{if or .missing .flag}}t{{end}}", "t"), ("{{if ne .name \"Bob\"}}{{if .flag}}both{{end}}{{end}}", "both"),
        ("{{/* words */}}x", "x"), ("{{if eq .name \"x\" \"Ann\"}}any{{end}}", "any"),
    ])
    func actionsDoWhatGoDoes(template: String, expected: String) throws {
        let value: JSONValue = ["name": "Ann", "a": ["b": 3], "flag": true]
        #expect(try GoTemplate(template).fill(value) == expected)
    }

    @Test(arguments: [
        "{{range .x}}{{end}}", "{{if .x}}", "{{end}}", "{{.x", "{{printf \"%s\" .x}}", "{{if eq .x \"a}}{{end}}",
    ])
    func whatIsBeyondItIsSaid(template: String) {
        #expect(throws: EngineError.self) { try GoTemplate(template) }
    }

    @Test func valuesAreNeverTemplates() throws {
        #expect(try GoTemplate("{{.x}}").fill(["x": "{{.y}}", "y": "no"]) == "{{.y}}")
    }
}

@Suite struct ToolManifestTests {
    private func document(_ yaml: String, _ file: String = "t.yaml") throws -> SourceDocument {
        try #require(LibYAMLReader().read(Array(yaml.utf8), file: file).value)
    }

    private func load(_ yaml: String, _ variables: [String: String] = [:]) throws -> Loaded<HandlerSpec> {
        ToolManifestLoader.load(try document(yaml), variables: FixedVariables(variables))
    }

    @Test func mocksAnswerFromTheirFile() async throws {
        let yaml = """
            kind: Tool
            metadata: {name: status}
            spec:
              description: says how it is
              input_schema: {properties: {id: {type: string}}}
              mode: mock
              mock_template: |
                {{- if eq .id "1" -}}{"state": "good"}{{- else -}}{"state": "bad", "id": "{{.id}}"}{{- end -}}
            """
        let spec = try #require(try load(yaml).value)
        guard case .mock(let mock) = spec.kind else { throw EngineError(.notFound, "no mock") }
        #expect(mock.tool.inputSchema["type"] == "object" && mock.tool.readOnly)
        let handler = MockToolHandler(name: spec.name, spec: mock, timeout: spec.timeout)
        func answer(_ id: String) async throws -> String {
            try await handler.call(
                ToolCall(id: CallID("c"), tool: "status", arguments: ["id": .string(id)]), host: LonelyHost()
            )
            .text
        }
        #expect(try await answer("1") == #"{"state":"good"}"#)
        #expect(try await answer("2") == #"{"state":"bad","id":"2"}"#)
        // A value that breaks the template's JSON is an error that says so.
        await #expect(throws: EngineError.self) { try await answer("\"") }
    }

    @Test func liveToolsAreHTTPHandlers() throws {
        let yaml = """
            kind: Tool
            metadata: {name: get}
            spec:
              description: d
              input_schema: {type: object}
              mode: live
              http:
                url: "http://h/items/{{.id}}"
                method: POST
                headers_from_env: ["X-Key=KEY"]
                redact: [secret]
                request: {query_params: [page], header_params: {X-Tenant: "{{.tenant}}"}, body_mapping: "{q: q}", static_body: {a: 1}}
                response: {body_mapping: "items[0]"}
            """
        let spec = try #require(try load(yaml, ["KEY": "k"]).value)
        guard case .http(let http) = spec.kind else { throw EngineError(.notFound, "no http") }
        #expect(http.url == "http://h/items/{id}" && http.headers == [Header("X-Key", "k")])
        #expect(http.headerParams == [Header("tenant", "X-Tenant")] && http.queryParams == ["page"])
        #expect(http.bodyMapping != nil && http.responseMapping != nil && http.redact == ["secret"])
        #expect(try load(yaml).hasErrors)
    }

    @Test(.enabled(if: hasShared)) func everyToolFileOfUpstreamLoads() throws {
        var count = 0
        func visit(_ folder: String) throws {
            let files = DiskFiles(root: folder)
            for name in files.list(".") {
                if name.hasSuffix(".tool.yaml"), let text = readText(folder + "/" + name) {
                    count += 1
                    let loaded = ToolManifestLoader.load(try document(text, name), variables: FixedVariables())
                    #expect(loaded.value != nil, "\(name): \(loaded.diagnostics)")
                } else if !name.contains(".") {
                    try visit(folder + "/" + name)
                }
            }
        }
        try visit(sharedFolder + "/upstream")
        #expect(count >= 20)
    }

    @Test func theServersOfOtherClientsAreRead() throws {
        let json = """
            {"mcpServers": {
              "files": {"command": "npx", "args": ["-y", "x"], "env": {"A": "${HERE:-b}"}, "autoApprove": ["read"]},
              "web": {"type": "http", "url": "https://h/mcp", "headers": {"Authorization": "Bearer ${T}"}},
              "old": {"type": "sse", "url": "https://h/sse"}, "off": {"command": "x", "disabled": true}, "bad": {}
            }, "inputs": []}
            """
        let loaded = MCPServersLoader.load(try document(json, ".mcp.json"), variables: FixedVariables(["T": "tok"]))
        let handlers = try #require(loaded.value)
        #expect(handlers.map(\.name) == ["files", "web", "old"])
        #expect(handlers.map(\.kindName) == ["mcp/stdio", "mcp/http", "mcp/sse"])
        let words = loaded.diagnostics.map(\.description).joined(separator: "\n")
        #expect(words.contains("'bad' needs 'command' or 'url'"))
    }
}
