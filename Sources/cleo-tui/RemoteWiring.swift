import Engine
import EngineSystem
import Glibc

/// Makes what `attach` needs.
struct RemoteWiring {
    let wiring: Wiring
    let name: String
    let context: RemoteContext
    private let config: WorkspaceConfig
    private let arguments: Arguments

    init(_ target: String, _ arguments: Arguments) throws(EngineError) {
        self.arguments = arguments
        wiring = try Wiring(arguments)
        let loaded = try wiring.tools(arguments)
        config = loaded.value?.config ?? WorkspaceConfig()
        var context: RemoteContext
        if target.contains("://") {
            context = RemoteContext(url: target)
            context.network = config.network
            name = WebAddress("http" + target.drop { $0 != ":" })?.authority ?? target
        } else {
            var known = config.contexts
            for (name, own) in try Self.ownContexts(wiring) where known[name] == nil { known[name] = own }
            guard let found = known[target] else {
                throw EngineError(
                    .notFound, "there is no context '\(target)'",
                    hint: Suggestion.hint(for: target, among: known.keys.sorted())
                        ?? "contexts stand in cleo.yaml, or in ~/.config/cleo-tui/config.yaml")
            }
            context = found
            name = target
        }
        if let variable = arguments[.tokenEnv] { context.token = .variable(variable) }
        if context.token == nil, wiring.variables.value(of: "CLEO_ATTACH_TOKEN")?.isEmpty == false {
            context.token = .variable("CLEO_ATTACH_TOKEN")
        }
        context.sessionAPI = arguments[.sessionAPI] ?? context.sessionAPI
        if arguments.has(.login) {
            let grant = try Self.login(context, wiring)
            wiring.redactor.add([grant.token])
            context.sessionAPI = grant.sessionAPI
            context.sessionAPIToken = .value(grant.token)
        }
        self.context = context
    }

    /// In the browser; what it gives is kept nowhere.
    private static func login(_ context: RemoteContext, _ wiring: Wiring) throws(EngineError) -> DashboardLogin.Grant {
        guard let dashboard = context.sessionAPI else {
            throw EngineError(
                .invalidInput, "'--login' needs the address of the dashboard",
                hint: "session_api in the context, or --session-api https://HOST/api/workspaces/NAME")
        }
        let network = context.network.complete(in: wiring.workspaceFolder, wiring.variables)
        let login = try DashboardLogin(
            dashboard, http: CurlTransport(network), clock: wiring.clock,
            state: Encodings.hex((0..<16).map { _ in UInt8.random(in: .min ... .max) }))
        let listener = try RedirectServer(port: 0)
        defer { listener.stop() }
        return try blocking { () async throws(EngineError) in
            try await login.signIn(listener) {
                Console.err("sign in to the dashboard, in a browser of this machine:\n  \($0)")
            }
        }
    }

    /// The person's own, for every workspace.
    private static func ownContexts(_ wiring: Wiring) throws(EngineError) -> [String: RemoteContext] {
        let environment = EnvironmentVariables()
        let folder = environment.value(of: "XDG_CONFIG_HOME") ?? (environment.value(of: "HOME") ?? "") + "/.config"
        let path = folder + "/cleo-tui/config.yaml"
        guard wiring.files.exists(path) else { return [:] }
        let read = wiring.reader.read(path)
        guard let document = read.value else {
            throw EngineError(.invalidInput, read.diagnostics.first?.description ?? "'\(path)' cannot be read")
        }
        let loaded = RemoteContext.load(document, variables: wiring.variables)
        if let error = loaded.diagnostics.first(where: { $0.severity == .error }) {
            throw EngineError(.invalidInput, error.description)
        }
        return loaded.value ?? [:]
    }

    var opened: SessionOpened {
        let query = (try? context.address()).flatMap { $0.split(separator: "?", maxSplits: 1).dropFirst().first } ?? ""
        func value(_ name: String) -> String? {
            query.split(separator: "&").first { $0.hasPrefix(name + "=") }.map {
                Encodings.unescaped($0.dropFirst(name.count + 1))
            }
        }
        return SessionOpened(
            workspace: "attached to \(name)", pack: value("agent") ?? name, packVersion: "",
            prompt: value("namespace") ?? "default",
            provider: name, model: "remote", isMock: false, program: "cleo-tui \(ProgramInfo.version)")
    }

    private func network() -> NetworkSettings { context.network.complete(in: wiring.workspaceFolder, wiring.variables) }

    private func reader(_ source: KeySource) throws(EngineError) -> KeyReader {
        let reader = KeyReader(
            source, files: wiring.files, variables: wiring.variables, clock: wiring.clock, redactor: wiring.redactor,
            in: wiring.workspaceFolder)
        try reader.prepare()
        return reader
    }

    func archive() throws(EngineError) -> RemoteArchive? {
        guard let url = context.sessionAPI else { return nil }
        guard WebAddress(url) != nil else {
            throw EngineError(.invalidInput, "'\(url)' is no http or https address", hint: "https://HOST/api/v1")
        }
        let source = context.sessionAPIToken ?? context.token
        return RemoteArchive(
            RemoteArchive.Address(
                url: url, headers: context.headers,
                token: try source.map { (source) throws(EngineError) in try reader(source) },
                namespace: context.namespace ?? opened.prompt), http: CurlTransport(network()), clock: wiring.clock)
    }

    private func address() throws(EngineError) -> RemoteAddress {
        RemoteAddress(
            name: name, url: try context.address(), headers: context.headers,
            token: try context.token.map { (source) throws(EngineError) in try reader(source) })
    }

    /// Waits for the facade's greeting, and leaves.
    /// - Returns: the session that it offers.
    func greet() async throws(EngineError) -> String {
        var request = try await address().request()
        request.silenceMilliseconds = 5_000
        let connection = try await CurlWebSocketDialer(network()).dial(request)
        defer { connection.close(1_000, "") }
        while let message = await connection.next() {
            guard case .text(let text) = message, let json = try? JSONParser.parse(text), let event = FacadeEvent(json)
            else { continue }
            if case .connected = event.body { return event.session ?? "" }
        }
        throw EngineError(.protocolViolation, "'\(name)' does not greet as a facade does")
    }

    /// The network, written down or played where that is asked for.
    private func dialer() throws(EngineError) -> any WebSocketDialer {
        let path = (arguments[.record] ?? arguments[.replay]).map {
            Folders.absolute($0) + "/" + FacadeRecording.fileName
        }
        guard let path else { return CurlWebSocketDialer(network()) }
        guard arguments.has(.replay) else {
            let file = try AppendingFile(path)
            return RecordingDialer(CurlWebSocketDialer(network()), clock: wiring.clock, redactor: wiring.redactor) {
                file.write($0 + "\n")
            }
        }
        guard !arguments.has(.record) else {
            throw EngineError(.invalidInput, "'--record' and '--replay' do not go together", hint: "use one of them")
        }
        let word = arguments[.pace] ?? "recorded"
        guard let pace = ReplayPace(word) else {
            throw EngineError(
                .invalidInput, "'--pace \(word)' is no pace",
                hint: "'recorded', 'instant', or how many times as fast: 4")
        }
        return try ReplayDialer(
            try DiskFiles(root: "/").read(path), file: path, pace: pace, clock: wiring.clock)
    }

    func client(
        _ session: SessionID, _ store: any SessionStore, resume: String?
    ) throws(EngineError) -> RemoteClient {
        wiring.redactor.learn(context.headers)
        let address = try address()
        let folder = wiring.folders.data + "/media"
        let ids = wiring.ids
        var tools: [String: any ToolHandler] = [:]
        for (tool, command) in config.clientTools {
            let descriptor = ToolDescriptor(
                name: tool, description: "", inputSchema: ["type": "object"], readOnly: true)
            tools[tool] = ExecToolHandler(
                name: tool, spec: ExecToolSpec(tool: descriptor, arguments: command, variables: []),
                timeout: HandlerSpec.defaultTimeout, directory: wiring.workspaceFolder, launcher: SpawnLauncher(),
                variables: EnvironmentVariables())
        }
        var patience = RemoteClient.Patience()
        patience.silenceNotice = context.silenceNotice ?? patience.silenceNotice
        patience.silenceEnd = context.silenceLimit ?? patience.silenceEnd
        return RemoteClient(
            session: session, address: address, resume: resume, dialer: try dialer(), store: store,
            clock: wiring.clock, ids: ids, redactor: wiring.redactor, patience: patience, clientTools: tools,
            uploader: HTTPUploader(facade: address.url, transport: CurlTransport(network())),
            archive: try archive()
        ) { mediaType, bytes throws(EngineError) in
            let ending = mediaType.split(separator: "/").last.map { $0.prefix { $0.isLetter || $0.isNumber } } ?? "bin"
            let path = "\(folder)/\(ids.next("media")).\(ending.isEmpty ? "bin" : ending)"
            try DiskFiles.write(bytes: bytes, to: path)
            return path
        }
    }
}

/// Brings files to a facade's storage. An address that the server made for itself is led to where the facade is.
struct HTTPUploader: RemoteUploader {
    let facade: String
    let transport: CurlTransport

    func put(
        _ bytes: [UInt8], mediaType: String, to url: String, progress: @Sendable (Double) async -> Void
    ) async throws(EngineError) {
        guard var target = WebAddress(url), let own = WebAddress("http" + facade.dropFirst(2)) else {
            throw EngineError(.protocolViolation, "the server wants the file at '\(url)', which is no address")
        }
        // With local storage it writes its own name: localhost.
        if ["localhost", "127.0.0.1", "0.0.0.0"].contains(target.host) {
            (target.scheme, target.authority) = (own.scheme, own.authority)
        }
        await progress(0)
        var request = HTTPRequest(
            url: target.text, method: "PUT", headers: [("Content-Type", mediaType)], body: bytes)
        request.firstByteMilliseconds = 600_000
        let response = try await transport.send(request)
        let said = (try? await response.body.collect(limit: 64 << 10)) ?? []
        guard response.isSuccess else {
            throw EngineError(
                .refused,
                "the storage answers HTTP \(response.status): \(String(decoding: said.prefix(160), as: UTF8.self))")
        }
        await progress(1)
    }
}
