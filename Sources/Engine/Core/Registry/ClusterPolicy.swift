/// Omnia's ToolPolicy (`omnia.altairalabs.ai/v1alpha1`, `ee/api/v1alpha1/toolpolicy_types.go`): rules in CEL that deny
/// calls.
package struct ClusterPolicy: Sendable, Equatable {
    package struct Rule: Sendable, Equatable {
        package var name: String
        package var deny: CELExpression
        package var message: String
    }

    package struct Claim: Sendable, Equatable {
        package var name: String
        package var message: String
    }

    /// A header that goes into the calls that are allowed.
    package enum Injection: Sendable, Equatable {
        case fixed(Header)
        case computed(name: String, CELExpression)
    }

    package var name: String
    /// The ToolRegistry whose tools it is about.
    package var registry: String
    /// Empty: all of the registry's.
    package var tools: [String]
    package var rules: [Rule]
    package var requiredClaims: [Claim]
    /// Says what it would deny, and lets it pass.
    package var isAudit: Bool
    /// A rule that cannot be worked out lets pass.
    package var allowsOnFailure: Bool
    package var injections: [Injection]

    static let variables: Set<String> = ["headers", "body", "identity"]
}

/// Who calls, as a cluster would know it; here the workspace says it.
package struct PolicyIdentity: Sendable, Equatable {
    package var fields: [String: String] = [:]
    package var claims: [String: String] = [:]

    package init() {}

    static let names = ["origin", "subject", "endUser", "workspace", "agent"]

    var json: JSONValue {
        var object = JSONObject(Self.names.map { ($0, .string(fields[$0] ?? "")) })
        object["claims"] = .object(JSONObject(claims.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        return .object(object)
    }
}

/// All policies of a workspace, and what they say to a call.
package struct PolicyBook: Sendable, Equatable {
    package var policies: [ClusterPolicy] = []
    package var identity = PolicyIdentity()
    /// The names of the ToolRegistry resources that handlers come from.
    package var registries: [String: String] = [:]

    package init() {}

    package struct Judgement: Sendable, Equatable {
        /// Why the call may not be made; nil when it may.
        package var denied: String?
        /// What would be denied, were the policies not in audit.
        package var audited: [String] = []
        package var headers: [Header] = []

        package init(denied: String? = nil, audited: [String] = [], headers: [Header] = []) {
            self.denied = denied
            self.audited = audited
            self.headers = headers
        }
    }

    package func judge(_ call: ToolCall, handler: String, patterns: any PatternCompiler) -> Judgement {
        var judgement = Judgement()
        let matching = policies.filter { fits($0, call.tool, handler) }
        guard !matching.isEmpty else { return judgement }
        let values = values(call, handler)
        for policy in matching {
            guard let refusal = refusal(of: policy, values, patterns) else { continue }
            guard policy.isAudit else {
                judgement.denied = refusal
                return judgement
            }
            judgement.audited.append(refusal)
        }
        for policy in matching {
            do throws(CELError) {
                judgement.headers += try headers(of: policy, values, patterns)
            } catch {
                guard !policy.allowsOnFailure else { continue }
                judgement.denied = "\(policy.name): a header cannot be worked out: \(error)"
                return judgement
            }
        }
        return judgement
    }

    /// A handler that is of no registry is of any: locally a plain file stands for it.
    private func fits(_ policy: ClusterPolicy, _ tool: String, _ handler: String) -> Bool {
        (registries[handler] ?? policy.registry) == policy.registry
            && (policy.tools.isEmpty || policy.tools.contains(tool))
    }

    private func values(_ call: ToolCall, _ handler: String) -> [String: JSONValue] {
        let arguments = call.arguments.object ?? JSONObject()
        var headers = JSONObject()
        for header in OmniaRequest.context(
            handler: registries[handler] ?? handler, tool: call.tool, arguments: arguments)
        {
            headers[header.name] = .string(header.value)
        }
        for (field, name) in [
            ("agent", "Agent-Name"), ("workspace", "Workspace"), ("origin", "Origin"), ("endUser", "User-Id"),
        ] {
            if let value = identity.fields[field] { headers["X-Omnia-" + name] = .string(value) }
        }
        for (claim, value) in identity.claims { headers[Self.claimHeader(claim)] = .string(value) }
        return ["headers": .object(headers), "body": .object(arguments), "identity": identity.json]
    }

    /// As HTTP libraries write it: each part begins with a capital.
    private static func claimHeader(_ claim: String) -> String { canonical("X-Omnia-Claim-" + claim) }

    static func canonical(_ name: String) -> String {
        name.split(separator: "-", omittingEmptySubsequences: false)
            .map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }.joined(separator: "-")
    }

    private func refusal(
        of policy: ClusterPolicy, _ values: [String: JSONValue], _ patterns: any PatternCompiler
    ) -> String? {
        for claim in policy.requiredClaims where values["headers"]?[Self.claimHeader(claim.name)] == nil {
            return "\(policy.name): \(claim.message) (the claim '\(claim.name)' is missing)"
        }
        for rule in policy.rules {
            let problem: String
            do throws(CELError) {
                switch try rule.deny.evaluate(values, patterns: patterns) {
                case .bool(true): return "\(policy.name): \(rule.message) (rule '\(rule.name)')"
                case .bool(false): continue
                case let other: problem = "it gives \(other.kind), no truth value"
                }
            } catch {
                problem = error.message
            }
            if !policy.allowsOnFailure {
                return "\(policy.name): the rule '\(rule.name)' cannot be worked out: \(problem)"
            }
            // The original stops here, too.
            return nil
        }
        return nil
    }

    private func headers(
        of policy: ClusterPolicy, _ values: [String: JSONValue], _ patterns: any PatternCompiler
    ) throws(CELError) -> [Header] {
        var headers: [Header] = []
        for injection in policy.injections {
            switch injection {
            case .fixed(let header): headers.append(header)
            case .computed(let name, let expression):
                let value = try expression.evaluate(values, patterns: patterns).text
                guard !value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
                    throw CELError("the value of '\(name)' holds a control character")
                }
                headers.append(Header(name, value))
            }
        }
        return headers
    }
}
