import Engine
import EngineSystem
import Support
import Testing

/// Against what Omnia's real executor sent (Fixtures/omnia-tools).
@Suite struct ClusterTests {
    private func document(_ yaml: String) throws -> SourceDocument {
        try #require(LibYAMLReader().read(Array(yaml.utf8), file: "tools.yaml").value)
    }

    private func handlers(_ yaml: String) throws -> [HandlerSpec] {
        ToolsFileLoader.load(try document(yaml), variables: FixedVariables([:])).value ?? []
    }

    private static let calls: [(line: Int, tool: String, arguments: JSONValue)] = [
        (0, "http_tool", ["q": "v"]), (1, "http_tool", [:]),
        (3, "adv_tool", ["user_id": "a/b c", "cust": "C", "page": 2, "extra": [1, 2], "name": "n"]),
        (
            4, "get_tool",
            ["q": "a b", "b": true, "f": .double(1.5), "i": 10_000_000, "n": nil, "arr": [1, 2], "m": ["d": 1]]
        ),
        (5, "getq_tool", ["page": 3, "drop": "1"]),
    ]

    @Test(arguments: 0..<5) func theClustersRequestIsWhatItReallySends(_ index: Int) throws {
        let (line, tool, arguments) = Self.calls[index]
        let lines = try #require(readText("Tests/Fixtures/omnia-tools/calls.jsonl")).split(separator: "\n")
        let recorded = try #require(try JSONParser.parse(String(lines[line]))["result"])
        let specs = try handlers(try #require(readText("Tests/Fixtures/omnia-tools/tools.yaml")))
        let spec = try #require(
            specs.first { if case .http(let http) = $0.kind { http.tool.name == tool } else { false } })
        guard case .http(let http) = spec.kind else { return }
        let handler = HTTPToolHandler(
            name: spec.name, spec: http, timeout: 1_000, transport: CurlTransport(), clock: SystemClock())
        let sent = try #require(
            try handler.preview(ToolCall(id: CallID("c"), tool: tool, arguments: arguments))
        ).cluster
        #expect(sent.method == recorded["method"]?.string)
        #expect(sent.target == "http://127.0.0.1:28470" + (recorded["path"]?.string ?? ""))
        #expect(sent.body == recorded["body"]?.string)
        let known = sent.headers.map { ($0.name.lowercased(), $0.value) }
        // What the cluster alone knows, and what HTTP itself needs.
        let own = Set([
            "content-length", "authorization", "x-omnia-agent-name", "x-omnia-namespace", "x-omnia-origin",
            "x-omnia-request-id", "x-omnia-user-email", "x-omnia-user-id", "x-omnia-workspace",
            "x-omnia-consent-layer", "x-omnia-claim-role", "x-omnia-claim-team_id",
        ])
        for (name, value) in recorded["headers"]?.object ?? [:] where !own.contains(name) {
            #expect(known.contains { $0 == (name, value.string ?? "") }, "\(name): \(value)")
        }
        #expect(known.count == (recorded["headers"]?.object ?? [:]).filter { !own.contains($0.0) }.count)
    }

    @Test func numbersAreWrittenAsGoDoes() {
        for (value, text) in [
            (JSONValue.int(999_999), "999999"), (1_000_000, "1e+06"), (.double(0.0001), "0.0001"),
            (.double(0.00001), "1e-05"), (.double(-2.5), "-2.5"), (.int(123_456_789), "1.23456789e+08"), (0, "0"),
            (.double(1e21), "1e+21"), (.double(100.25), "100.25"),
        ] {
            #expect(OmniaRequest.text(value) == text)
        }
    }

    @Test func differencesAreWarnedOfWithTheirPlaces() throws {
        let yaml = """
            handlers:
              - name: a
                type: http
                tool: {name: same, description: d, inputSchema: {type: object}}
                httpConfig: {endpoint: 'http://h', urlTemplate: 'http://h/{id}', method: GET, queryParams: [q], redact: [x],
                  retryPolicy: {maxAttempts: 5}}
              - name: b
                type: grpc
                timeout: 1s
                tool: {name: same, description: d, inputSchema: {type: object}}
                grpcConfig: {endpoint: 'h:1', retryPolicy: {maxAttempts: 2}, metadata: {a: b}}
              - name: c
                type: openapi
                timeout: 1s
                openAPIConfig: {specURL: ./x.yaml, authTokenPath: t}
              - name: d
                type: mcp
                timeout: 1s
                mcpConfig: {transport: stdio, command: x, env: {A: b}}
              - name: e
                type: client
                timeout: 1s
                tool: {name: where, description: d, inputSchema: {type: object}}
                clientConfig: {consentMessage: may I}
            """
        let found = ClusterLint.diagnostics(try document(yaml))
        #expect(
            Set(found.compactMap(\.rule)) == [
                "cluster-no-timeout", "cluster-argument-headers", "cluster-breaker", "cluster-dropped-arguments",
                "cluster-address", "cluster-redact", "cluster-same-tool", "cluster-retry-codes",
                "cluster-unknown-field", "cluster-openapi", "cluster-openapi-yaml", "cluster-openapi-file",
                "cluster-token", "cluster-environment", "cluster-consent", "cluster-all-or-nothing",
            ])
        #expect(found.allSatisfy { $0.severity == .warning && $0.line != nil })
        #expect(found.first { $0.rule == "cluster-retry-codes" }?.line == 11)
        // A start says nothing of it.
        #expect(
            ToolsFileLoader.load(try document(yaml), variables: FixedVariables([:])).diagnostics.allSatisfy {
                $0.rule == nil
            })
    }
}
