/// What `cleo.yaml` says. Every field has a default, and the file itself is optional.
package struct WorkspaceConfig: Sendable, Equatable {
    /// The pack's file, relative to the workspace; nil: the only one in `prompts/`.
    package var pack: String?
    package var prompt: String?
    /// The tools file, relative to the workspace; nil: `tools.yaml`, where there is one.
    package var tools: String?
    package var provider: ProviderConfig?
    package var variables: [String: JSONValue] = [:]
    /// What `variables[].binding` of a pack finds here: by kind, then by field.
    package var bindings = JSONObject()
    /// The model that judges, for checks that need one.
    package var judge: ProviderConfig?
    package var semantics = Semantics.strict
    package var approval = ApprovalPolicy()
    package var limits = TurnLimits()
    /// Prices that win over the project's own, by model.
    package var prices: [String: ModelPrice] = [:]
    package var mouse = false

    package init() {}
}

/// A provider as `cleo.yaml` or a provider file names it.
package struct ProviderConfig: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable { case openai, mock }

    package var name: String
    package var kind: Kind
    package var model: String?
    package var baseURL: String?
    /// The environment variable that holds the key.
    package var credentialEnv: String?
    package var credentialFile: String?
    package var key: Secret?
    package var headers: [Header] = []
    /// The mock's file, relative to the file that names it.
    package var mockFile: String?
    /// PromptArena's scenario that the mock plays.
    package var scenario: String?
    package var parameters = ModelParameters()

    package init(name: String, kind: Kind, model: String? = nil) {
        self.name = name
        self.kind = kind
        self.model = model
    }
}

/// When a tool may run without asking.
package struct ApprovalPolicy: Sendable, Equatable {
    package enum Rule: String, Sendable, CaseIterable {
        /// Asks before a tool that is not known to be read-only.
        case ask
        /// Asks before every tool.
        case always
        /// Never asks.
        case never
    }

    package var standard = Rule.ask
    /// By tool name or prefix with `*`; the longest that fits wins.
    package var tools: [String: Rule] = [:]

    package init() {}

    /// The rule for a tool, and how it came about, for people.
    package func rule(for tool: String) -> (rule: Rule, reason: String) {
        let fitting = tools.filter { key, _ in
            key.hasSuffix("*") ? tool.hasPrefix(key.dropLast()) : key == tool
        }
        if let best = fitting.max(by: { ($0.key.count, $0.key) < ($1.key.count, $1.key) }) {
            return (best.value, "approval.tools.\(best.key) = \(best.value.rawValue)")
        }
        return (standard, "approval = \(standard.rawValue)")
    }
}

/// Bounds of one turn; each has a default, and an event when it bites.
package struct TurnLimits: Sendable, Equatable {
    /// Wins over the pack's `max_rounds`.
    package var maxRounds: Int?
    /// What a tool may tell the model, in bytes; the rest is cut, and said.
    package var toolResultBytes = 256 << 10
    package var parallelTools = 10

    package init() {}
}

/// Reads `cleo.yaml`.
package enum WorkspaceConfigLoader {
    package static func load(
        _ document: SourceDocument, variables: any VariableSource
    ) -> Loaded<WorkspaceConfig> {
        let report = DiagnosticSink()
        var config = WorkspaceConfig()
        let expanded = VariableExpansion.expand(document, from: variables, report: report)
        if !expanded.value.isNull,
            var root = FieldReader(expanded, at: "", value: expanded.value, what: "cleo.yaml", report: report)
        {
            read(&root, into: &config, report)
            root.finish()
        }
        let failed = report.diagnostics.contains { $0.severity == .error }
        return Loaded(value: failed ? nil : config, diagnostics: report.diagnostics)
    }

    private static func read(
        _ root: inout FieldReader, into config: inout WorkspaceConfig, _ report: DiagnosticSink
    ) {
        config.pack = root.string("pack")
        config.prompt = root.string("prompt")
        config.tools = root.string("tools")
        config.mouse = root.bool("mouse") ?? false
        config.provider = ProviderConfigLoader.read(&root)
        config.judge = ProviderConfigLoader.read(&root, "judge")
        config.bindings = root.child("bindings")?.object ?? config.bindings
        if let word = root.choice("semantics", of: Semantics.allCases.map(\.rawValue)) {
            config.semantics = Semantics(rawValue: word) ?? .strict
        }
        if let variables = root.child("variables") {
            for (name, value) in variables.object { config.variables[name] = value }
        }
        readApproval(&root, into: &config.approval)
        if var limits = root.child("limits") {
            config.limits.maxRounds = limits.int("max_rounds", atLeast: 1)
            config.limits.toolResultBytes =
                limits.int("tool_result_bytes", atLeast: 1_024) ?? config.limits.toolResultBytes
            config.limits.parallelTools = limits.int("parallel_tools", atLeast: 1) ?? config.limits.parallelTools
            limits.finish()
        }
        for (model, fields) in root.map("prices") {
            var fields = fields
            config.prices[model] = PriceTable.price(&fields)
            fields.finish()
        }
    }

    /// `approval: ask`, or `approval: {default: ask, tools: {name: rule}}`.
    private static func readApproval(_ root: inout FieldReader, into policy: inout ApprovalPolicy) {
        let rules = ApprovalPolicy.Rule.allCases.map(\.rawValue)
        if root.object["approval"]?.string != nil {
            if let rule = root.choice("approval", of: rules).flatMap({ ApprovalPolicy.Rule(rawValue: $0) }) {
                policy.standard = rule
            }
            return
        }
        guard var approval = root.child("approval") else { return }
        if let rule = approval.choice("default", of: rules).flatMap({ ApprovalPolicy.Rule(rawValue: $0) }) {
            policy.standard = rule
        }
        if var tools = approval.child("tools") {
            for name in tools.object.keys {
                if let rule = tools.choice(name, of: rules).flatMap({ ApprovalPolicy.Rule(rawValue: $0) }) {
                    policy.tools[name] = rule
                }
            }
        }
        approval.finish()
    }
}

/// Reads a provider: the `provider:` of `cleo.yaml`, or PromptKit's `kind: Provider` file.
package enum ProviderConfigLoader {
    /// `provider: mock`, or an object with the fields of a provider file's `spec`.
    package static func read(_ root: inout FieldReader, _ key: String = "provider") -> ProviderConfig? {
        let kinds = ProviderConfig.Kind.allCases.map(\.rawValue)
        if root.object[key]?.string != nil {
            guard let kind = root.choice(key, of: kinds).flatMap({ ProviderConfig.Kind(rawValue: $0) })
            else { return nil }
            return ProviderConfig(name: kind.rawValue, kind: kind)
        }
        guard var fields = root.child(key) else { return nil }
        defer { fields.finish() }
        return spec(&fields, name: nil)
    }

    package static func load(_ document: SourceDocument, variables: any VariableSource) -> Loaded<ProviderConfig> {
        let report = DiagnosticSink()
        let expanded = VariableExpansion.expand(document, from: variables, report: report)
        guard
            var root = FieldReader(
                expanded, at: "", value: expanded.value, what: "a provider file", report: report)
        else { return Loaded(value: nil, diagnostics: report.diagnostics) }
        _ = root.choice("kind", of: ["Provider"], required: true)
        root.ignore(["apiVersion"])
        var name: String?
        if var metadata = root.child("metadata") { name = metadata.string("name") }
        var config: ProviderConfig?
        if var fields = root.child("spec", required: true) {
            config = spec(&fields, name: name)
            fields.finish()
        }
        root.finish()
        let failed = report.diagnostics.contains { $0.severity == .error }
        return Loaded(value: failed ? nil : config, diagnostics: report.diagnostics)
    }

    private static func spec(_ fields: inout FieldReader, name: String?) -> ProviderConfig? {
        let kinds = ProviderConfig.Kind.allCases.map(\.rawValue)
        let id = fields.string("id")
        let kind = fields.choice("type", of: kinds, required: true).flatMap { ProviderConfig.Kind(rawValue: $0) }
        var config = ProviderConfig(name: name ?? id ?? kind?.rawValue ?? "", kind: kind ?? .mock)
        config.model = fields.string("model")
        config.baseURL = fields.string("base_url")
        config.headers = (fields.texts("headers") ?? []).map { Header($0.0, $0.1) }
        config.credentialEnv = fields.string("credential_env")
        if var credential = fields.child("credential") {
            config.credentialEnv = credential.string("credential_env") ?? config.credentialEnv
            config.credentialFile = credential.string("credential_file")
            if let key = credential.string("api_key") {
                config.key = Secret(key)
                credential.warning(
                    "a key stands in this file in plain text", at: "api_key",
                    hint: "put it into an environment variable and name that with 'credential_env'")
            }
            credential.finish()
        }
        if var defaults = fields.child("defaults") {
            config.parameters.temperature = defaults.number("temperature", in: 0...2)
            config.parameters.topP = defaults.number("top_p", in: 0...1)
            config.parameters.maxTokens = defaults.int("max_tokens", atLeast: 1)
            defaults.finish()
        }
        config.mockFile = fields.string("mock_config")
        config.scenario = fields.string("scenario")
        if var extra = fields.child("additional_config") {
            config.mockFile = extra.string("mock_config") ?? config.mockFile
            config.scenario = extra.string("scenario") ?? config.scenario
            extra.finish(.warning)
        }
        for key in ["pricing", "rate_limit", "platform", "role", "capabilities", "unsupported_params"]
        where fields.value(key) != nil {
            fields.warning("'\(key)' is read but does not act yet", at: key)
        }
        return kind == nil ? nil : config
    }
}
