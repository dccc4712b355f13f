/// Finds who gives tokens for a server (MCP, authorization; RFC 9728 and RFC 8414).
struct OAuthDiscovery {
    /// The server: the MCP address.
    let server: WebAddress
    let http: any HTTPTransport

    /// What the server says about itself.
    struct Resource: Sendable, Equatable {
        var resource: String
        var issuer: String
        var scopes: [String]
    }

    /// What the authorization server says about itself.
    struct Issuer: Sendable, Equatable {
        var issuer: String
        var authorization: String
        var token: String
        var registration: String?
        var scopes: [String]
        var tokenMethods: [String]
        var takesMetadataDocuments: Bool
        /// Whether every redirect has to name the issuer (RFC 9207).
        var namesItself: Bool
    }

    /// - Throws: `refused` for a description that does not fit the server.
    func resource(_ challenge: OAuthChallenge) async throws(EngineError) -> Resource {
        let origin = "\(server.scheme)://\(server.authority)"
        let path = server.path == "/" ? "" : server.path
        var places = [origin + "/.well-known/oauth-protected-resource" + path]
        if !path.isEmpty { places.append(origin + "/.well-known/oauth-protected-resource") }
        if let named = challenge.resourceMetadata { places = [named] }
        for place in places {
            guard let document = try await document(place) else { continue }
            guard let resource = document["resource"]?.string, fits(resource) else {
                throw EngineError(
                    .refused,
                    "'\(place)' describes '\(document["resource"]?.string ?? "")', which is not the server '\(server.text)'"
                )
            }
            guard let issuer = document["authorization_servers"]?.array?.first?.string else {
                throw EngineError(.refused, "'\(place)' names no authorization server")
            }
            return Resource(
                resource: resource, issuer: issuer,
                scopes: document["scopes_supported"]?.array?.compactMap(\.string) ?? [])
        }
        // Before 2025-06-18 the server gave the tokens itself.
        return Resource(resource: server.text, issuer: origin, scopes: [])
    }

    /// The same origin, and a path that holds the server's.
    private func fits(_ resource: String) -> Bool {
        guard let address = WebAddress(resource), address.hasOrigin(of: server) else { return false }
        func whole(_ path: String) -> String { path.hasSuffix("/") ? path : path + "/" }
        return whole(server.path).hasPrefix(whole(address.path))
    }

    /// - Throws: `refused` for metadata that is not the issuer's, or without PKCE.
    func issuer(_ issuer: String) async throws(EngineError) -> Issuer {
        guard let address = WebAddress(issuer) else {
            throw EngineError(.refused, "the authorization server '\(issuer)' is no http address")
        }
        let origin = "\(address.scheme)://\(address.authority)"
        var path = address.path
        while path.hasSuffix("/") { path.removeLast() }
        var places = [
            "\(origin)/.well-known/oauth-authorization-server\(path)",
            "\(origin)/.well-known/openid-configuration\(path)",
        ]
        if !path.isEmpty { places.append("\(origin)\(path)/.well-known/openid-configuration") }
        for place in places {
            guard let document = try await document(place) else { continue }
            // As text: what only looks alike is somebody else (RFC 8414, section 3.3).
            guard document["issuer"]?.string == issuer else {
                throw EngineError(
                    .refused,
                    "'\(place)' says that it is '\(document["issuer"]?.string ?? "")', and '\(issuer)' was asked for")
            }
            let methods = document["code_challenge_methods_supported"]?.array?.compactMap(\.string) ?? []
            guard methods.contains("S256") else {
                throw EngineError(.refused, "'\(issuer)' does not offer PKCE with S256, so signing in is not safe")
            }
            guard let authorization = document["authorization_endpoint"]?.string,
                let token = document["token_endpoint"]?.string
            else { throw EngineError(.refused, "'\(place)' names no authorization or no token endpoint") }
            let registration = document["registration_endpoint"]?.string
            for endpoint in [authorization, token] + (registration.map { [$0] } ?? []) { try check(endpoint) }
            return Issuer(
                issuer: issuer, authorization: authorization, token: token, registration: registration,
                scopes: document["scopes_supported"]?.array?.compactMap(\.string) ?? [],
                tokenMethods: document["token_endpoint_auth_methods_supported"]?.array?.compactMap(\.string) ?? [],
                takesMetadataDocuments: document["client_id_metadata_document_supported"]?.bool ?? false,
                namesItself: document["authorization_response_iss_parameter_supported"]?.bool ?? false)
        }
        throw EngineError(.notFound, "the authorization server '\(issuer)' does not describe itself")
    }

    /// - Returns: nil when there is none.
    private func document(_ place: String) async throws(EngineError) -> JSONValue? {
        try check(place)
        var request = HTTPRequest(url: place, headers: [("Accept", "application/json")])
        request.totalMilliseconds = 15_000
        request.bodyLimit = 1 << 20
        let response = try await http.send(request)
        let body = try await response.body.collect(limit: 1 << 20)
        guard response.status == 200 else { return nil }
        return try? JSONParser.parse(body)
    }

    /// Only https, but on this machine; and no server of the network leads to this machine's own services.
    private func check(_ text: String) throws(EngineError) {
        guard let address = WebAddress(text) else {
            throw EngineError(.refused, "'\(text)' is no http or https address")
        }
        guard address.scheme == "https" || address.isLoopback else {
            throw EngineError(.refused, "'\(text)' is not https, so nobody signs in there")
        }
        guard !address.isLoopback || server.isLoopback else {
            throw EngineError(.refused, "'\(server.text)' leads to '\(text)' on this machine; that is not followed")
        }
    }
}

extension WebAddress {
    package var isLoopback: Bool {
        let host = host
        return host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || host.hasPrefix("127.")
    }
}
