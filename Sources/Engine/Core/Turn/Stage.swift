/// The prompt, or the composition, that the next answer comes from. A class: many suspended functions of a turn hold it.
final class Stage: Sendable {
    let prompt: Prompt
    let state: Workflow.State?
    let composition: Composition?
    /// How many agents have asked one another to get here.
    let depth: Int

    init(prompt: Prompt, state: Workflow.State? = nil, composition: Composition? = nil, depth: Int = 0) {
        self.prompt = prompt
        self.state = state
        self.composition = composition
        self.depth = depth
    }
}

extension SessionRuntime {
    /// The workflow's state decides; without a workflow, the prompt that was chosen.
    var stage: Stage {
        guard let workflow = agent.pack.workflow, let name = log.workflow.state ?? Optional(workflow.entry),
            let state = workflow.state(name)
        else { return Stage(prompt: agent.adapted(agent.prompt)) }
        if state.orchestration == .composition,
            let composition = state.composition.flatMap({ agent.pack.composition($0) })
        {
            return Stage(prompt: agent.adapted(agent.prompt), state: state, composition: composition)
        }
        let prompt = state.promptTask.flatMap { agent.pack.prompt($0) } ?? agent.prompt
        return Stage(prompt: agent.adapted(prompt), state: state)
    }

    /// What the engine knows by itself: the workflow's context and its artifacts.
    var provided: [String: JSONValue] {
        agent.pack.provided(
            context: log.workflow.context, artifacts: log.workflow.artifacts, semantics: agent.semantics)
    }

    /// Skills of the present state.
    var skills: [Skill] { agent.skills.filter { $0.isIn(stage.state?.skills) } }

    /// The system prompt, with what is put behind it: preloaded skills, and the context that a state that begins
    /// anew is left with.
    func system(_ stage: Stage) throws(EngineError) -> RenderedPrompt {
        var rendered = try agent.render(stage.prompt, provided: provided)
        // A value that another prompt of the pack needs is not idle.
        let others = Set(agent.pack.prompts.filter { $0.key != stage.prompt.key }.flatMap { $0.variables.map(\.name) })
        let own = Set(stage.prompt.variables.map(\.name))
        rendered.unused.removeAll { others.contains($0) && !own.contains($0) }
        if agent.semantics == .strict {
            for skill in skills where skill.preload {
                rendered.append("\n\n# \(skill.name)\n\(skill.instructions)", .fragment("skill:" + skill.name))
            }
            let isNeeded = log.workflow.moves.last?.resets == true && !rendered.used.contains("workflow_context")
            if isNeeded, !log.workflow.context.isEmpty {
                rendered.append("\n\n# Before\n\(log.workflow.context)", .variable("workflow_context"))
            }
        }
        return rendered
    }
}
