import CCrypto
import Engine

/// Signatures of JSON Web Tokens, checked by OpenSSL.
package struct OpenSSLSignatures: Signatures {
    package init() {}

    package func isValid(_ signature: [UInt8], of message: [UInt8], by key: [UInt8]) -> Bool {
        let public_: OpaquePointer? = key.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return d2i_PUBKEY(nil, &start, bytes.count)
        }
        guard let public_ else { return false }
        defer { EVP_PKEY_free(public_) }
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, public_) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}
