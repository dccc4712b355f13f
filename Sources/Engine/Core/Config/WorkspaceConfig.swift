/// What `cleo.yaml` says. Every field has a default, and the file itself is optional.
package struct WorkspaceConfig: Sendable, Equatable {
    /// The pack's file, relative to the workspace; nil: the only one in `prompts/`.
    package var pack: String?
    package var prompt: String?
    /// The tools files, relative to the workspace; empty: `tools.yaml`, where there is one.
    package var tools: [String] = []
    /// The provider's name, or what it is; nil: `mock`.
    package var provider: ProviderChoice?
    /// Providers that are asked when the first one fails, in this order.
    package var fallback: [ProviderChoice] = []
    package var variables: [String: JSONValue] = [:]
    /// What `variables[].binding` of a pack finds here: by kind, then by field.
    package var bindings = JSONObject()
    /// The model that judges, for checks that need one.
    package var judge: ProviderChoice?
    /// Kubernetes secrets that Omnia's resources name: `NAME/KEY` to where the value is here.
    package var secrets: [String: KeySource] = [:]
    package var network = NetworkSettings()
    /// Programs that answer client tools in the person's place.
    package var clientTools: [String: [String]] = [:]
    /// What MCP servers hear; roots relative to the workspace. Nil: the workspace itself, for servers that run here.
    package var mcpRoots: [String]?
    package var mcp = MCPSettings()
    /// By handler.
    package var oauth: [String: OAuthSettings] = [:]
    package var builtIns = BuiltIns()
    /// Agents in clusters, by name.
    package var contexts: [String: RemoteContext] = [:]
    package var semantics = Semantics.strict
    package var approval = ApprovalPolicy()
    /// Files of Omnia's ToolPolicy, relative to the workspace.
    package var policies: [String] = []
    /// Who calls, for those.
    package var identity = PolicyIdentity()
    package var limits = TurnLimits()
    /// Prices that win over the project's own, by model.
    package var prices: [String: ModelPrice] = [:]
    package var mouse = false
    /// Where there are several; the first one is run where none is named.
    package var agents: [AgentEntry] = []

    package init() {}

    /// The same workspace, as one of its agents has it.
    func chosen(_ parts: AgentParts) -> WorkspaceConfig {
        var config = self
        config.pack = parts.pack ?? pack
        config.prompt = parts.prompt ?? prompt
        config.provider = parts.provider ?? provider
        config.tools = parts.tools ?? tools
        return config
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
        /// Never runs.
        case deny
    }

    /// A rule for some calls of some tools.
    package struct Condition: Sendable, Equatable {
        /// A tool's name, or a prefix with `*`.
        package var tool: String
        /// Nil: every handler.
        package var handler: String?
        /// Holds for arguments for which it is true.
        package var when: JMESPath?
        package var rule: Rule
        /// For the model and the trace.
        package var reason: String?

        package init(tool: String, handler: String?, when: JMESPath?, rule: Rule, reason: String?) {
            self.tool = tool
            self.handler = handler
            self.when = when
            self.rule = rule
            self.reason = reason
        }
    }

    package var standard = Rule.ask
    /// Looked at first, in their order.
    package var conditions: [Condition] = []
    /// By tool name or prefix with `*`; the longest that fits wins.
    package var tools: [String: Rule] = [:]
    package var handlers: [String: Rule] = [:]

    package init() {}

    private static func fits(_ pattern: String, _ tool: String) -> Bool {
        pattern.hasSuffix("*") ? tool.hasPrefix(pattern.dropLast()) : pattern == tool
    }

    /// The rule for a call, and how it came about, for people.
    package func rule(
        for tool: String, handler: String? = nil, arguments: JSONValue = .null
    ) -> (rule: Rule, reason: String) {
        for (index, condition) in conditions.enumerated() where Self.fits(condition.tool, tool) {
            if let wanted = condition.handler, wanted != handler { continue }
            if let when = condition.when {
                // An expression that fails on these arguments does not hold.
                guard case .bool(true)? = try? when.search(arguments) else { continue }
            }
            let words = condition.reason.map { ": \($0)" } ?? ""
            return (condition.rule, "approval.rules[\(index)] = \(condition.rule.rawValue)\(words)")
        }
        let fitting = tools.filter { key, _ in Self.fits(key, tool) }
        if let best = fitting.max(by: { ($0.key.count, $0.key) < ($1.key.count, $1.key) }) {
            return (best.value, "approval.tools.\(best.key) = \(best.value.rawValue)")
        }
        if let handler, let rule = handlers[handler] {
            return (rule, "approval.handlers.\(handler) = \(rule.rawValue)")
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
    package var breaker = CircuitBreaker.Settings()
    /// By handler.
    package var handlers: [String: Gate.Limits] = [:]
    package var budget = Budget()
    /// A conversation of so many tokens is announced before it is sent.
    package var announceTokens = 50_000

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

    private static func oauth(_ fields: inout FieldReader, _ secrets: [String: KeySource]) -> OAuthSettings {
        var settings = OAuthSettings()
        settings.clientID = fields.string("client_id")
        settings.clientSecret = fields.string("client_secret_env").map { .variable($0) }
        if let file = fields.string("client_secret_file") { settings.clientSecret = .file(file) }
        settings.clientMetadataURL = fields.string("client_metadata_url")
        settings.scope = fields.string("scope")
        settings.redirectPort = fields.int("redirect_port", atLeast: 0) ?? 0
        return settings
    }

    private static func read(
        _ root: inout FieldReader, into config: inout WorkspaceConfig, _ report: DiagnosticSink
    ) {
        config.pack = root.string("pack")
        config.prompt = root.string("prompt")
        config.tools =
            root.object["tools"]?.string.map { _ in root.string("tools") }.flatMap { $0.map { [$0] } }
            ?? root.strings("tools") ?? []
        config.mouse = root.bool("mouse") ?? false
        config.provider = ProviderChoice.read(&root, "provider")
        config.judge = ProviderChoice.read(&root, "judge")
        config.fallback = ProviderChoice.readList(&root, "fallback")
        config.secrets = ProviderSecrets.read(&root)
        config.network = NetworkSettings(&root)
        for (name, fields) in root.map("client_tools") {
            var fields = fields
            if let command = fields.strings("command"), !command.isEmpty {
                config.clientTools[name] = command
            } else {
                fields.missing("command", hint: "command: [./answer.sh]")
            }
            fields.finish()
        }
        if var mcp = root.child("mcp") {
            config.mcpRoots = mcp.strings("roots")
            config.mcp.logLevel = mcp.choice("log_level", of: ServerLog.levels) ?? config.mcp.logLevel
            let era = mcp.choice("era", of: MCPEra.allCases.map(\.rawValue)).flatMap { MCPEra(rawValue: $0) }
            config.mcp.era = era ?? config.mcp.era
            mcp.finish()
        }
        for (name, fields) in root.map("oauth") {
            var fields = fields
            config.oauth[name] = oauth(&fields, config.secrets)
            fields.finish()
        }
        config.builtIns = BuiltIns(&root)
        config.contexts = RemoteContext.readAll(&root)
        config.agents = AgentEntry.readAll(&root)
        config.bindings = root.child("bindings")?.object ?? config.bindings
        if let word = root.choice("semantics", of: Semantics.allCases.map(\.rawValue)) {
            config.semantics = Semantics(rawValue: word) ?? .strict
        }
        if let variables = root.child("variables") {
            for (name, value) in variables.object { config.variables[name] = value }
        }
        readApproval(&root, into: &config.approval)
        config.policies = root.strings("policies") ?? []
        if var identity = root.child("identity") {
            for name in PolicyIdentity.names { config.identity.fields[name] = identity.string(name) }
            for (claim, value) in identity.texts("claims") ?? [] { config.identity.claims[claim] = value }
            identity.finish()
        }
        if var limits = root.child("limits") {
            config.limits.maxRounds = limits.int("max_rounds", atLeast: 1)
            config.limits.toolResultBytes =
                limits.int("tool_result_bytes", atLeast: 1_024) ?? config.limits.toolResultBytes
            config.limits.parallelTools = limits.int("parallel_tools", atLeast: 1) ?? config.limits.parallelTools
            config.limits.announceTokens = limits.int("announce_tokens", atLeast: 1) ?? config.limits.announceTokens
            if var breaker = limits.child("breaker") {
                let standard = config.limits.breaker
                config.limits.breaker.failures = breaker.int("failures", atLeast: 0) ?? standard.failures
                config.limits.breaker.openMilliseconds = breaker.duration("open_for") ?? standard.openMilliseconds
                breaker.finish()
            }
            for (name, fields) in limits.map("handlers") {
                var fields = fields
                config.limits.handlers[name] = Gate.Limits(
                    parallel: fields.int("parallel", atLeast: 1), perMinute: fields.int("per_minute", atLeast: 1))
                fields.finish()
            }
            if var budget = limits.child("budget") { config.limits.budget = Budget(&budget) }
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
        if var handlers = approval.child("handlers") {
            for name in handlers.object.keys {
                if let rule = handlers.choice(name, of: rules).flatMap({ ApprovalPolicy.Rule(rawValue: $0) }) {
                    policy.handlers[name] = rule
                }
            }
        }
        for condition in approval.children("rules") {
            var condition = condition
            let tool = condition.string("tool") ?? "*"
            let handler = condition.string("handler")
            let when = expression(&condition)
            let reason = condition.string("reason")
            if let rule = condition.choice("rule", of: rules, required: true)
                .flatMap({ ApprovalPolicy.Rule(rawValue: $0) })
            {
                policy.conditions.append(
                    ApprovalPolicy.Condition(tool: tool, handler: handler, when: when, rule: rule, reason: reason))
            }
            condition.finish()
        }
        approval.finish()
    }

    private static func expression(_ fields: inout FieldReader) -> JMESPath? {
        guard let text = fields.string("when") else { return nil }
        do throws(JMESPathError) {
            return try JMESPath(text)
        } catch {
            fields.error("'when' is no JMESPath expression: \(error.message)", at: "when")
            return nil
        }
    }
}
