/// Hashes, from a library that people trust with them.
package protocol Digests: Sendable {
    /// FIPS 180-4; 32 bytes.
    func sha256(_ bytes: [UInt8]) -> [UInt8]
    /// RFC 2104 with SHA-256; 32 bytes.
    func hmacSHA256(key: [UInt8], _ bytes: [UInt8]) -> [UInt8]
}

/// Public keys at work.
package protocol Signatures: Sendable {
    /// - Parameters:
    ///   - signature: PKCS #1 v1.5 for RSA, DER for ECDSA; over SHA-256.
    ///   - key: SubjectPublicKeyInfo, as DER (RFC 5280, section 4.1.2.7).
    func isValid(_ signature: [UInt8], of message: [UInt8], by key: [UInt8]) -> Bool
}
