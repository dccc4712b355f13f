import CProcess
import Engine
import EngineSystem
import Glibc

/// The local agent behind Omnia's facade and OpenAI's chat interface.
enum ServeCommand {
    private static let drainMilliseconds = 30_000

    static func run(_ arguments: Arguments) -> ExitCode {
        do throws(EngineError) {
            return try serve(arguments)
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    private static func serve(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        // Before any thread begins.
        cproc_hold_signals()
        cproc_raise_files()
        cproc_save_memory()
        if let word = arguments.words.first {
            throw EngineError(.invalidInput, "'serve' takes no words: '\(word)'", hint: "--agent NAME, --workspace DIR")
        }
        if arguments.has(.key), !arguments.has(.certificate) {
            throw EngineError(
                .invalidInput, "'--key' is for '--certificate FILE'", hint: "without both there is no TLS")
        }
        let (address, port) = try listen(arguments[.listen] ?? "127.0.0.1:8080")
        let wiring = try Wiring(arguments)
        let (store, problem) = wiring.store()
        if let problem { Console.report([problem]) }
        guard let agents = try ServedAgents(arguments, wiring, store) else { return .usage }
        var settings = AgentServer.Settings(agents.served, access: try access(arguments, wiring))
        settings.approves = arguments.has(.yes)
        let key = Secret(Encodings.hex((0..<32).map { _ in UInt8.random(in: .min ... .max) }))
        settings.screenKeys = [key]
        if let own = wiring.variables.value(of: ScreenKey.variable), !own.isEmpty {
            settings.screenKeys.append(Secret(own))
        }
        wiring.redactor.add(settings.screenKeys)
        settings.isSecure = arguments.has(.certificate)
        settings.hasQuirks = arguments.has(.quirks)
        if let text = arguments[.maxRunning] {
            guard let number = Int(text), number > 0 else {
                throw EngineError(.invalidInput, "'--max-running \(text)' is no number above zero")
            }
            settings.runningLimit = number
        }
        guard !settings.access.isOpen || address.hasPrefix("127.") else {
            throw EngineError(
                .invalidInput,
                "\(address) can be reached from other machines, and whoever reaches it can talk to the agent and its tools",
                hint:
                    "set CLEO_SERVE_TOKEN (or name another with --token-env), give --jwks or --jwt-secret-env, or listen on 127.0.0.1"
            )
        }
        let server = AgentServer(
            store: store, clock: wiring.clock, ids: wiring.ids, settings: settings,
            acceptance: { WebSocketKey.accept($0) }, newSession: { Self.uuid() })
        let certificate = try arguments[.certificate].map { (file) throws(EngineError) in
            try ServerCertificate(file: Folders.absolute(file), key: Folders.absolute(arguments[.key] ?? file))
        }
        let sockets = try SocketServer(address: address, port: port, certificate: certificate) { socket in
            Task { await server.serve(socket) }
        }
        let keyFile = ScreenKey.file(wiring.folders, port: sockets.port)
        do throws(EngineError) {
            try DiskFiles.write(secret: key, to: keyFile)
        } catch {
            Console.err(
                "note: screens of this machine find no key (\(error.message)); \(ScreenKey.variable) gives them one")
        }
        defer { unlink(keyFile) }
        blocking { await agents.start() }
        var last: String?
        let secure = certificate == nil ? "" : "s"
        for (agent, words) in agents.lines {
            if agent != last {
                Console.out("ws\(secure)://\(address):\(sockets.port)/ws?agent=\(Encodings.percent(agent))")
            }
            last = agent
            Console.out("  \(words)")
        }
        Console.out("http\(secure)://\(address):\(sockets.port)/v1/chat/completions")
        if !settings.approves { Console.err("note: tools that would ask a person are refused; --yes lets them run") }
        wait(server, agents)
        server.leave()
        sockets.stop()
        blocking { await agents.close() }
        return .done
    }

    private static func access(_ arguments: Arguments, _ wiring: Wiring) throws(EngineError) -> TokenCheck {
        var access = TokenCheck(
            audience: arguments[.audience], digests: OpenSSLDigests(), signatures: OpenSSLSignatures())
        func secret(_ name: String) throws(EngineError) -> Secret {
            guard let value = wiring.variables.value(of: name), !value.isEmpty else {
                throw EngineError(.unauthorized, "the variable '\(name)' is not set")
            }
            wiring.redactor.add([Secret(value)])
            return Secret(value)
        }
        if let name = arguments[.tokenEnv] {
            access.allow(token: try secret(name))
        } else if let value = wiring.variables.value(of: "CLEO_SERVE_TOKEN"), !value.isEmpty {
            access.allow(token: try secret("CLEO_SERVE_TOKEN"))
        }
        if let name = arguments[.jwtSecretEnv] { try access.allow(signedWith: try secret(name)) }
        if let file = arguments[.jwks] {
            guard let keys = try? JSONParser.parse(try wiring.files.read(file)) else {
                throw EngineError(.invalidInput, "'\(file)' is no JSON file that can be read")
            }
            try access.allow(keySet: keys)
        }
        return access
    }

    /// Until somebody asks it to end; then what runs is finished first.
    private static func wait(_ server: AgentServer, _ agents: ServedAgents) {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, signal) }
        var signal: Int32 = 0
        sigwait(&signals, &signal)
        Console.err("draining: what runs is finished, nothing new is taken")
        server.drain()
        let clock = SystemClock()
        let end = clock.now().milliseconds + drainMilliseconds
        while !server.isIdle || blocking({ await agents.areRunning }), clock.now().milliseconds < end {
            usleep(50_000)
        }
    }

    private static func listen(_ text: String) throws(EngineError) -> (address: String, port: Int) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let port = Int(parts[1]), (0...65_535).contains(port) else {
            throw EngineError(.invalidInput, "'\(text)' is not ADDRESS:PORT", hint: "--listen 127.0.0.1:8080")
        }
        return (parts[0] == "localhost" || parts[0].isEmpty ? "127.0.0.1" : String(parts[0]), port)
    }

    /// RFC 9562, version 4: as the facade names sessions.
    private static func uuid() -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let text = Encodings.hex(bytes)
        var parts: [Substring] = []
        var rest = text[...]
        for count in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return parts.joined(separator: "-")
    }
}
