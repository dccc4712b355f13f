import Engine
import EngineSystem
import Glibc

// A client for the conformance suite of the Model Context Protocol (modelcontextprotocol/conformance, scenarios of
// `src/scenarios/client/`): the runner starts it with the server's address as the last argument, the scenario and the
// protocol's version in the environment.

/// Agrees to everything, and follows addresses as a browser would whose person is signed in.
struct AgreeableHost: ToolHost {
    let transport: CurlTransport

    func progressed(_ progress: ToolProgress) async {}

    func ask(_ question: Question) async -> QuestionReply {
        switch question.kind {
        case .link:
            var place = question.url
            for _ in 0..<5 {
                guard let address = place, let response = try? await transport.send(HTTPRequest(url: address)) else {
                    break
                }
                place = response.header("location").flatMap { WebAddress(address)?.resolve($0)?.text }
            }
            return QuestionReply(.accept)
        case .form:
            // Booleans have no default where somebody is to decide; everything else is what the server proposes.
            var values = JSONObject()
            for (name, property) in question.schema?["properties"]?.object ?? JSONObject()
            where property["type"] == "boolean" && property["default"] == nil { values[name] = true }
            return QuestionReply(.accept, .object(values))
        case .answer, .model, .confirm: return QuestionReply(.accept, "yes")
        }
    }

    func sample(_ request: SamplingRequest) async throws(EngineError) -> SamplingAnswer {
        SamplingAnswer(text: "a test answer", model: "test", stop: .stop)
    }

    func logged(_ message: ServerLog) async {}
}

struct Client {
    let scenario: String
    let context: JSONValue
    let handler: MCPToolHandler
    let host: AgreeableHost

    init(url: String, variables: EnvironmentVariables) throws(EngineError) {
        guard let server = WebAddress(url) else { throw EngineError(.invalidInput, "'\(url)' is no http address") }
        scenario = variables.value(of: "MCP_CONFORMANCE_SCENARIO") ?? ""
        context = (try? JSONParser.parse(variables.value(of: "MCP_CONFORMANCE_CONTEXT") ?? "{}")) ?? [:]
        let version = variables.value(of: "MCP_CONFORMANCE_PROTOCOL_VERSION") ?? MCPVersions.modern[0]
        let transport = CurlTransport(NetworkSettings(), isForTools: true)
        let clock = SystemClock()
        let redactor = Redactor([])
        host = AgreeableHost(transport: transport)
        var oauth = OAuthSettings()
        oauth.clientMetadataURL = "https://conformance-test.local/client-metadata.json"
        oauth.clientID = context["client_id"]?.string
        let secret = context["client_secret"]?.string.map { text in
            KeyReader(
                .value(Secret(text)), files: DiskFiles(root: "/"), variables: variables, clock: clock,
                redactor: redactor
            ) { _ throws(EngineError) in throw EngineError(.refused, "no commands here") }
        }
        let session = OAuthSession(
            name: "conformance", server: server, settings: oauth, secret: secret, http: transport,
            digests: OpenSSLDigests(), clock: clock, redactor: redactor
        ) { port throws(EngineError) in try RedirectServer(port: port) }
        var settings = MCPSettings()
        settings.era = MCPVersions.modern.contains(version) ? .modern : .legacy
        let spec = MCPHandlerSpec(transport: .http(url: url, headers: []))
        handler = MCPToolHandler(
            name: "conformance", kindName: "mcp/http", spec: spec, timeout: 20_000, clock: clock, settings: settings,
            transports: [
                {
                    MCPHTTPTransport(
                        url: url, headers: [], authorizer: nil, http: transport, clock: clock, oauth: session)
                }
            ])
    }

    private func use<Value: Sendable>(
        _ work: @Sendable (MCPConnection) async throws(EngineError) -> Value
    ) async throws(EngineError) -> Value { try await handler.use(host, work) }

    private func call(_ tool: String, _ arguments: JSONValue = [:]) async throws(EngineError) {
        let answer = try await handler.call(
            ToolCall(id: CallID(tool), tool: tool, arguments: arguments), host: host)
        print("\(tool): \(answer.text)")
    }

    func run() async throws(EngineError) {
        await handler.start { _ in }
        let tools = try await use { (connection) async throws(EngineError) in try await connection.tools() }
        print("tools: \(tools.map(\.name))")
        switch scenario {
        case "initialize", "request-metadata", "json-schema-ref-no-deref", "auth/pre-registration": break
        case "tools_call": try await call("add_numbers", ["a": 2, "b": 3])
        case "http-standard-headers": try await everything(tools)
        case "http-custom-headers":
            for wanted in context["toolCalls"]?.array ?? [] {
                try await call(wanted["name"]?.string ?? "", wanted["arguments"] ?? [:])
            }
        case "elicitation-sep1034-client-defaults":
            // The server asks on its own stream, which has to be there.
            try? await Task.sleep(for: .milliseconds(300))
            fallthrough
        default: for tool in tools { try await call(tool.name, Self.arguments(of: tool)) }
        }
        await handler.stop()
    }

    private func everything(_ tools: [ToolDescriptor]) async throws(EngineError) {
        for tool in tools { try await call(tool.name) }
        let host = host
        try await use { (connection) async throws(EngineError) in
            for resource in try await connection.resources() where !resource.isTemplate {
                _ = try await connection.read(resource.uri, host: host)
            }
            for prompt in try await connection.prompts() {
                _ = try await connection.prompt(prompt.name, [:], host: host)
            }
        }
    }

    /// Something for every argument that is needed.
    private static func arguments(of tool: ToolDescriptor) -> JSONValue {
        var values = JSONObject()
        for name in tool.inputSchema["required"]?.array?.compactMap(\.string) ?? [] {
            switch tool.inputSchema["properties"]?[name]?["type"]?.string {
            case "integer", "number": values[name] = 1
            case "boolean": values[name] = true
            default: values[name] = "us-west1"
            }
        }
        return .object(values)
    }
}

func fail(_ text: String, _ code: Int32) -> Never {
    _ = (text + "\n").withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(code)
}

guard CommandLine.arguments.count >= 2 else { fail("conformance-client URL", 2) }
do throws(EngineError) {
    try await Client(url: CommandLine.arguments.last ?? "", variables: EnvironmentVariables()).run()
} catch {
    fail("\(error)", 1)
}
