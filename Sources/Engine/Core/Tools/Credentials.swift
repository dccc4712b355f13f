extension Credential {
    /// The `Authorization` header's value. A token file is read at each call.
    package func authorization(files: any FileSource) throws(EngineError) -> Secret {
        let token = try token(files: files).reveal()
        switch scheme {
        case .bearer: return Secret("Bearer \(token)")
        case .basic: return Secret("Basic \(Encodings.base64(token.utf8))")
        }
    }

    /// What the file, or the value, holds.
    package func token(files: any FileSource) throws(EngineError) -> Secret {
        switch source {
        case .value(let secret): return secret
        case .file(let path):
            let text = String(decoding: try files.read(path), as: UTF8.self)
            let token = text.prefix { $0 != "\n" && $0 != "\r\n" && $0 != "\r" }
            guard !token.isEmpty else { throw EngineError(.unauthorized, "the token file '\(path)' is empty") }
            return Secret(String(token))
        }
    }
}
