import Synchronization

/// A service behind an OpenAPI document.
package final class OpenAPIToolHandler: ToolHandler {
    package let name: String
    package var kindName: String { "openapi" }
    package let timeout: Int
    let spec: OpenAPIHandlerSpec
    private let transport: any HTTPTransport
    private let files: any FileSource
    private let authorizer: Authorizer?
    private let yaml: any YAMLReader
    private let caller: HTTPCaller
    private let loaded = Mutex<Service?>(nil)

    /// What the document says, once it is read.
    private struct Service {
        var operations: [String: OpenAPIOperation]
        var schemes: JSONObject
    }

    private static let documentLimit = 32 << 20

    package init(
        name: String, spec: OpenAPIHandlerSpec, timeout: Int, transport: any HTTPTransport, files: any FileSource,
        yaml: any YAMLReader, authorizer: Authorizer? = nil, clock: any EngineClock,
        network: NetworkSettings = NetworkSettings()
    ) {
        self.name = name
        self.spec = spec
        self.timeout = timeout
        self.transport = transport
        self.files = files
        self.authorizer = authorizer
        self.yaml = yaml
        caller = HTTPCaller(
            retry: spec.retry, redact: spec.redact, ownHeaders: spec.headers.map(\.name),
            redirectHosts: network.redirectHosts, transport: transport, clock: clock)
    }

    package func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        do throws(EngineError) {
            let document = try OpenAPIDocument(try await read(), location: spec.document)
            let reader = OpenAPIReader(document, baseURL: spec.baseURL, filter: spec.operations)
            let operations = reader.operations
            loaded.withLock { loaded in
                loaded = Service(
                    operations: Dictionary(operations.map { ($0.tool.name, $0) }) { first, _ in first },
                    schemes: document.root["components"]?["securitySchemes"]?.object ?? JSONObject())
            }
            let title = document.root["info"]?["title"]?.string ?? spec.document
            let detail = ([title] + reader.warnings).joined(separator: "; ")
            await report(HandlerUpdate(.ready, tools: operations.map(\.tool), detail: detail))
        } catch {
            await report(HandlerUpdate(.failed, detail: error.description))
        }
    }

    package func stop() async {}

    package func probe() async throws(EngineError) {
        let server = loaded.withLock { $0?.operations.values.first?.server }
        try await HTTPProbe.reach(spec.baseURL ?? server ?? "", transport)
    }

    /// The document, as JSON or YAML, from the network or the disk.
    private func read() async throws(EngineError) -> JSONValue {
        let bytes: [UInt8]
        if WebAddress(spec.document) != nil {
            var request = HTTPRequest(
                url: spec.document, headers: [("Accept", "application/json, application/yaml, */*")])
            request.bodyLimit = Self.documentLimit
            let response = try await transport.send(request)
            guard response.isSuccess else {
                throw EngineError(.unreachable, "'\(spec.document)' answers HTTP \(response.status)")
            }
            bytes = try await response.body.collect(limit: Self.documentLimit)
        } else {
            let path = spec.document.hasPrefix("file://") ? String(spec.document.dropFirst(7)) : spec.document
            bytes = try files.read(path)
        }
        if bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") {
            do throws(JSONSyntaxError) {
                return try JSONParser.parse(bytes)
            } catch {
                throw EngineError(
                    .invalidInput, "'\(spec.document)' is not JSON: \(error.message), at character \(error.offset + 1)")
            }
        }
        let read = yaml.read(bytes, file: spec.document)
        guard let document = read.value else {
            throw EngineError(.invalidInput, read.diagnostics.first?.description ?? "'\(spec.document)' cannot be read")
        }
        return document.value
    }

    package func call(
        _ call: ToolCall, host: any ToolHost
    ) async throws(EngineError) -> ToolAnswer {
        var request = try request(for: call, token: try await authorizer?.token())
        // A document that asks for nothing does not know better than the file.
        if let authorizer, try operation(call.tool).security.isEmpty {
            request.replace([Header("Authorization", try await authorizer.authorization().reveal())])
        }
        request.bodyLimit = HTTPCaller.bodyLimit
        request.totalMilliseconds = timeout
        request.replace(host.headers)
        return try await caller.answer(to: request)
    }

    func operation(_ tool: String) throws(EngineError) -> OpenAPIOperation {
        guard let operation = loaded.withLock({ $0?.operations[tool] }) else {
            throw EngineError(.notFound, "'\(tool)' is no operation of '\(name)'")
        }
        return operation
    }

    /// What a call sends.
    /// - Parameter token: for whatever scheme the operation asks for.
    /// - Throws: `notFound` before the document was read, and for a tool that it does not have.
    package func request(for call: ToolCall, token: Secret? = nil) throws(EngineError) -> HTTPRequest {
        let operation = try operation(call.tool)
        var credentials = spec.credentials
        credentials["*"] = token
        let request = OpenAPIRequest(
            operation: operation, credentials: credentials, schemes: loaded.withLock { $0?.schemes } ?? [:],
            headers: spec.headers)
        return try request.http(call.arguments.object ?? JSONObject())
    }
}
