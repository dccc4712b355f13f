extension Credential {
    /// The `Authorization` header's value. A token file is read at each call.
    package func authorization(files: any FileSource) throws(EngineError) -> Secret {
        let token: String
        switch source {
        case .value(let secret): token = secret.reveal()
        case .file(let path):
            let text = String(decoding: try files.read(path), as: UTF8.self)
            token = String(text.prefix { $0 != "\n" && $0 != "\r\n" && $0 != "\r" })
            guard !token.isEmpty else { throw EngineError(.unauthorized, "the token file '\(path)' is empty") }
        }
        switch scheme {
        case .bearer: return Secret("Bearer \(token)")
        case .basic: return Secret("Basic \(Encodings.base64(token.utf8))")
        }
    }
}
