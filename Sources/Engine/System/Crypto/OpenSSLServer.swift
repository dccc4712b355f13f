import CCrypto
package import Engine

/// A certificate that a server shows, with its key.
///
/// Concurrency: OpenSSL counts references to a context that is not changed any more atomically, hence `@unchecked`.
package final class ServerCertificate: @unchecked Sendable {
    fileprivate let context: OpaquePointer

    /// - Parameters:
    ///   - file: PEM, the server's own first, then those that lead to its authority.
    ///   - key: PEM, without a passphrase; it may stand in `file`, too.
    /// - Throws: `invalidInput` when they cannot be used, or do not belong together.
    package init(file: String, key: String) throws(EngineError) {
        ERR_clear_error()
        guard let context = SSL_CTX_new(TLS_server_method()), ccrypto_tls_1_2(context) == 1 else {
            throw EngineError(.invalidInput, "TLS cannot be used: \(Self.reason)")
        }
        self.context = context
        // A key with a passphrase is refused, not asked about.
        SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in 0 }
        guard SSL_CTX_use_certificate_chain_file(context, file) == 1 else {
            throw EngineError(.invalidInput, "'\(file)' holds no certificate that can be used: \(Self.reason)")
        }
        guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
            throw EngineError(
                .invalidInput, "'\(key)' holds no key that can be used: \(Self.reason)",
                hint: "PEM, without a passphrase, for the certificate of '\(file)'")
        }
    }

    deinit { SSL_CTX_free(context) }

    private static var reason: String {
        ERR_reason_error_string(ERR_peek_last_error()).map { String(cString: $0) } ?? "it cannot be read"
    }
}

/// TLS between a socket and who serves it: it works on bytes and touches no socket. Not to be used by two threads at
/// once.
final class TLSSession {
    private let session: OpaquePointer
    private let incoming = BIO_new(BIO_s_mem())
    private let outgoing = BIO_new(BIO_s_mem())

    init(_ certificate: ServerCertificate) {
        guard let session = SSL_new(certificate.context) else { fatalError("there is no memory left") }
        self.session = session
        // From here on they are the session's.
        SSL_set_bio(session, incoming, outgoing)
        SSL_set_accept_state(session)
    }

    deinit { SSL_free(session) }

    /// - Returns: what was in it for who serves, perhaps nothing yet; nil when it is no TLS, or its end.
    func receive(_ bytes: [UInt8]) -> [UInt8]? {
        ERR_clear_error()
        guard BIO_write(incoming, bytes, Int32(bytes.count)) == Int32(bytes.count) else { return nil }
        var plain: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = SSL_read(session, &buffer, Int32(buffer.count))
            guard count > 0 else {
                let isWell = SSL_get_error(session, count) == SSL_ERROR_WANT_READ
                return isWell || !plain.isEmpty ? plain : nil
            }
            plain += buffer[..<Int(count)]
        }
    }

    /// - Returns: false when the session has not begun, or is over.
    func send(_ bytes: [UInt8]) -> Bool {
        ERR_clear_error()
        return bytes.isEmpty || SSL_write(session, bytes, Int32(bytes.count)) == Int32(bytes.count)
    }

    func close() { SSL_shutdown(session) }

    /// What has to go over the wire.
    func take() -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = BIO_read(outgoing, &buffer, Int32(buffer.count))
            guard count > 0 else { return bytes }
            bytes += buffer[..<Int(count)]
        }
    }
}
