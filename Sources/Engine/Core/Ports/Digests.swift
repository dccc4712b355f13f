/// Hashes, from a library that people trust with them.
package protocol Digests: Sendable {
    /// FIPS 180-4; 32 bytes.
    func sha256(_ bytes: [UInt8]) -> [UInt8]
    /// RFC 2104 with SHA-256; 32 bytes.
    func hmacSHA256(key: [UInt8], _ bytes: [UInt8]) -> [UInt8]
}
