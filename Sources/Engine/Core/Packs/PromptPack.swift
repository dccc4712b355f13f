/// A PromptPack (promptpack.org, schemas 1.0 to 1.4 and PromptKit's 1.5).
package struct PromptPack: Sendable, Equatable {
    package var id: String
    package var name: String
    package var version: String
    package var description: String?
    /// What the pack says of its templates; informational.
    package var templateFeatures: [String]
    /// By task type, in the order of the file.
    package var prompts: [Prompt]
    package var fragments: [String: String]
    package var tools: [PackTool]
    package var evals: [EvalSpec]
    package var workflow: Workflow?
    package var agents: Agents?
    package var skills: [SkillSource]
    package var compositions: [Composition]
    /// The file it was read from; skills and schemas are found beside it.
    package var file: String

    package init(
        id: String, name: String, version: String, description: String? = nil, templateFeatures: [String] = [],
        prompts: [Prompt], fragments: [String: String] = [:], tools: [PackTool] = [], evals: [EvalSpec] = [],
        workflow: Workflow? = nil, agents: Agents? = nil, skills: [SkillSource] = [],
        compositions: [Composition] = [], file: String = ""
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.description = description
        self.templateFeatures = templateFeatures
        self.prompts = prompts
        self.fragments = fragments
        self.tools = tools
        self.evals = evals
        self.workflow = workflow
        self.agents = agents
        self.skills = skills
        self.compositions = compositions
        self.file = file
    }

    /// The prompt of a task type.
    package func prompt(_ key: String) -> Prompt? { prompts.first { $0.key == key } }

    package func composition(_ name: String) -> Composition? { compositions.first { $0.name == name } }

    /// The prompt of that name. Without a name: the workflow's entry, the agents' entry, the one called `default`,
    /// else the first.
    /// - Throws: `notFound`, naming the prompts there are.
    package func choose(_ name: String?) throws(EngineError) -> Prompt {
        guard let name else {
            let entry = workflow.flatMap { $0.state($0.entry)?.promptTask } ?? agents?.entry
            if let prompt = entry.flatMap({ prompt($0) }) ?? prompt("default") ?? prompts.first { return prompt }
            throw EngineError(.invalidInput, "the pack '\(id)' has no prompts")
        }
        if let prompt = prompt(name) { return prompt }
        throw EngineError(
            .notFound,
            "the pack '\(id)' has no prompt '\(name)'; it has: \(prompts.map(\.key).joined(separator: ", "))",
            hint: Suggestion.hint(for: name, among: prompts.map(\.key)))
    }
}

/// One entry of `prompts`.
package struct Prompt: Sendable, Equatable {
    /// The task type: the name under `prompts`.
    package var key: String
    package var id: String
    package var name: String
    package var version: String
    package var systemTemplate: String
    package var variables: [Variable]
    /// Names of tools; one that ends with `*` stands for all that begin so. Nil when the prompt says nothing.
    package var tools: [String]?
    package var policy: ToolPolicy
    package var parameters: ModelParameters
    package var validators: [ValidatorSpec]
    package var evals: [EvalSpec]
    /// By the model's name.
    package var overrides: [String: ModelOverride]
    package var media: MediaLimits?
    /// Names of models that the pack says it was tested with.
    package var testedModels: [String]
    /// Where the prompt stands, for messages.
    package var origin: Origin?

    package init(
        key: String, id: String, name: String = "", version: String = "1.0.0", systemTemplate: String,
        variables: [Variable] = [], tools: [String]? = nil, policy: ToolPolicy = ToolPolicy(),
        parameters: ModelParameters = ModelParameters(), validators: [ValidatorSpec] = [], evals: [EvalSpec] = [],
        overrides: [String: ModelOverride] = [:], media: MediaLimits? = nil, testedModels: [String] = [],
        origin: Origin? = nil
    ) {
        self.key = key
        self.id = id
        self.name = name
        self.version = version
        self.systemTemplate = systemTemplate
        self.variables = variables
        self.tools = tools
        self.policy = policy
        self.parameters = parameters
        self.validators = validators
        self.evals = evals
        self.overrides = overrides
        self.media = media
        self.testedModels = testedModels
        self.origin = origin
    }

    /// Where something stands in the file that it was read from. Says nothing about what it is, so all are equal.
    package struct Origin: Sendable, Equatable {
        package var document: SourceDocument
        package var pointer: String

        package init(_ document: SourceDocument, at pointer: String) {
            self.document = document
            self.pointer = pointer
        }

        /// - Parameter key: a field inside.
        package func location(_ key: String = "") -> (file: String, place: Place?) {
            document.location(of: key.isEmpty ? pointer : pointer + "/" + key)
        }

        package static func == (a: Self, b: Self) -> Bool { true }
    }

    /// Whether the prompt allows a tool of that name. A prompt without a list allows every tool of the workspace,
    /// as Omnia's runtime does with its registry.
    package func allows(_ tool: String) -> Bool {
        if policy.blocklist.contains(tool) { return false }
        guard let tools else { return true }
        return tools.contains { $0.hasSuffix("*") ? tool.hasPrefix($0.dropLast()) : $0 == tool }
    }

    /// The prompt as a model of that name gets it: `model_overrides` applied.
    package func adapted(to model: String) -> Prompt {
        guard let override = overrides[model] else { return self }
        var prompt = self
        let template = override.template ?? systemTemplate
        prompt.systemTemplate = (override.prefix ?? "") + template + (override.suffix ?? "")
        prompt.parameters = override.parameters.over(parameters)
        return prompt
    }
}

/// One entry of `variables`.
package struct Variable: Sendable, Equatable {
    package var name: String
    /// `string`, `number`, `boolean`, `object`, `array`; other names are texts.
    package var type: String
    package var required: Bool
    package var defaultValue: JSONValue?
    package var description: String?
    package var example: JSONValue?
    package var validation: VariableValidation
    package var binding: VariableBinding?

    package init(
        name: String, type: String = "string", required: Bool = false, defaultValue: JSONValue? = nil,
        description: String? = nil, example: JSONValue? = nil, validation: VariableValidation = VariableValidation(),
        binding: VariableBinding? = nil
    ) {
        self.name = name
        self.type = type
        self.required = required
        self.defaultValue = defaultValue
        self.description = description
        self.example = example
        self.validation = validation
        self.binding = binding
    }
}

/// What a value has to be, beyond its type. Lengths are in characters.
package struct VariableValidation: Sendable, Equatable {
    package var pattern: String?
    package var minLength: Int?
    package var maxLength: Int?
    package var minimum: Double?
    package var maximum: Double?
    package var choices: [JSONValue]?

    package init() {}
}

/// Where a platform finds the value by itself. Here it can come from the workspace only, and that is said.
package struct VariableBinding: Sendable, Equatable {
    package var kind: String?
    package var field: String?
    package var autoPopulate = false
    package var filter: String?

    package init() {}
}

/// `tool_policy`, with the specification's defaults.
package struct ToolPolicy: Sendable, Equatable {
    package var toolChoice = ToolChoice.auto
    package var maxRounds = 5
    package var maxToolCallsPerTurn = 10
    package var blocklist: [String] = []

    package init() {}
}

/// What one model gets instead.
package struct ModelOverride: Sendable, Equatable {
    package var prefix: String?
    package var suffix: String?
    /// Takes the place of the prompt's template.
    package var template: String?
    package var parameters = ModelParameters()

    package init() {}
}

/// A tool as a pack describes it: a description and a schema, but not how to run it.
package struct PackTool: Sendable, Equatable {
    /// The name under `tools`.
    package var key: String
    package var name: String
    package var description: String
    package var parameters: JSONValue

    package init(key: String? = nil, name: String, description: String, parameters: JSONValue) {
        self.key = key ?? name
        self.name = name
        self.description = description
        self.parameters = parameters
    }
}

/// One entry of `validators`: a guardrail.
package struct ValidatorSpec: Sendable, Equatable {
    package enum Direction: String, Sendable, CaseIterable { case input, output, both }

    package var type: String
    package var enabled: Bool
    /// Nil when the pack does not say; the specification's default is false: violations are recorded, not enforced.
    package var failOnViolation: Bool?
    /// What is said instead of a blocked answer.
    package var message: String?
    package var direction: Direction
    package var params: JSONObject
    /// Where it stands in the pack.
    package var pointer: String

    package init(
        type: String, enabled: Bool = true, failOnViolation: Bool? = nil, message: String? = nil,
        direction: Direction = .output, params: JSONObject = JSONObject(), pointer: String = ""
    ) {
        self.type = type
        self.enabled = enabled
        self.failOnViolation = failOnViolation
        self.message = message
        self.direction = direction
        self.params = params
        self.pointer = pointer
    }
}

/// One entry of `evals`: a score of a turn or a session.
package struct EvalSpec: Sendable, Equatable {
    package enum Trigger: String, Sendable, CaseIterable {
        case everyTurn = "every_turn"
        case onSessionComplete = "on_session_complete"
        case sampleTurns = "sample_turns"
        case sampleSessions = "sample_sessions"
    }

    /// When a score is good enough.
    package struct Threshold: Sendable, Equatable {
        package var comparison: String
        package var value: Double

        package init(comparison: String = "gte", value: Double) {
            self.comparison = comparison
            self.value = value
        }

        /// Nil for a comparison that the specification does not name.
        package func passes(_ score: Double) -> Bool? {
            switch comparison {
            case "gte", ">=": score >= value
            case "gt", ">": score > value
            case "lte", "<=": score <= value
            case "lt", "<": score < value
            case "eq", "==": score == value
            default: nil
            }
        }
    }

    package var id: String
    package var type: String
    /// As it is written; unknown ones never fire, which is said at load.
    package var trigger: String
    package var enabled: Bool
    package var samplePercentage: Double
    package var params: JSONObject
    package var threshold: Threshold?
    package var message: String?
    package var when: JSONObject?
    package var groups: [String]
    /// The name under which the score is kept.
    package var metric: String?
    /// Where it stands in the pack.
    package var pointer: String

    package init(
        id: String, type: String, trigger: String, enabled: Bool = true, samplePercentage: Double = 5,
        params: JSONObject = JSONObject(), threshold: Threshold? = nil, message: String? = nil,
        when: JSONObject? = nil, groups: [String] = [], metric: String? = nil, pointer: String = ""
    ) {
        self.id = id
        self.type = type
        self.trigger = trigger
        self.enabled = enabled
        self.samplePercentage = samplePercentage
        self.params = params
        self.threshold = threshold
        self.message = message
        self.when = when
        self.groups = groups
        self.metric = metric
        self.pointer = pointer
    }
}

/// `media`: which attachments a prompt takes.
package struct MediaLimits: Sendable, Equatable {
    /// The limits of one type of media.
    package struct Kind: Sendable, Equatable {
        package var maxMegabytes: Int?
        /// File formats; empty allows all.
        package var formats: [String] = []
        package var maxPerMessage: Int?
        package var maxSeconds: Int?
        package var maxPages: Int?
        package var requiresCaption = false

        package init() {}
    }

    package var enabled: Bool
    package var types: [String]
    package var kinds: [String: Kind]

    package init(enabled: Bool, types: [String] = [], kinds: [String: Kind] = [:]) {
        self.enabled = enabled
        self.types = types
        self.kinds = kinds
    }
}
