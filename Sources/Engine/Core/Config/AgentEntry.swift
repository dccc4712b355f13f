/// What an agent is made of, where it is not what `cleo.yaml` says for all. Files are relative to the workspace.
package struct AgentParts: Sendable, Equatable {
    package var pack: String?
    package var prompt: String?
    package var provider: ProviderChoice?
    package var tools: [String]?

    package init() {}

    init(_ fields: inout FieldReader) {
        pack = fields.string("pack")
        prompt = fields.string("prompt")
        provider = ProviderChoice.read(&fields, "provider")
        tools = fields.object["tools"]?.string == nil ? fields.strings("tools") : fields.string("tools").map { [$0] }
    }

    /// These, and the others where nothing is said.
    func over(_ others: AgentParts) -> AgentParts {
        var all = others
        all.pack = pack ?? others.pack
        all.prompt = prompt ?? others.prompt
        all.provider = provider ?? others.provider
        all.tools = tools ?? others.tools
        return all
    }
}

/// One of the agents of a workspace.
package struct AgentEntry: Sendable, Equatable {
    package var name: String
    package var namespace: String?
    package var parts = AgentParts()
    /// The version that some new sessions get instead.
    package var canary: AgentParts?
    /// How many of a hundred new sessions those are.
    package var weight = 0

    package init(name: String) { self.name = name }

    /// `agents: {NAME: {pack, prompt, provider, tools, canary: {weight, …}}}`.
    static func readAll(_ root: inout FieldReader) -> [AgentEntry] {
        root.map("agents").map { name, fields in
            var fields = fields
            var entry = AgentEntry(name: name)
            entry.namespace = fields.string("namespace")
            entry.parts = AgentParts(&fields)
            if var canary = fields.child("canary") {
                entry.weight = canary.int("weight", atLeast: 0) ?? 0
                if entry.weight > 100 { canary.error("'weight' is a percentage: 0 to 100", at: "weight") }
                if canary.object["weight"] == nil { canary.missing("weight", hint: "weight: 10") }
                entry.canary = AgentParts(&canary).over(entry.parts)
                canary.finish()
            }
            fields.finish()
            return entry
        }
    }
}

/// The two versions of an agent, as Omnia calls them.
package enum AgentVariant: String, Sendable, Codable, CaseIterable { case stable, canary }
