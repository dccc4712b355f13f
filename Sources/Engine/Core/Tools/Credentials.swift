/// Gives a tool its credential for each call: a value, a file that is read again each time, or what a command prints.
package struct Authorizer: Sendable {
    private let scheme: Credential.Scheme
    private let keys: KeyReader

    package init(_ scheme: Credential.Scheme, _ keys: KeyReader) {
        self.scheme = scheme
        self.keys = keys
    }

    /// The `Authorization` header's value.
    /// - Throws: `unauthorized` when the credential is missing: a call never goes without it.
    package func authorization() async throws(EngineError) -> Secret {
        let token = try await token().reveal()
        switch scheme {
        case .bearer: return Secret("Bearer \(token)")
        case .basic: return Secret("Basic \(Encodings.base64(token.utf8))")
        }
    }

    package func token() async throws(EngineError) -> Secret {
        guard let token = try await keys.key() else { throw EngineError(.unauthorized, "the credential is missing") }
        return token
    }

    /// The server did not take it.
    /// - Returns: whether the next request may bring another one.
    package func refused() -> Bool { keys.refused() }
}
