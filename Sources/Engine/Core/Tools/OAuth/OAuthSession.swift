/// What a person says about signing in to a server (`oauth:` of `cleo.yaml`).
package struct OAuthSettings: Sendable, Equatable {
    /// A client that was registered before.
    package var clientID: String?
    package var clientSecret: KeySource?
    /// An https address that holds this client's metadata document.
    package var clientMetadataURL: String?
    /// Asked for in place of what the server wants.
    package var scope: String?
    /// Where the browser comes back to; zero: any port.
    package var redirectPort = 0

    package init() {}
}

/// Waits on the loopback interface for the browser to come back (RFC 8252, section 7.3).
package protocol RedirectListener: Sendable {
    /// `http://127.0.0.1:PORT/callback`.
    var address: String { get }
    /// The address that the browser came to, with its query; nil when it is stopped.
    func wait() async -> String?
    func stop()
}

/// The tokens for one server, in memory only, and how they are got (OAuth 2.1 with PKCE; RFC 7636, 7591, 8707, 9207).
package actor OAuthSession {
    package typealias Listen = @Sendable (_ port: Int) throws(EngineError) -> any RedirectListener

    private struct Client {
        var id: String
        var secret: Secret?
        var method: String
    }

    private struct Token {
        var access: Secret
        var refresh: Secret?
        var until: Timestamp?
        var issuer: OAuthDiscovery.Issuer
    }

    private let server: WebAddress
    private let name: String
    private let settings: OAuthSettings
    private let secret: KeyReader?
    private let http: any HTTPTransport
    private let digests: any Digests
    private let clock: any EngineClock
    private let redactor: Redactor
    private let listen: Listen
    private var token: Token?
    /// By issuer: what one gave is nobody else's business.
    private var clients: [String: Client] = [:]
    private var asked: [String: Set<String>] = [:]

    /// Until the person is back from the browser.
    private static let patience = 10 * 60_000

    package init(
        name: String, server: WebAddress, settings: OAuthSettings, secret: KeyReader?, http: any HTTPTransport,
        digests: any Digests, clock: any EngineClock, redactor: Redactor, listen: @escaping Listen
    ) {
        self.name = name
        self.server = server
        self.settings = settings
        self.secret = secret
        self.http = http
        self.digests = digests
        self.clock = clock
        self.redactor = redactor
        self.listen = listen
    }

    /// What goes with a request; nil before anybody signed in.
    package func token() async throws(EngineError) -> Secret? {
        if let token, let until = token.until, token.refresh != nil, clock.now() >= until { _ = try? await renew() }
        return token?.access
    }

    /// The server did not take the token.
    /// - Returns: whether there is a new one.
    package func renew() async throws(EngineError) -> Bool {
        guard token != nil else { return false }
        return try await renewal.run { [weak self] () async throws(EngineError) in try await self?.refreshed() ?? false
        }
    }

    /// A server that cannot be reached leaves the token as it is; one that says no ends it.
    private func refreshed() async throws(EngineError) -> Bool {
        guard let old = token else { return false }
        guard let refresh = old.refresh, let client = clients[old.issuer.issuer] else {
            token = nil
            return false
        }
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.reveal()), ("resource", server.text)]
        do throws(EngineError) {
            var new = try await grant(form, client, old.issuer)
            new.refresh = new.refresh ?? refresh
            token = new
            return true
        } catch {
            guard error.code == .refused || error.code == .unauthorized else { throw error }
            token = nil
            return false
        }
    }

    private let renewal = SharedWork<Bool>()
    private let signingIn = SharedWork<Void>()

    /// Takes the person through the browser.
    /// - Throws: `refused` when the person says no, or something is not as it must be.
    package func signIn(_ challenge: OAuthChallenge, host: any ToolHost) async throws(EngineError) {
        try await signingIn.run { [weak self] () async throws(EngineError) in try await self?.walk(challenge, host) }
    }

    private func walk(_ challenge: OAuthChallenge, _ host: any ToolHost) async throws(EngineError) {
        let discovery = OAuthDiscovery(server: server, http: http)
        let resource = try await discovery.resource(challenge)
        let issuer = try await discovery.issuer(resource.issuer)
        let listener = try listen(settings.redirectPort)
        defer { listener.stop() }
        let client = try await client(issuer, redirect: listener.address)
        let verifier = Self.random()
        let state = Self.random()
        let scope = scope(challenge, resource, issuer)
        var query = [
            ("response_type", "code"), ("client_id", client.id), ("redirect_uri", listener.address),
            ("code_challenge", Encodings.base64URL(digests.sha256(Array(verifier.utf8)))),
            ("code_challenge_method", "S256"), ("state", state), ("resource", server.text),
        ]
        if !scope.isEmpty { query.append(("scope", scope)) }
        let mark = issuer.authorization.contains("?") ? "&" : "?"
        let address = issuer.authorization + mark + Self.form(query)
        let answer = try await visit(address, issuer, listener, host)
        let code = try code(in: answer, state: state, issuer)
        token = try await grant(
            [
                ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", listener.address),
                ("code_verifier", verifier), ("resource", server.text),
            ], client, issuer)
    }

    // MARK: the client

    private func client(
        _ issuer: OAuthDiscovery.Issuer, redirect: String
    ) async throws(EngineError) -> Client {
        if let id = settings.clientID {
            let secret = try await secret?.key()
            let client = Client(id: id, secret: secret, method: Self.method(issuer, hasSecret: secret != nil))
            clients[issuer.issuer] = client
            return client
        }
        if issuer.takesMetadataDocuments, let url = settings.clientMetadataURL {
            let client = Client(id: url, secret: nil, method: "none")
            clients[issuer.issuer] = client
            return client
        }
        // A registration holds its redirect address, which has another port each time.
        guard let registration = issuer.registration else {
            throw EngineError(
                .refused, "'\(issuer.issuer)' registers no clients by itself",
                hint: "register one there, and say in cleo.yaml: oauth: {\(name): {client_id: …}}")
        }
        let client = try await register(registration, issuer, redirect)
        clients[issuer.issuer] = client
        return client
    }

    private func register(
        _ endpoint: String, _ issuer: OAuthDiscovery.Issuer, _ redirect: String
    ) async throws(EngineError) -> Client {
        let methods = issuer.tokenMethods
        let method =
            methods.isEmpty || methods.contains("none")
            ? "none" : ["client_secret_basic", "client_secret_post"].first(where: methods.contains) ?? "none"
        let body: JSONValue = [
            "client_name": "cleo-tui", "redirect_uris": [.string(redirect)], "application_type": "native",
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": .string(method),
        ]
        var request = HTTPRequest(
            url: endpoint, method: "POST",
            headers: [("Content-Type", "application/json"), ("Accept", "application/json")], body: body.bytes)
        request.totalMilliseconds = 15_000
        let answer = try await json(request, "registering at '\(issuer.issuer)'")
        guard let id = answer["client_id"]?.string else {
            throw EngineError(.refused, "'\(issuer.issuer)' registered no client")
        }
        let secret = answer["client_secret"]?.string.map { Secret($0) }
        if let secret { redactor.add([secret]) }
        return Client(
            id: id, secret: secret,
            method: answer["token_endpoint_auth_method"]?.string ?? Self.method(issuer, hasSecret: secret != nil))
    }

    /// How a client says who it is at the token endpoint (RFC 8414: `client_secret_basic` where nothing is said).
    private static func method(_ issuer: OAuthDiscovery.Issuer, hasSecret: Bool) -> String {
        guard hasSecret else { return "none" }
        if issuer.tokenMethods.isEmpty { return "client_secret_basic" }
        return ["client_secret_basic", "client_secret_post"].first(where: issuer.tokenMethods.contains) ?? "none"
    }

    /// What the challenge wants, else all that the server offers, with what was granted before; `offline_access` where
    /// it means something.
    private func scope(
        _ challenge: OAuthChallenge, _ resource: OAuthDiscovery.Resource, _ issuer: OAuthDiscovery.Issuer
    ) -> String {
        if let scope = settings.scope { return scope }
        var scopes = challenge.scope?.split(separator: " ").map(String.init) ?? resource.scopes
        if challenge.error == "insufficient_scope" {
            for scope in (asked[issuer.issuer] ?? []).sorted() where !scopes.contains(scope) { scopes.append(scope) }
        }
        if !scopes.isEmpty, issuer.scopes.contains("offline_access"), !scopes.contains("offline_access") {
            scopes.append("offline_access")
        }
        asked[issuer.issuer, default: []].formUnion(scopes)
        return scopes.joined(separator: " ")
    }

    // MARK: the browser

    /// - Returns: the query that the browser came back with.
    private func visit(
        _ address: String, _ issuer: OAuthDiscovery.Issuer, _ listener: any RedirectListener, _ host: any ToolHost
    ) async throws(EngineError) -> String {
        let question = Question(
            .link, from: name,
            message: "'\(name)' wants you to sign in. Open this address in a browser; the answer comes back by itself, "
                + "or paste the address that the browser ends at", url: address)
        let clock = clock
        let outcome: Result<String, EngineError> = await withTaskGroup(of: Result<String, EngineError>?.self) { group in
            group.addTask {
                let reply = await host.ask(question)
                switch reply.action {
                case .accept: return reply.content?.string.flatMap { $0.isEmpty ? nil : .success($0) }
                case .decline, .cancel: return .failure(EngineError(.refused, "nobody signed in to '\(self.name)'"))
                }
            }
            group.addTask { await listener.wait().map { .success($0) } }
            group.addTask {
                try? await clock.sleep(milliseconds: Self.patience)
                return .failure(EngineError(.timedOut, "nobody came back from the browser"))
            }
            defer {
                listener.stop()
                group.cancelAll()
            }
            for await answer in group { if let answer { return answer } }
            return .failure(EngineError(.cancelled, "cancelled"))
        }
        return try outcome.get()
    }

    /// The code of a redirect, once everything about it is as it was asked for.
    private func code(
        in answer: String, state: String, _ issuer: OAuthDiscovery.Issuer
    ) throws(EngineError) -> String {
        let query = answer.split(separator: "?", maxSplits: 1).last.map(String.init) ?? ""
        let values = Encodings.query(query.prefix { $0 != "#" })
        guard values["state"] == state else {
            throw EngineError(.refused, "the browser came back with somebody else's answer ('state' differs)")
        }
        // Before anything of it is shown: it may come from somebody else (RFC 9207, section 2.4).
        if let said = values["iss"] {
            guard said == issuer.issuer else {
                throw EngineError(.refused, "the answer comes from '\(said)', and '\(issuer.issuer)' was asked")
            }
        } else if issuer.namesItself {
            throw EngineError(.refused, "the answer does not say that it comes from '\(issuer.issuer)'")
        }
        if let error = values["error"] {
            let about = values["error_description"].map { ": \($0)" } ?? ""
            throw EngineError(.refused, "'\(issuer.issuer)' did not let you in: \(error)\(about)")
        }
        guard let code = values["code"], !code.isEmpty else {
            throw EngineError(.refused, "the browser came back without a code")
        }
        redactor.add([Secret(code)])
        return code
    }

    // MARK: tokens

    private func grant(
        _ form: [(String, String)], _ client: Client, _ issuer: OAuthDiscovery.Issuer
    ) async throws(EngineError) -> Token {
        // Some servers want the name even where it stands in the header.
        var form = form + [("client_id", client.id)]
        var headers: [(name: String, value: String)] = [
            ("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"),
        ]
        switch (client.method, client.secret) {
        case ("client_secret_basic", let secret?):
            let pair = "\(Encodings.percent(client.id)):\(Encodings.percent(secret.reveal()))"
            headers.append(("Authorization", "Basic \(Encodings.base64(pair.utf8))"))
        case ("client_secret_post", let secret?): form.append(("client_secret", secret.reveal()))
        default: break
        }
        var request = HTTPRequest(
            url: issuer.token, method: "POST", headers: headers, body: Array(Self.form(form).utf8))
        request.totalMilliseconds = 30_000
        let answer = try await json(request, "the token of '\(issuer.issuer)'")
        guard let access = answer["access_token"]?.string, !access.isEmpty else {
            throw EngineError(.refused, "'\(issuer.issuer)' gave no token")
        }
        let refresh = answer["refresh_token"]?.string.map { Secret($0) }
        redactor.add([Secret(access)] + (refresh.map { [$0] } ?? []))
        let until = answer["expires_in"]?.double.map {
            Timestamp(milliseconds: clock.now().milliseconds + max(Int(min(max($0, 0), 1e9)) - 30, 0) * 1_000)
        }
        return Token(access: Secret(access), refresh: refresh, until: until, issuer: issuer)
    }

    private func json(_ request: HTTPRequest, _ what: String) async throws(EngineError) -> JSONValue {
        let response = try await http.send(request)
        let body = try await response.body.collect(limit: 1 << 20)
        let answer = try? JSONParser.parse(body)
        guard response.isSuccess, let answer else {
            let said = answer?["error_description"]?.string ?? answer?["error"]?.string ?? "HTTP \(response.status)"
            throw EngineError(.refused, "\(what) failed: \(said)")
        }
        return answer
    }

    private static func form(_ pairs: [(String, String)]) -> String {
        pairs.map { "\(Encodings.percent($0.0))=\(Encodings.percent($0.1))" }.joined(separator: "&")
    }

    /// 32 random bytes, as text that needs no escaping.
    private static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return Encodings.base64URL((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }
}
