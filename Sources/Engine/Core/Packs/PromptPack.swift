/// A PromptPack (promptpack.org, schema 1.0 to 1.4), as far as this version acts on it.
package struct PromptPack: Sendable, Equatable {
    package var id: String
    package var name: String
    package var version: String
    package var description: String?
    /// By task type, in the order of the file.
    package var prompts: [Prompt]
    package var fragments: [String: String]
    package var tools: [PackTool]

    package init(
        id: String, name: String, version: String, description: String? = nil, prompts: [Prompt],
        fragments: [String: String] = [:], tools: [PackTool] = []
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.description = description
        self.prompts = prompts
        self.fragments = fragments
        self.tools = tools
    }

    /// The prompt of a task type.
    package func prompt(_ key: String) -> Prompt? { prompts.first { $0.key == key } }

    /// The prompt of that name; without a name, the one called `default`, else the first.
    /// - Throws: `notFound`, naming the prompts there are.
    package func choose(_ name: String?) throws(EngineError) -> Prompt {
        guard let name else {
            if let prompt = prompt("default") ?? prompts.first { return prompt }
            throw EngineError(.invalidInput, "the pack '\(id)' has no prompts")
        }
        if let prompt = prompt(name) { return prompt }
        throw EngineError(
            .notFound,
            "the pack '\(id)' has no prompt '\(name)'; it has: \(prompts.map(\.key).joined(separator: ", "))",
            hint: Suggestion.hint(for: name, among: prompts.map(\.key)))
    }
}

package struct Prompt: Sendable, Equatable {
    /// The task type: the name under `prompts`.
    package var key: String
    package var id: String
    package var version: String
    package var systemTemplate: String
    package var variables: [Variable]
    /// Names of tools; one that ends with `*` stands for all that begin so. Nil when the prompt says nothing.
    package var tools: [String]?
    package var policy: ToolPolicy
    package var parameters: ModelParameters
    /// Where the template stands, for messages.
    package var file: String
    package var place: Place?

    package init(
        key: String, id: String, version: String, systemTemplate: String, variables: [Variable] = [],
        tools: [String]? = nil, policy: ToolPolicy = ToolPolicy(), parameters: ModelParameters = ModelParameters(),
        file: String = "", place: Place? = nil
    ) {
        self.key = key
        self.id = id
        self.version = version
        self.systemTemplate = systemTemplate
        self.variables = variables
        self.tools = tools
        self.policy = policy
        self.parameters = parameters
        self.file = file
        self.place = place
    }

    /// Whether the prompt allows a tool of that name. A prompt without a list allows every tool of the workspace,
    /// as Omnia's runtime does with its registry.
    package func allows(_ tool: String) -> Bool {
        if policy.blocklist.contains(tool) { return false }
        guard let tools else { return true }
        return tools.contains { $0.hasSuffix("*") ? tool.hasPrefix($0.dropLast()) : $0 == tool }
    }
}

package struct Variable: Sendable, Equatable {
    package var name: String
    package var type: String
    package var required: Bool
    package var defaultValue: JSONValue?
    package var description: String?

    package init(
        name: String, type: String = "string", required: Bool = false, defaultValue: JSONValue? = nil,
        description: String? = nil
    ) {
        self.name = name
        self.type = type
        self.required = required
        self.defaultValue = defaultValue
        self.description = description
    }
}

/// `tool_policy`, with the specification's defaults.
package struct ToolPolicy: Sendable, Equatable {
    package var toolChoice = ToolChoice.auto
    package var maxRounds = 5
    package var maxToolCallsPerTurn = 10
    package var blocklist: [String] = []

    package init() {}
}

/// A tool as a pack describes it: a description and a schema, but not how to run it.
package struct PackTool: Sendable, Equatable {
    package var name: String
    package var description: String
    package var parameters: JSONValue

    package init(name: String, description: String, parameters: JSONValue) {
        self.name = name
        self.description = description
        self.parameters = parameters
    }
}
