/// Reads a provider: PromptKit's `kind: Provider` file, Omnia's Provider resource, or the `provider:` of `cleo.yaml`,
/// which has the fields of such a file's `spec`.
package enum ProviderConfigLoader {
    /// How long a command's token is used.
    static let tokenLifetime = 5 * 60_000

    package static func load(_ document: SourceDocument, variables: any VariableSource) -> Loaded<ProviderConfig> {
        let report = DiagnosticSink()
        let expanded = VariableExpansion.expand(document, from: variables, report: report)
        guard
            var root = FieldReader(
                expanded, at: "", value: expanded.value, what: "a provider file", report: report)
        else { return Loaded(value: nil, diagnostics: report.diagnostics) }
        _ = root.choice("kind", of: ["Provider"], required: true)
        let isOmnia = root.string("apiVersion")?.hasPrefix("omnia.") == true
        var name: String?
        if var metadata = root.child("metadata") {
            name = metadata.string("name")
            metadata.ignore(metadata.object.keys)
        }
        root.ignore(["status"])
        var config: ProviderConfig?
        if var fields = root.child("spec", required: true) {
            config = isOmnia ? resource(&fields, name: name) : spec(&fields, name: name)
            fields.finish()
        }
        root.finish()
        let failed = report.diagnostics.contains { $0.severity == .error }
        return Loaded(value: failed ? nil : config, diagnostics: report.diagnostics)
    }

    /// The kind; one that is no chat model is said, and gives nothing.
    private static func kind(_ fields: inout FieldReader) -> ProviderConfig.Kind? {
        guard let word = fields.choice("type", of: ProviderConfig.words, required: true) else { return nil }
        let kind = ProviderConfig.kind(word)
        let role = fields.string("role") ?? "llm"
        if kind == nil || role != "llm" {
            fields.warning(
                "'\(role == "llm" ? word : role)' is no chat model; the file is read, and cannot answer here",
                at: "type")
        }
        return kind
    }

    // MARK: PromptKit's

    static func spec(_ fields: inout FieldReader, name: String?) -> ProviderConfig? {
        let id = fields.string("id")
        let kind = kind(&fields)
        var config = ProviderConfig(name: name ?? id ?? kind?.rawValue ?? "", kind: kind ?? .mock)
        config.model = fields.string("model")
        config.baseURL = fields.string("base_url")
        config.headers = (fields.texts("headers") ?? []).map { Header($0.0, $0.1) }
        config.key = fields.string("credential_env").map { .variable($0) }
        credential(&fields, into: &config)
        if var platform = fields.child("platform") {
            config.platform = self.platform(&platform)
            platform.ignore(["additional_config"])
            platform.finish()
        }
        if var defaults = fields.child("defaults") {
            parameters(&defaults, into: &config)
            defaults.finish()
        }
        for name in fields.strings("unsupported_params") ?? [] { config.options.unsupported.insert(name) }
        config.options.usesOldMaxTokens =
            config.options.usesOldMaxTokens || config.options.unsupported.contains("max_completion_tokens")
        if let capabilities = fields.strings("capabilities") {
            config.options.takesImages = capabilities.contains("vision")
            if !capabilities.contains("streaming"), capabilities.contains("text") { config.options.isStreaming = false }
        }
        if let streaming = fields.bool("streaming") { config.options.isStreaming = streaming }
        config.contextWindow = fields.int("context_window", atLeast: 1)
        times(&fields, into: &config)
        pricing(&fields, into: &config)
        config.mockFile = fields.string("mock_config")
        config.scenario = fields.string("scenario")
        if let object = fields.child("extra_body")?.object { config.options.extraBody = object }
        if var extra = fields.child("additional_config") { additional(&extra, into: &config) }
        if fields.value("rate_limit") != nil {
            fields.warning(
                "'rate_limit' does not act: PromptKit never read it, and servers say theirs", at: "rate_limit")
        }
        fields.ignore([
            "include_raw_output", "stream_max_concurrent", "http_transport", "voice", "sample_rate", "audio_files",
            "pricing_correct_at",
        ])
        return kind == nil ? nil : config
    }

    private static func credential(_ fields: inout FieldReader, into config: inout ProviderConfig) {
        guard var credential = fields.child("credential") else { return }
        if let name = credential.string("credential_env") { config.key = .variable(name) }
        if let file = credential.string("credential_file") { config.key = .file(file) }
        let lifetime = credential.duration("refresh") ?? tokenLifetime
        if let command = credential.strings("command") { config.key = .command(command, lifetime: lifetime) }
        if let key = credential.string("api_key") { config.key = .value(plain(key, &credential, "api_key")) }
        credential.finish()
    }

    /// A key in a file is taken, and complained about, unless a variable stood there.
    private static func plain(_ key: String, _ fields: inout FieldReader, _ name: String) -> Secret {
        let written = JSONPointer.find(fields.path(name), in: fields.document.unexpanded ?? .null)?.string
        if written?.contains("${") != true {
            fields.warning(
                "a key stands in this file in plain text", at: name,
                hint: "put it into an environment variable and name that with 'credential_env'")
        }
        return Secret(key)
    }

    private static func platform(_ fields: inout FieldReader) -> ProviderConfig.Platform? {
        let kinds = ProviderConfig.Platform.Kind.allCases.map(\.rawValue)
        guard
            let kind = fields.choice("type", of: kinds, required: true)
                .flatMap({ ProviderConfig.Platform.Kind(rawValue: $0) })
        else { return nil }
        var platform = ProviderConfig.Platform(kind: kind)
        platform.region = fields.string("region")
        platform.project = fields.string("project")
        platform.endpoint = fields.string("endpoint")
        return platform
    }

    private static func parameters(_ defaults: inout FieldReader, into config: inout ProviderConfig) {
        config.parameters.temperature = defaults.number("temperature", in: 0...2)
        config.parameters.topP = defaults.number("top_p", in: 0...1)
        config.parameters.topK = defaults.int("top_k", atLeast: 1)
        config.parameters.maxTokens = defaults.int("max_tokens", atLeast: 1)
        config.parameters.seed = defaults.int("seed", atLeast: 0)
        config.parameters.stop = defaults.strings("stop")
        config.options.promptCaching = defaults.bool("prompt_caching") ?? config.options.promptCaching
    }

    private static func times(_ fields: inout FieldReader, into config: inout ProviderConfig) {
        if let time = fields.duration("connect_timeout") { config.timeouts.connect = time }
        if let time = fields.duration("request_timeout") { config.timeouts.firstByte = time }
        if let time = fields.duration("stream_idle_timeout") { config.timeouts.idle = time }
        config.retry.maxRetries = fields.int("max_retries", atLeast: 0) ?? config.retry.maxRetries
        if let time = fields.duration("longest_wait") { config.retry.longestAsked = Double(time) / 1_000 }
        guard var retry = fields.child("stream_retry") else { return }
        let isOn = retry.bool("enabled") ?? false
        let attempts = retry.int("max_attempts", atLeast: 1)
        if isOn, let attempts { config.retry.maxRetries = attempts - 1 }
        if let time = retry.duration("initial_delay"), isOn { config.retry.firstPause = time }
        if let time = retry.duration("max_delay"), isOn { config.retry.longestPause = time }
        if retry.string("retry_window") == "always" {
            retry.warning(
                "an answer that was begun is never asked for again, whatever 'retry_window' says", at: "retry_window")
        }
        retry.ignore(["budget"])
        retry.finish(.warning)
    }

    /// Dollars per thousand tokens, as PromptKit writes them.
    private static func pricing(_ fields: inout FieldReader, into config: inout ProviderConfig) {
        guard var pricing = fields.child("pricing") else { return }
        let range = 0.0...1_000
        let input = pricing.number("input_cost_per_1k", in: range)
        let output = pricing.number("output_cost_per_1k", in: range)
        let cached = pricing.number("cached_cost_per_1k", in: range)
        if let input, let output {
            config.pricing = ModelPrice.Rates(
                input: input * 1_000, output: output * 1_000, cacheRead: cached.map { $0 * 1_000 })
        }
        pricing.finish(.warning)
    }

    private static func additional(_ extra: inout FieldReader, into config: inout ProviderConfig) {
        config.mockFile = extra.string("mock_config") ?? config.mockFile
        config.scenario = extra.string("scenario") ?? config.scenario
        config.apiMode = extra.choice("api_mode", of: ["responses", "completions", "chat_completions", "legacy"])
        config.options.apiVersion = extra.string("api_version")
        config.options.betas = extra.strings("betas") ?? []
        config.options.parallelToolCalls = extra.bool("parallel_tool_calls")
        config.options.strictTools = extra.bool("strict_tools") ?? false
        config.options.structuredOutput = extra.bool("structured_output")
        config.options.reasoningSummary = extra.string("reasoning_summary")
        config.parameters.effort = extra.string("reasoning_effort")
        config.parameters.thinkingBudget = extra.int("thinking_budget", atLeast: 0)
        config.options.keepAlive = extra.value("keep_alive").map { $0.string ?? $0.text }
        config.options.contextWindow = extra.int("num_ctx", atLeast: 1)
        if config.kind == .vllm {
            for (name, value) in extra.object where name.hasPrefix("guided_") || name == "chat_template_kwargs" {
                config.options.extraBody[name] = value
                extra.ignore([name])
            }
            if let key = extra.string("api_key") { config.key = .value(plain(key, &extra, "api_key")) }
        }
        extra.ignore(["include_thoughts", "auto_respond", "response_text"])
        extra.finish(.warning)
    }

    // MARK: Omnia's

    /// The resource's `spec`: numbers are texts there, and names in camel case.
    private static func resource(_ fields: inout FieldReader, name: String?) -> ProviderConfig? {
        let kind = kind(&fields)
        var config = ProviderConfig(name: name ?? kind?.rawValue ?? "", kind: kind ?? .mock)
        config.model = fields.string("model")
        config.baseURL = fields.string("baseURL")
        config.headers = (fields.texts("headers") ?? []).map { Header($0.0, $0.1) }
        if var credential = fields.child("credential") {
            config.key = credential.string("envVar").map { .variable($0) }
            if let file = credential.string("filePath") { config.key = .file(file) }
            if var reference = credential.child("secretRef") {
                let secret = reference.string("name", required: true) ?? ""
                let usual = config.usualVariables.first ?? "api-key"
                config.secretRef = "\(secret)/\(reference.string("key") ?? usual)"
                reference.finish()
            }
            credential.finish()
        }
        if var platform = fields.child("platform") {
            config.platform = self.platform(&platform)
            platform.finish()
        }
        if fields.value("auth") != nil {
            fields.warning(
                "'auth' is the cluster's way to sign in; here the key comes from the environment", at: "auth",
                hint: "AWS_ACCESS_KEY_ID and its kin for Bedrock; a 'command' in cleo.yaml's 'secrets' for a token")
        }
        if var defaults = fields.child("defaults") {
            config.parameters.temperature = number(&defaults, "temperature", 0...2)
            config.parameters.topP = number(&defaults, "topP", 0...1)
            config.parameters.maxTokens = defaults.int("maxTokens", atLeast: 1)
            config.contextWindow = defaults.int("contextWindow", atLeast: 1)
            if let time = defaults.duration("requestTimeout") { config.timeouts.firstByte = time }
            if let time = defaults.duration("streamIdleTimeout") { config.timeouts.idle = time }
            if defaults.string("truncationStrategy") != nil, config.contextWindow != nil {
                defaults.warning(
                    "nothing is cut from the conversation here; a too long one is refused", at: "truncationStrategy")
            }
            defaults.finish(.warning)
        }
        if let capabilities = fields.strings("capabilities") {
            config.options.takesImages = capabilities.contains("vision")
        }
        if var pricing = fields.child("pricing") {
            let range = 0.0...1_000
            let input = number(&pricing, "inputCostPer1K", range)
            let output = number(&pricing, "outputCostPer1K", range)
            let cached = number(&pricing, "cachedCostPer1K", range)
            if let input, let output {
                config.pricing = ModelPrice.Rates(
                    input: input * 1_000, output: output * 1_000, cacheRead: cached.map { $0 * 1_000 })
            }
            pricing.finish(.warning)
        }
        fields.ignore(["embedding", "tts", "stt"])
        return kind == nil ? nil : config
    }

    private static func number(
        _ fields: inout FieldReader, _ key: String, _ range: ClosedRange<Double>
    ) -> Double? {
        guard fields.object[key]?.string != nil else { return fields.number(key, in: range) }
        guard let text = fields.string(key) else { return nil }
        if let number = Double(text), range.contains(number) { return number }
        fields.error("'\(key)' must be a number in a text, such as \"0.7\", not '\(text)'", at: key)
        return nil
    }
}
