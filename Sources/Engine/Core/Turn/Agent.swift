/// What a session runs: a prompt of a pack with its values, a provider, and the rules.
package struct Agent: Sendable {
    package var workspace: String
    package var pack: PromptPack
    package var prompt: Prompt
    package var variables: [String: JSONValue]
    package var provider: any Provider
    /// Nil when the model's price is not known.
    package var price: PriceTable.Found?
    package var parameters: ModelParameters
    package var limits: TurnLimits
    package var approval: ApprovalPolicy
    package var patterns: any PatternCompiler

    package init(
        workspace: String, pack: PromptPack, prompt: Prompt, variables: [String: JSONValue] = [:],
        provider: any Provider, price: PriceTable.Found? = nil, parameters: ModelParameters = ModelParameters(),
        limits: TurnLimits = TurnLimits(), approval: ApprovalPolicy = ApprovalPolicy(), patterns: any PatternCompiler
    ) {
        self.workspace = workspace
        self.pack = pack
        self.prompt = prompt
        self.variables = variables
        self.provider = provider
        self.price = price
        self.parameters = parameters
        self.limits = limits
        self.approval = approval
        self.patterns = patterns
    }

    package var opened: SessionOpened {
        SessionOpened(
            workspace: workspace, pack: pack.id, packVersion: pack.version, prompt: prompt.key,
            provider: provider.name, model: provider.model, isMock: provider.isMock,
            program: ProgramInfo.version)
    }

    /// Rounds of one turn: the workspace's limit wins over the pack's.
    package var maxRounds: Int { limits.maxRounds ?? prompt.policy.maxRounds }

    package func render() throws(EngineError) -> RenderedPrompt {
        try PromptRenderer.render(
            prompt, fragments: pack.fragments,
            values: VariableValues(prompt.variables, given: variables, patterns: patterns))
    }
}
