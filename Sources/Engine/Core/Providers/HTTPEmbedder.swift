/// Vectors from a provider over HTTP: OpenAI's `/embeddings` and what speaks like it, Ollama's `/api/embed`, Gemini's
/// `:batchEmbedContents`.
package struct HTTPEmbedder: Embedder {
    package let model: String
    private let kind: ProviderConfig.Kind
    private let format: any WireFormat
    private let baseURL: String
    private let headers: [Header]
    private let key: KeyReader?
    private let transport: any HTTPTransport

    private static let bodyLimit = 64 << 20

    /// - Throws: `invalidInput` for a provider that makes no vectors.
    package init(_ provider: ProviderConfig, key: KeyReader?, transport: any HTTPTransport) throws(EngineError) {
        guard [.openai, .vllm, .ollama, .gemini].contains(provider.kind), provider.platform == nil else {
            throw EngineError(
                .invalidInput, "the provider '\(provider.name)' makes no vectors here",
                hint: "one of the type openai, vllm, ollama or gemini does")
        }
        guard let model = provider.model else {
            throw EngineError(.invalidInput, "the provider '\(provider.name)' needs the name of an embedding model")
        }
        self.model = model
        kind = provider.kind
        let (format, base) = try provider.format()
        self.format = format
        baseURL = BaseURL.trimmed(base ?? format.standardBaseURL)
        headers = provider.headers
        self.key = key
        self.transport = transport
    }

    package func vectors(_ texts: [String]) async throws(EngineError) -> [[Float]] {
        var headers = headers.map { (name: $0.name, value: $0.value) } + [("Content-Type", "application/json")]
        if let token = try await key?.key() {
            let header = format.authorization(token)
            headers.append((header.name, header.value))
        }
        let (url, body) = ask(texts)
        var request = HTTPRequest(url: url, method: "POST", headers: headers, body: JSONValue.object(body).bytes)
        request.bodyLimit = Self.bodyLimit
        let response = try await transport.send(request)
        let bytes = try await response.body.collect(limit: Self.bodyLimit)
        guard response.isSuccess, let answer = try? JSONParser.parse(bytes) else {
            throw EngineError(
                .unreachable,
                "'\(model)' made no vectors: HTTP \(response.status) \(String(decoding: bytes.prefix(200), as: UTF8.self))"
            )
        }
        let vectors = read(answer)
        guard vectors.count == texts.count, let length = vectors.first?.count, length > 0,
            vectors.allSatisfy({ $0.count == length })
        else {
            throw EngineError(
                .protocolViolation, "'\(model)' answered \(texts.count) texts with \(vectors.count) vectors")
        }
        return vectors
    }

    private func ask(_ texts: [String]) -> (url: String, body: JSONObject) {
        let input = JSONValue.array(texts.map { .string($0) })
        switch kind {
        case .ollama:
            var base = baseURL
            for suffix in ["/v1", "/api"] where base.hasSuffix(suffix) { base.removeLast(suffix.count) }
            return (base + "/api/embed", ["model": .string(model), "input": input])
        case .gemini:
            let requests: [JSONValue] = texts.map {
                ["model": .string("models/\(model)"), "content": ["parts": [["text": .string($0)]]]]
            }
            return (
                BaseURL.versioned(baseURL, "v1beta") + "/models/\(model):batchEmbedContents",
                ["requests": .array(requests)]
            )
        default: return (baseURL + "/embeddings", ["model": .string(model), "input": input])
        }
    }

    private func read(_ answer: JSONValue) -> [[Float]] {
        switch kind {
        case .ollama: (answer["embeddings"]?.array ?? []).map(Self.vector)
        case .gemini: (answer["embeddings"]?.array ?? []).map { Self.vector($0["values"] ?? .null) }
        default:
            (answer["data"]?.array ?? []).sorted { ($0["index"]?.int ?? 0) < ($1["index"]?.int ?? 0) }
                .map { Self.vector($0["embedding"] ?? .null) }
        }
    }

    private static func vector(_ value: JSONValue) -> [Float] {
        (value.array ?? []).compactMap { $0.double.map { Float($0) } }
    }
}
