/// Who may talk to a served agent: a token of its own, or JSON Web Tokens (RFC 7519) of an issuer.
package struct TokenCheck: Sendable {
    private enum Key: Sendable {
        /// HS256.
        case secret(Secret)
        /// RS256, ES256: SubjectPublicKeyInfo.
        case rsa([UInt8], id: String?)
        case p256([UInt8], id: String?)
    }

    private static let clockSkewSeconds = 60
    private static let longest = 16 << 10

    private var token: Secret?
    private var keys: [Key] = []
    private let audience: String?
    let digests: any Digests
    private let signatures: any Signatures

    /// - Parameter audience: what `aud` has to name; nil takes only tokens without one (RFC 7519, section 4.1.3).
    package init(audience: String?, digests: any Digests, signatures: any Signatures) {
        self.audience = audience
        self.digests = digests
        self.signatures = signatures
    }

    /// Whether whoever reaches the address may talk.
    package var isOpen: Bool { token == nil && keys.isEmpty }

    package mutating func allow(token: Secret) { self.token = token }

    /// - Throws: `invalidInput` for a secret that can be guessed (RFC 7518, section 3.2).
    package mutating func allow(signedWith secret: Secret) throws(EngineError) {
        guard secret.reveal().utf8.count >= 32 else {
            throw EngineError(
                .invalidInput, "the secret for HS256 is shorter than 32 bytes", hint: "head -c 32 /dev/urandom | base64"
            )
        }
        keys.append(.secret(secret))
    }

    /// - Parameter keySet: a JSON Web Key Set (RFC 7517): RSA keys of at least 2048 bits, and P-256.
    /// - Throws: `invalidInput` when no key of it can be used.
    package mutating func allow(keySet: JSONValue) throws(EngineError) {
        var found: [Key] = []
        for key in keySet["keys"]?.array ?? [] where key["use"]?.string ?? "sig" == "sig" {
            func bytes(_ name: String) -> [UInt8]? { key[name]?.string.flatMap(Encodings.fromBase64) }
            let id = key["kid"]?.string
            switch (key["kty"]?.string, key["crv"]?.string) {
            case ("RSA", _):
                guard let modulus = bytes("n"), let exponent = bytes("e"), modulus.drop(while: { $0 == 0 }).count >= 256
                else { continue }
                found.append(.rsa(DER.rsaKey(modulus: modulus, exponent: exponent), id: id))
            case ("EC", "P-256"):
                guard let x = bytes("x"), let y = bytes("y"), x.count == 32, y.count == 32 else { continue }
                found.append(.p256(DER.p256Key(x: x, y: y), id: id))
            default: continue
            }
        }
        guard !found.isEmpty else {
            throw EngineError(.invalidInput, "no key of the set can be used: RSA of 2048 bits and more, and P-256")
        }
        keys += found
    }

    /// Whether it bears one of these keys.
    static func bears(_ authorization: String?, _ keys: [Secret]) -> Bool {
        guard let authorization, authorization.hasPrefix("Bearer ") else { return false }
        let given = Array(authorization.dropFirst(7).utf8)
        return keys.contains { isSame(Array($0.reveal().utf8), given) }
    }

    /// - Parameter authorization: the header as it came.
    /// - Returns: why not; nil when it is well. Nothing of the token is in it.
    package func objection(_ authorization: String?, now: Timestamp) -> String? {
        guard !isOpen else { return nil }
        guard let authorization, authorization.hasPrefix("Bearer ") else {
            return "there is no 'Authorization: Bearer …'"
        }
        let given = authorization.dropFirst(7)
        if let token, Self.isSame(Array(token.reveal().utf8), Array(given.utf8)) { return nil }
        guard !keys.isEmpty else { return "the token is wrong" }
        return signed(given, now.milliseconds / 1_000)
    }

    /// In a time that does not tell where they differ.
    private static func isSame(_ wanted: [UInt8], _ given: [UInt8]) -> Bool {
        var difference = wanted.count ^ given.count
        for (index, byte) in wanted.enumerated() { difference |= Int(byte ^ (index < given.count ? given[index] : 0)) }
        return difference == 0
    }

    private func signed(_ token: Substring, _ now: Int) -> String? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard token.utf8.count <= Self.longest, parts.count == 3, let head = Self.document(parts[0]),
            let claims = Self.document(parts[1]), let signature = Encodings.fromBase64(parts[2])
        else { return "the token is wrong" }
        guard head["crit"] == nil else { return "the token wants what is not known here" }
        let message = Array("\(parts[0]).\(parts[1])".utf8)
        let id = head["kid"]?.string
        let isSigned = keys.contains { key in
            // The key says which algorithm it is for, never the token.
            switch (key, head["alg"]?.string) {
            case (.secret(let secret), "HS256"):
                Self.isSame(digests.hmacSHA256(key: Array(secret.reveal().utf8), message), signature)
            case (.rsa(let key, let own), "RS256"):
                (id == nil || own == nil || id == own) && signatures.isValid(signature, of: message, by: key)
            case (.p256(let key, let own), "ES256"):
                (id == nil || own == nil || id == own) && signature.count == 64
                    && signatures.isValid(DER.ecdsaSignature(signature), of: message, by: key)
            default: false
            }
        }
        guard isSigned else { return "the token is not signed by a key that is known here" }
        guard let end = claims["exp"]?.double else { return "the token never expires ('exp')" }
        guard end + Double(Self.clockSkewSeconds) > Double(now) else { return "the token has expired" }
        if let begin = claims["nbf"]?.double, begin - Double(Self.clockSkewSeconds) > Double(now) {
            return "the token is not valid yet"
        }
        let meant = claims["aud"]?.array?.compactMap(\.string) ?? claims["aud"]?.string.map { [$0] } ?? []
        switch (audience, claims["aud"]) {
        case (nil, nil): return nil
        case (nil, _): return "the token is for somebody, and this server has no name (--audience)"
        case (let audience?, _): return meant.contains(audience) ? nil : "the token is not for this server ('aud')"
        }
    }

    private static func document(_ text: String) -> JSONValue? {
        Encodings.fromBase64(text).flatMap { try? JSONParser.parse($0) }
    }
}
