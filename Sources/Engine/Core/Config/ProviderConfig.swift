/// A provider as `cleo.yaml`, PromptKit's `kind: Provider` or Omnia's Provider resource describe it.
package struct ProviderConfig: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable { case openai, claude, gemini, ollama, vllm, mock }

    /// Where the model is hosted, when not by its vendor.
    package struct Platform: Sendable, Equatable {
        package enum Kind: String, Sendable, CaseIterable { case bedrock, vertex, azure }
        package var kind: Kind
        package var region: String?
        package var project: String?
        package var endpoint: String?

        package init(kind: Kind) { self.kind = kind }
    }

    package var name: String
    package var kind: Kind
    package var model: String?
    package var baseURL: String?
    /// Where the key is; nil: the kind's usual environment variable.
    package var key: KeySource?
    /// Omnia's reference, `NAME/KEY`.
    package var secretRef: String?
    package var platform: Platform?
    package var headers: [Header] = []
    /// OpenAI's API: `responses` or `completions`; nil: by the model's name.
    package var apiMode: String?
    package var options = WireOptions()
    package var timeouts = WireTimeouts()
    package var retry = RetryRules()
    package var pricing: ModelPrice.Rates?
    package var contextWindow: Int?
    /// The mock's file, relative to the file that names it.
    package var mockFile: String?
    /// PromptArena's scenario that the mock plays.
    package var scenario: String?
    package var parameters = ModelParameters()

    package init(name: String, kind: Kind, model: String? = nil) {
        self.name = name
        self.kind = kind
        self.model = model
        if kind == .vllm { options.usesOldMaxTokens = true }
    }

    /// Other names of the kinds.
    package static let aliases = ["anthropic": Kind.claude, "google": .gemini]

    package static func kind(_ word: String) -> Kind? { Kind(rawValue: word) ?? aliases[word] }

    /// Kinds of PromptKit and Omnia that are no chat models.
    static let others = ["replay", "imagen", "voyageai", "huggingface", "cartesia", "elevenlabs"]
    static let words = Kind.allCases.map(\.rawValue) + aliases.keys.sorted() + others

    /// How the price table calls the vendor.
    package var vendor: String {
        switch kind {
        case .claude: "anthropic"
        default: kind.rawValue
        }
    }

    /// The environment variables that hold this vendor's key, the usual one first. A key goes to its vendor only:
    /// behind another address it has to be named.
    package var usualVariables: [String] {
        guard baseURL == nil else { return [] }
        switch (platform?.kind, kind) {
        case (.bedrock, _): return ["AWS_BEARER_TOKEN_BEDROCK"]
        case (.vertex, _): return []
        case (.azure, _): return ["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"]
        case (nil, .openai): return ["OPENAI_API_KEY", "OPENAI_TOKEN"]
        case (nil, .claude): return ["ANTHROPIC_API_KEY", "CLAUDE_API_KEY"]
        case (nil, .gemini): return ["GEMINI_API_KEY", "GOOGLE_API_KEY"]
        case (nil, .ollama), (nil, .vllm), (nil, .mock): return []
        }
    }

    /// The wire format.
    /// - Throws: `invalidInput` for a platform that lacks a field, or does not have this kind.
    package func format() throws(EngineError) -> (format: any WireFormat, baseURL: String?) {
        func need(_ value: String?, _ field: String) throws(EngineError) -> String {
            if let value { return value }
            throw EngineError(
                .invalidInput, "the provider '\(name)' needs 'platform.\(field)' for \(platform?.kind.rawValue ?? "")")
        }
        switch (platform?.kind, kind) {
        case (nil, .claude): return (AnthropicMessages(), baseURL)
        case (nil, .gemini): return (Gemini(), baseURL)
        case (nil, .ollama): return (Ollama(), baseURL)
        case (nil, .vllm): return (ChatCompletions(standardBaseURL: ""), baseURL ?? "http://127.0.0.1:8000/v1")
        case (nil, .openai): return (usesResponses ? OpenAIResponses() : ChatCompletions(), baseURL)
        case (.bedrock?, .claude):
            return (BedrockAnthropic(region: try need(platform?.region, "region")), platform?.endpoint ?? baseURL)
        case (.bedrock?, .openai):
            let region = try need(platform?.region, "region")
            return (
                ChatCompletions(standardBaseURL: "https://bedrock-runtime.\(region).amazonaws.com/openai/v1"), baseURL
            )
        case (.vertex?, .claude), (.vertex?, .gemini):
            let project = try need(platform?.project, "project")
            let inner: any WireFormat = kind == .claude ? AnthropicMessages() : Gemini()
            return (
                Vertex(inner, project: project, region: platform?.region ?? "global"), platform?.endpoint ?? baseURL
            )
        case (.azure?, .claude):
            return (AnthropicMessages(), BaseURL.trimmed(try need(platform?.endpoint, "endpoint")) + "/anthropic")
        case (.azure?, .openai):
            let endpoint = BaseURL.trimmed(try need(platform?.endpoint, "endpoint"))
            let base =
                options.apiVersion.map { "\(endpoint)/openai/deployments/\(model ?? "")?api-version=\($0)" }
                ?? endpoint + "/openai/v1"
            return (ChatCompletions(keyHeader: "api-key"), base)
        case (let platform?, _):
            throw EngineError(
                .invalidInput, "the provider '\(name)': \(platform.rawValue) has no models of type '\(kind.rawValue)'")
        case (nil, .mock): throw EngineError(.internal, "a mock has no wire format")
        }
    }

    /// OpenAI's own reasoning models keep what they thought only over Responses; other servers speak Completions.
    private var usesResponses: Bool {
        if let apiMode { return apiMode == "responses" }
        guard baseURL == nil, let model else { return false }
        let isNumbered = model.first == "o" && model.dropFirst().first?.isNumber == true
        let major = model.hasPrefix("gpt-") ? Int(model.dropFirst(4).prefix { $0.isNumber }) ?? 0 : 0
        return isNumbered || (5..<100).contains(major)
    }
}

/// A provider that is named, or described on the spot.
package enum ProviderChoice: Sendable, Equatable {
    case named(String)
    case inline(ProviderConfig)

    static func read(_ root: inout FieldReader, _ key: String) -> ProviderChoice? {
        if case .string? = root.object[key] { return root.string(key).map { .named($0) } }
        guard var fields = root.child(key) else { return nil }
        let config = ProviderConfigLoader.spec(&fields, name: nil)
        fields.finish()
        return config.map { .inline($0) }
    }

    /// A list of names and descriptions.
    static func readList(_ root: inout FieldReader, _ key: String) -> [ProviderChoice] {
        guard let value = root.value(key) else { return [] }
        guard let items = value.array else {
            if let name = value.string { return [.named(name)] }
            root.error("'\(key)' must be a list of providers", at: key)
            return []
        }
        return items.enumerated().compactMap { index, item in
            if let name = item.string { return .named(name) }
            guard
                var fields = FieldReader(
                    root.document, at: root.path(key) + "/\(index)", value: item, what: "a provider",
                    report: root.report)
            else { return nil }
            let config = ProviderConfigLoader.spec(&fields, name: nil)
            fields.finish()
            return config.map { .inline($0) }
        }
    }
}

/// `secrets:` of `cleo.yaml`: where the values are that a cluster keeps in Secrets.
enum ProviderSecrets {
    /// `secrets: {NAME: {KEY: {env: X} | {file: X} | {command: […]}}}`.
    static func read(_ root: inout FieldReader) -> [String: KeySource] {
        var result: [String: KeySource] = [:]
        for (name, keys) in root.map("secrets") {
            var keys = keys
            for key in keys.object.keys {
                if let source = KeySource.read(&keys, key) { result["\(name)/\(key)"] = source }
            }
        }
        return result
    }
}

extension NetworkSettings {
    init(_ root: inout FieldReader) {
        self.init()
        guard var fields = root.child("network") else { return }
        proxy = fields.string("proxy")
        noProxy = fields.string("no_proxy")
        caFile = fields.string("ca_file")
        allowsLinkLocal = fields.bool("allow_link_local") ?? false
        redirectHosts = fields.strings("redirect_hosts") ?? []
        http2 = fields.bool("http2") ?? true
        fields.finish()
    }
}
