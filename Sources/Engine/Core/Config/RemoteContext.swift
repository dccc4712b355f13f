/// An agent in a cluster, as `contexts:` of `cleo.yaml` and of the person's own configuration name it.
package struct RemoteContext: Sendable, Equatable {
    /// `wss://HOST/ws`.
    package var url: String
    package var agent: String?
    package var namespace: String?
    package var workspace: String?
    package var headers: [Header] = []
    package var token: KeySource?
    package var network = NetworkSettings()
    /// `https://HOST/api/v1`, or the dashboard's `https://HOST/api/workspaces/NAME`.
    package var sessionAPI: String?
    /// When a silent turn is spoken of, and when it is given up.
    package var silenceNotice: Int?
    package var silenceLimit: Int?
    /// Nil: the same as for the facade.
    package var sessionAPIToken: KeySource?

    package init(url: String) { self.url = url }

    /// With the query that the facade wants.
    /// - Throws: `invalidInput` for what is no address.
    package func address() throws(EngineError) -> String {
        guard url.hasPrefix("ws://") || url.hasPrefix("wss://"), WebAddress("http" + url.dropFirst(2)) != nil else {
            throw EngineError(
                .invalidInput, "'\(url)' is no address of a facade", hint: "wss://HOST/ws?agent=NAME&namespace=NS")
        }
        let known = url.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        var query = known.split(separator: "&").map(String.init)
        for (name, value) in [("agent", agent), ("namespace", namespace), ("workspace", workspace)] {
            guard let value, !query.contains(where: { $0.hasPrefix(name + "=") }) else { continue }
            query.append("\(name)=\(Encodings.percent(value))")
        }
        let base = url.prefix { $0 != "?" }
        return query.isEmpty ? String(base) : "\(base)?\(query.joined(separator: "&"))"
    }

    /// `contexts: {NAME: {url, …}}`.
    static func readAll(_ root: inout FieldReader) -> [String: RemoteContext] {
        var contexts: [String: RemoteContext] = [:]
        for (name, fields) in root.map("contexts") {
            var fields = fields
            var context = RemoteContext(url: fields.string("url", required: true) ?? "")
            context.agent = fields.string("agent")
            context.namespace = fields.string("namespace")
            context.workspace = fields.string("workspace")
            context.headers = (fields.texts("headers") ?? []).map { Header($0.0, $0.1) }
            context.token = KeySource.read(&fields, "token")
            context.network.proxy = fields.string("proxy")
            context.network.caFile = fields.string("ca_file")
            context.network.clientCertificate = fields.string("client_certificate")
            context.network.clientKey = fields.string("client_key")
            context.silenceNotice = fields.duration("silence_notice")
            context.silenceLimit = fields.duration("silence_limit")
            context.sessionAPI = fields.string("session_api")
            context.sessionAPIToken = KeySource.read(&fields, "session_api_token")
            do throws(EngineError) { _ = try context.address() } catch {
                if !context.url.isEmpty { fields.error(error.message, at: "url", hint: error.hint) }
            }
            fields.finish()
            contexts[name] = context
        }
        return contexts
    }

    /// The person's own file: `contexts:` alone.
    package static func load(
        _ document: SourceDocument, variables: any VariableSource
    ) -> Loaded<[String: RemoteContext]> {
        let report = DiagnosticSink()
        let expanded = VariableExpansion.expand(document, from: variables, report: report)
        guard !expanded.value.isNull,
            var root = FieldReader(expanded, at: "", value: expanded.value, what: "the configuration", report: report)
        else { return Loaded(value: [:], diagnostics: report.diagnostics) }
        let contexts = readAll(&root)
        root.finish()
        return Loaded(value: contexts, diagnostics: report.diagnostics)
    }
}

extension KeySource {
    /// `{env: X}`, `{file: X}` or `{command: […]}`.
    static func read(_ fields: inout FieldReader, _ name: String) -> KeySource? {
        guard var place = fields.child(name) else { return nil }
        defer { place.finish() }
        if let variable = place.string("env") { return .variable(variable) }
        if let file = place.string("file") { return .file(file) }
        if let command = place.strings("command") {
            return .command(command, lifetime: ProviderConfigLoader.tokenLifetime)
        }
        place.error("say where it is: 'env', 'file' or 'command'")
        return nil
    }
}
