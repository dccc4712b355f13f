import Engine
import EngineSystem

/// Makes tool handlers from their descriptions.
struct HandlerFactory {
    let files: DiskFiles
    let variables: WorkspaceVariables
    let clock: SystemClock
    let redactor: Redactor
    let config: WorkspaceConfig
    let folders: Folders
    let reader: DocumentReader
    private let network: NetworkSettings
    private let transport: CurlTransport

    init(
        files: DiskFiles, variables: WorkspaceVariables, clock: SystemClock, redactor: Redactor,
        config: WorkspaceConfig,
        folders: Folders, reader: DocumentReader
    ) {
        self.files = files
        self.variables = variables
        self.clock = clock
        self.redactor = redactor
        self.config = config
        self.folders = folders
        self.reader = reader
        network = config.network.complete(in: files.root, variables)
        transport = CurlTransport(network, isForTools: true)
    }

    func handler(_ spec: HandlerSpec) -> any ToolHandler {
        switch spec.kind {
        case .http(let http):
            HTTPToolHandler(
                name: spec.name, spec: http, timeout: spec.timeout, transport: transport,
                authorizer: authorizer(http.credential), clock: clock, network: network)
        case .openapi(let openAPI):
            OpenAPIToolHandler(
                name: spec.name, spec: openAPI, timeout: spec.timeout, transport: transport, files: files,
                yaml: LibYAMLReader(), authorizer: authorizer(openAPI.credential), clock: clock, network: network)
        case .mcp(let mcp): self.mcp(spec, mcp)
        case .grpc(let grpc):
            GRPCToolHandler(
                name: spec.name, spec: grpc, timeout: spec.timeout, transport: secured(by: grpc.tls),
                authorizer: authorizer(grpc.credential), clock: clock)
        case .builtIn(let builtIn): self.builtIn(spec, builtIn)
        case .client(let client): ClientToolHandler(name: spec.name, spec: client, timeout: spec.timeout)
        case .mock(let mock): MockToolHandler(name: spec.name, spec: mock, timeout: spec.timeout)
        case .exec(let exec):
            ExecToolHandler(
                name: spec.name, spec: exec, timeout: spec.timeout, directory: files.root, launcher: SpawnLauncher(),
                variables: EnvironmentVariables())
        }
    }

    /// A transport with a handler's own certificates.
    private func secured(by tls: GRPCHandlerSpec.TLS?) -> CurlTransport {
        guard let tls, tls != GRPCHandlerSpec.TLS() else { return transport }
        var own = network
        if let file = tls.caFile { own.caFile = Folders.absolute(file, in: files.root) }
        own.clientCertificate = tls.certificateFile.map { Folders.absolute($0, in: files.root) }
        own.clientKey = tls.keyFile.map { Folders.absolute($0, in: files.root) }
        own.verifiesServers = tls.verifiesServer
        return CurlTransport(own, isForTools: true)
    }

    private func authorizer(_ credential: Credential?) -> Authorizer? {
        credential.map { Authorizer($0.scheme, keyReader($0.source)) }
    }

    func keyReader(_ source: KeySource) -> KeyReader {
        let reader = KeyReader(
            source, files: files, variables: variables, clock: clock, redactor: redactor, in: files.root)
        // What is wrong with it is said by the call that needs it.
        try? reader.prepare()
        return reader
    }

    private func mcp(_ spec: HandlerSpec, _ mcp: MCPHandlerSpec) -> MCPToolHandler {
        let (transport, clock) = (transport, clock)
        let authorizer = authorizer(mcp.credential)
        var ways: [@Sendable () -> any MCPTransport]
        var settings = config.mcp
        settings.roots = (config.mcpRoots ?? []).map { Folders.absolute($0, in: files.root) }
        func sse(_ url: String, _ headers: [Header]) -> [@Sendable () -> any MCPTransport] {
            guard let address = WebAddress(url) else { return [] }
            return [
                {
                    MCPSSETransport(
                        url: address, headers: headers, authorizer: authorizer, http: transport, clock: clock)
                }
            ]
        }
        switch mcp.transport {
        case .stdio(var command):
            // Whoever runs here may know where.
            if config.mcpRoots == nil { settings.roots = [files.root] }
            command.directory = Folders.absolute(command.directory ?? ".", in: files.root)
            ways = [{ [command] in MCPStdioTransport(command: command, launcher: SpawnLauncher()) }]
        case .http(let url, let headers):
            let oauth = oauth(spec.name, url, headers, mcp.credential)
            ways = [
                {
                    MCPHTTPTransport(
                        url: url, headers: headers, authorizer: authorizer, http: transport, clock: clock, oauth: oauth)
                }
            ]
            ways += sse(url, headers)
        case .sse(let url, let headers): ways = sse(url, headers)
        }
        return MCPToolHandler(
            name: spec.name, kindName: spec.kindName, spec: mcp, timeout: spec.timeout, clock: clock,
            settings: settings, transports: ways)
    }

    /// Signing in is for servers for which the files bring no credential.
    private func oauth(
        _ name: String, _ url: String, _ headers: [Header], _ credential: Credential?
    ) -> OAuthSession? {
        guard credential == nil, !headers.contains(where: { $0.name.lowercased() == "authorization" }),
            let server = WebAddress(url)
        else { return nil }
        let settings = config.oauth[name] ?? OAuthSettings()
        return OAuthSession(
            name: name, server: server, settings: settings, secret: settings.clientSecret.map(keyReader),
            http: transport, digests: OpenSSLDigests(), clock: clock, redactor: redactor
        ) { port throws(EngineError) in try RedirectServer(port: port) }
    }
}

extension KeyReader {
    /// A reader whose commands run in a folder.
    convenience init(
        _ source: KeySource?, files: any FileSource, variables: any VariableSource, clock: any EngineClock,
        redactor: Redactor, in folder: String
    ) {
        self.init(source, files: files, variables: variables, clock: clock, redactor: redactor) {
            (command: [String]) async throws(EngineError) -> String in
            // Password managers and cloud tools find themselves by their own variables.
            try await CommandOutput.of(
                ProcessCommand(arguments: command, environment: EnvironmentVariables().all, directory: folder),
                launcher: SpawnLauncher(), clock: SystemClock())
        }
    }
}
