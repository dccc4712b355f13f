import Engine
import EngineSystem

/// Makes providers from their descriptions.
struct ProviderFactory {
    let files: DiskFiles
    let variables: WorkspaceVariables
    let clock: SystemClock
    let ids: RandomIdentifiers
    let redactor: Redactor
    let traffic: Traffic
    let config: WorkspaceConfig
    let prices: PriceTable

    /// - Throws: `unauthorized` for a key that is named and missing; `invalidInput` for what cannot work.
    func provider(_ resolved: ResolvedProvider) throws(EngineError) -> any Provider {
        let provider = resolved.config
        if case .replayed(let replay) = traffic, replay.recording.exchanges.isEmpty {
            return ReplayProvider(replay) { prices.price(provider: "", model: $0) }
        }
        guard provider.kind != .mock else {
            let mock = mock(provider, resolved.script ?? MockScript())
            switch traffic {
            case .live: return mock
            case .recorded(let recorder): return recorder.watching(mock)
            case .replayed(let replay):
                let made = replay.recording.exchanges.first
                throw EngineError(
                    .invalidInput,
                    "the recording was made with the provider '\(made?.provider ?? "")', and this is the mock",
                    hint: "name that one with --provider, as when it was recorded")
            }
        }
        let (format, baseURL) = try provider.format()
        var settings = HTTPProvider.Settings(name: provider.name, model: provider.model ?? "", format: format)
        settings.baseURL = baseURL
        settings.headers = provider.headers
        redactor.learn(provider.headers)
        settings.options = provider.options
        settings.timeouts = provider.timeouts
        settings.retry = provider.retry
        settings.price = price(provider)
        if case .replayed(let replay) = traffic {
            return HTTPProvider(
                settings, transport: ReplayTransport(replay), clock: clock, ids: ids, redactor: redactor)
        }
        if case .recorded(let recorder) = traffic { settings.record = { recorder.put(.exchange($0)) } }
        if let source = try keySource(provider) {
            settings.keyName = source.words
            let reader = KeyReader(
                source, files: files, variables: variables, clock: clock, redactor: redactor, in: files.root)
            try reader.prepare()
            settings.key = reader
        }
        if provider.platform?.kind == .bedrock {
            settings.signature = AWSSignature(
                region: provider.platform?.region ?? "", service: "bedrock", digests: OpenSSLDigests())
        }
        return HTTPProvider(
            settings, transport: CurlTransport(config.network.complete(in: files.root, variables)), clock: clock,
            ids: ids, redactor: redactor)
    }

    private func mock(_ provider: ProviderConfig, _ script: MockScript) -> MockProvider {
        let price = script.pricedAs.flatMap { model in
            prices.price(provider: "", model: model).map {
                PriceTable.Found(price: $0.price, source: "\($0.source), priced as \(model)")
            }
        }
        return MockProvider(
            name: provider.name, model: provider.model ?? "mock", script: script, scenario: provider.scenario,
            price: price, clock: clock)
    }

    /// The provider file's own price wins; its window completes what the table says.
    private func price(_ provider: ProviderConfig) -> PriceTable.Found? {
        var found = prices.price(provider: provider.vendor, model: provider.model ?? "")
        if let rates = provider.pricing {
            let window = found?.price.contextWindow
            found = PriceTable.Found(
                price: ModelPrice(rates: rates, contextWindow: window), source: "the provider's file")
        }
        if let window = provider.contextWindow { found?.price.contextWindow = window }
        return found
    }

    // MARK: Keys

    private func keySource(_ provider: ProviderConfig) throws(EngineError) -> KeySource? {
        if let reference = provider.secretRef {
            guard let source = config.secrets[reference] else {
                let parts = reference.split(separator: "/", maxSplits: 1)
                throw EngineError(
                    .unauthorized,
                    "the provider '\(provider.name)' takes its key from the cluster's secret '\(reference)', which is not here",
                    hint: "say where it is, in cleo.yaml: secrets: {\(parts[0]): {\(parts.last ?? ""): {env: NAME}}}")
            }
            return try checked(source, provider)
        }
        if let source = provider.key { return try checked(source, provider) }
        if provider.platform?.kind == .bedrock, let pair = awsPair { return .value(pair) }
        let usual = provider.usualVariables
        if let name = usual.first(where: { variables.value(of: $0)?.isEmpty == false }) { return .variable(name) }
        guard let name = usual.first else {
            guard provider.platform?.kind == .vertex else { return nil }
            // Google's own tool knows who the person is.
            return .command(["gcloud", "auth", "print-access-token"], lifetime: 5 * 60_000)
        }
        throw Self.missing(name, provider)
    }

    private func checked(_ source: KeySource, _ provider: ProviderConfig) throws(EngineError) -> KeySource {
        if case .variable(let name) = source, variables.value(of: name)?.isEmpty != false {
            throw Self.missing(name, provider)
        }
        return source
    }

    private static func missing(_ name: String, _ provider: ProviderConfig) -> EngineError {
        EngineError(
            .unauthorized, "the provider '\(provider.name)' needs a key: the variable '\(name)' is not set",
            hint: "export \(name)=…, or name another with 'credential_env'")
    }

    /// The key pair of the environment, in the form that `credential_process` programs print.
    private var awsPair: Secret? {
        guard let accessKey = variables.value(of: "AWS_ACCESS_KEY_ID"),
            let secretKey = variables.value(of: "AWS_SECRET_ACCESS_KEY")
        else { return nil }
        var pair: JSONObject = ["AccessKeyId": .string(accessKey), "SecretAccessKey": .string(secretKey)]
        redactor.add([Secret(secretKey)])
        if let token = variables.value(of: "AWS_SESSION_TOKEN") {
            redactor.add([Secret(token)])
            pair["SessionToken"] = .string(token)
        }
        return Secret(JSONValue.object(pair).text)
    }
}

extension NetworkSettings {
    /// With the file of authorities where it is, or the one that the environment names as curl and OpenSSL do.
    func complete(in folder: String, _ variables: any VariableSource) -> Self {
        var network = self
        network.caFile =
            caFile.map { Folders.absolute($0, in: folder) } ?? variables.value(of: "CURL_CA_BUNDLE")
            ?? variables.value(of: "SSL_CERT_FILE")
        return network
    }
}
