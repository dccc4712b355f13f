/// What a reload changed, in words.
package enum AgentChange {
    /// One line for each thing that is different; empty when nothing is.
    package static func lines(from old: Agent, to new: Agent) -> [String] {
        var lines: [String] = []
        if old.pack.id != new.pack.id {
            lines.append("the pack is '\(new.pack.id)' now")
        } else if old.pack.version != new.pack.version {
            lines.append("version \(old.pack.version) → \(new.pack.version)")
        }
        lines += prompts(old.pack, new.pack)
        lines += named("fragment", old.pack.fragments, new.pack.fragments)
        lines += named("tool", table(old.pack.tools, \.key), table(new.pack.tools, \.key))
        lines += named("composition", table(old.pack.compositions, \.name), table(new.pack.compositions, \.name))
        lines += named("skill", table(old.skills, \.name), table(new.skills, \.name))
        if old.pack.workflow != new.pack.workflow { lines.append("the workflow changed") }
        if old.pack.agents != new.pack.agents { lines.append("the agents changed") }
        if old.pack.evals != new.pack.evals { lines.append("the evals changed") }
        if old.prompt.key != new.prompt.key { lines.append("the prompt is '\(new.prompt.key)' now") }
        if old.variables != new.variables || old.bindings != new.bindings {
            lines.append("values of variables changed")
        }
        if old.provider.name != new.provider.name || old.provider.model != new.provider.model {
            lines.append("the model is \(new.provider.model) now")
        }
        if old.semantics != new.semantics { lines.append("the rules are \(new.semantics.rawValue) now") }
        if old.approval != new.approval || old.limits != new.limits { lines.append("approval or limits changed") }
        if old.policies != new.policies { lines.append("the policies changed") }
        return lines
    }

    private static func table<Value>(_ values: [Value], _ name: (Value) -> String) -> [String: Value] {
        Dictionary(values.map { (name($0), $0) }) { first, _ in first }
    }

    private static func named<Value: Equatable>(
        _ what: String, _ old: [String: Value], _ new: [String: Value]
    ) -> [String] {
        Set(old.keys).union(new.keys).sorted().compactMap { name in
            guard old[name] != new[name] else { return nil }
            let verb = old[name] == nil ? "is new" : new[name] == nil ? "is gone" : "changed"
            return "\(what) '\(name)' \(verb)"
        }
    }

    private static func prompts(_ old: PromptPack, _ new: PromptPack) -> [String] {
        Set(old.prompts.map(\.key)).union(new.prompts.map(\.key)).sorted().compactMap { key in
            guard let before = old.prompt(key) else { return "prompt '\(key)' is new" }
            guard let after = new.prompt(key) else { return "prompt '\(key)' is gone" }
            guard before != after else { return nil }
            let parts = [
                ("template", before.systemTemplate != after.systemTemplate),
                ("variables", before.variables != after.variables), ("tools", before.tools != after.tools),
                ("guardrails", before.validators != after.validators), ("evals", before.evals != after.evals),
                ("policy", before.policy != after.policy), ("parameters", before.parameters != after.parameters),
            ].filter(\.1).map(\.0)
            return "prompt '\(key)' changed" + (parts.isEmpty ? "" : ": \(parts.joined(separator: ", "))")
        }
    }
}
