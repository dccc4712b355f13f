import Synchronization

/// What a session runs: a pack with its values, a provider, and the rules.
package struct Agent: Sendable {
    package var workspace: String
    /// What it is called among several; nil for the only one.
    package var name: String?
    package var variant: AgentVariant?
    package var pack: PromptPack
    /// The prompt that was chosen; in a workflow, the state chooses.
    package var prompt: Prompt
    package var variables: [String: JSONValue]
    package var bindings = JSONObject()
    package var skills: [Skill] = []
    /// Schemas of compositions, by the file that the pack names.
    package var schemas: [String: JSONValue] = [:]
    /// Reads the files of skills.
    package var files: (any FileSource)?
    package var provider: any Provider
    /// What the provider's file says; the prompt's own win.
    package var parameters: ModelParameters
    /// What the person set on the screen, which wins over all.
    package var overrides = ModelParameters()
    package var limits: TurnLimits
    package var approval: ApprovalPolicy
    package var policies = PolicyBook()
    package var semantics = Semantics.strict
    package var judge: (any Judge)?
    package var patterns: any PatternCompiler
    /// Names of the published schemas that the pack satisfies.
    package var editions: [String] = []
    /// What PromptKit would do differently.
    package var divergences: [Divergence] = []
    /// What is wrong with the files on the disk, while the last good ones run.
    package var problems: [Diagnostic] = []

    package init(
        workspace: String, pack: PromptPack, prompt: Prompt, variables: [String: JSONValue] = [:],
        provider: any Provider, parameters: ModelParameters = ModelParameters(),
        limits: TurnLimits = TurnLimits(), approval: ApprovalPolicy = ApprovalPolicy(), patterns: any PatternCompiler
    ) {
        self.workspace = workspace
        self.pack = pack
        self.prompt = prompt
        self.variables = variables
        self.provider = provider
        self.parameters = parameters
        self.limits = limits
        self.approval = approval
        self.patterns = patterns
    }

    package var opened: SessionOpened {
        var opened = SessionOpened(
            workspace: workspace, pack: pack.id, packVersion: pack.version, prompt: prompt.key,
            provider: provider.name, model: provider.model, isMock: provider.isMock,
            program: ProgramInfo.version)
        opened.agent = name
        opened.variant = variant
        return opened
    }

    /// The prompt as this model gets it. PromptKit drops `model_overrides` and all parameters but two.
    package func adapted(_ prompt: Prompt) -> Prompt {
        guard semantics == .promptKit else { return prompt.adapted(to: provider.model) }
        var prompt = prompt
        prompt.parameters = ModelParameters(
            temperature: prompt.parameters.temperature ?? 0.7, maxTokens: prompt.parameters.maxTokens ?? 4_096)
        prompt.policy = ToolPolicy()
        prompt.policy.maxRounds = 50
        prompt.policy.maxToolCallsPerTurn = .max
        return prompt
    }

    /// How the model is to answer: the person's word, the prompt's, the provider file's.
    package func parameters(_ prompt: Prompt) -> ModelParameters {
        overrides.over(prompt.parameters.over(parameters))
    }

    /// Rounds of one turn: the workspace's limit wins over the pack's.
    package func maxRounds(_ prompt: Prompt) -> Int { max(limits.maxRounds ?? prompt.policy.maxRounds, 1) }

    package func values(_ prompt: Prompt, provided: [String: JSONValue] = [:]) -> VariableValues {
        VariableValues(
            prompt.variables, given: variables, bindings: bindings, provided: provided, patterns: patterns)
    }

    /// The system prompt with its account, complete or not.
    package func account(_ prompt: Prompt, provided: [String: JSONValue] = [:]) -> RenderedPrompt {
        semantics == .strict
            ? PromptRenderer.account(prompt, fragments: pack.fragments, values: values(prompt, provided: provided))
            : PromptKitRenderer.account(
                prompt, fragments: pack.fragments, given: variables, provided: provided)
    }

    /// The system prompt as it is sent.
    /// - Throws: what is missing; never where PromptKit's rules apply, because PromptKit sends something in any case.
    package func render(
        _ prompt: Prompt, provided: [String: JSONValue] = [:]
    ) throws(EngineError) -> RenderedPrompt {
        guard semantics == .strict else { return account(prompt, provided: provided) }
        return try PromptRenderer.render(
            prompt, fragments: pack.fragments, values: values(prompt, provided: provided))
    }

    /// What PromptKit puts into the messages of a turn, too; empty where the specification's rules apply.
    package func messageValues(_ prompt: Prompt) -> [String: String] {
        guard semantics == .promptKit else { return [:] }
        let defaults = prompt.variables.compactMap { variable in variable.defaultValue.map { (variable.name, $0) } }
        return Dictionary(defaults) { $1 }.merging(variables) { $1 }.mapValues(PromptKitRenderer.goText)
    }
}

/// The agent as the files on the disk make it; a session takes it at the beginning of its next turn.
package final class AgentSource: Sendable {
    private let state: Mutex<(agent: Agent, version: Int)>

    package init(_ agent: Agent) { state = Mutex((agent, 0)) }

    /// The agent, and a number that grows with every change.
    package var current: (agent: Agent, version: Int) { state.withLock { $0 } }

    package func change(_ change: @Sendable (inout Agent) -> Void) {
        state.withLock { state in
            change(&state.agent)
            state.version += 1
        }
    }
}
