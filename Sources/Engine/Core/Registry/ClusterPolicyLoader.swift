/// Reads a ToolPolicy resource.
package enum ClusterPolicyLoader {
    /// - Returns: nil when it cannot be used: a policy with a mistake denies nothing, so it stops the start.
    package static func load(_ document: SourceDocument) -> Loaded<ClusterPolicy> {
        let report = DiagnosticSink()
        guard
            var root = FieldReader(document, at: "", value: document.value, what: "a policy", report: report)
        else { return Loaded(value: nil, diagnostics: report.diagnostics) }
        _ = root.choice("kind", of: ["ToolPolicy"], required: true)
        root.ignore(["apiVersion", "status"])
        let metadata = root.child("metadata", required: true)
        let policy = root.child("spec", required: true).map { spec in
            var spec = spec
            return Self.policy(&spec, metadata?.object["name"]?.string ?? document.file)
        }
        root.finish()
        let failed = report.diagnostics.contains { $0.severity == .error }
        return Loaded(value: failed ? nil : policy, diagnostics: report.diagnostics)
    }

    private static func policy(_ spec: inout FieldReader, _ name: String) -> ClusterPolicy {
        var selector = spec.child("selector", required: true)
        let registry = selector?.string("registry", required: true) ?? ""
        let tools = selector?.strings("tools") ?? []
        selector?.finish()
        var rules: [ClusterPolicy.Rule] = []
        for rule in spec.children("rules", required: true) {
            var rule = rule
            let name = rule.string("name", required: true) ?? ""
            rule.ignore(["description"])
            if var deny = rule.child("deny", required: true) {
                let message = deny.string("message", required: true) ?? ""
                if let expression = expression(&deny, "cel", required: true) {
                    rules.append(ClusterPolicy.Rule(name: name, deny: expression, message: message))
                }
                deny.finish()
            }
            rule.finish()
        }
        let claims = spec.children("requiredClaims").map { claim in
            var claim = claim
            defer { claim.finish() }
            return ClusterPolicy.Claim(
                name: claim.string("claim", required: true) ?? "",
                message: claim.string("message", required: true) ?? "")
        }
        let mode = spec.choice("mode", of: ["enforce", "audit"])
        let failure = spec.choice("onFailure", of: ["deny", "allow"])
        let injections = spec.children("headerInjection").compactMap(injection)
        spec.finish()
        return ClusterPolicy(
            name: name, registry: registry, tools: tools, rules: rules, requiredClaims: claims,
            isAudit: mode == "audit", allowsOnFailure: failure == "allow", injections: injections)
    }

    private static func injection(_ fields: FieldReader) -> ClusterPolicy.Injection? {
        var fields = fields
        defer { fields.finish() }
        let name = fields.string("header", required: true) ?? ""
        let value = fields.string("value")
        let computed = expression(&fields, "cel", required: false)
        guard (fields.object["value"] == nil) != (fields.object["cel"] == nil) else {
            fields.error("a header has either 'value' or 'cel'", at: "header")
            return nil
        }
        return computed.map { .computed(name: name, $0) } ?? value.map { .fixed(Header(name, $0)) }
    }

    private static func expression(_ fields: inout FieldReader, _ key: String, required: Bool) -> CELExpression? {
        guard let text = fields.string(key, required: required) else { return nil }
        do throws(CELError) {
            let expression = try CELExpression(text, variables: ClusterPolicy.variables)
            for name in expression.headerNames where PolicyBook.canonical(name) != name {
                fields.warning(
                    "the header '\(name)' is never there: on the wire it is '\(PolicyBook.canonical(name))'", at: key)
            }
            return expression
        } catch {
            fields.error("'\(key)' is no CEL expression: \(error)", at: key)
            return nil
        }
    }
}

extension CELExpression {
    /// The names that stand in `headers["…"]`.
    var headerNames: [String] {
        guard let tokens = try? CELLexer.tokens(text).map(\.token) else { return [] }
        return tokens.indices.dropLast(2).compactMap { place in
            guard tokens[place] == .name("headers"), tokens[place + 1] == .symbol("["),
                case .string(let name) = tokens[place + 2]
            else { return nil }
            return name
        }
    }
}
