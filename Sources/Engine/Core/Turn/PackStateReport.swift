/// What runs, as the Pack pane shows it.
extension SessionRuntime {
    func packState(before: String?) -> PackState {
        let stage = self.stage
        let account = (try? system(stage)) ?? agent.account(stage.prompt, provided: provided)
        return PackState(
            pack: agent.pack.id, version: agent.pack.version, file: agent.pack.file,
            prompt: stage.composition?.name ?? stage.prompt.key, semantics: agent.semantics.rawValue,
            editions: agent.editions, spans: Self.spans(account), tokens: account.tokens, unused: account.unused,
            variables: variables(stage.prompt, account), rules: rules(stage.prompt),
            evals: stage.prompt.evals.count + agent.pack.evals.count, policy: policy(stage.prompt),
            divergences: divergences(stage.prompt), states: states(stage.state),
            artifacts: log.workflow.artifacts, skills: skills.map(\.name),
            members: agent.pack.agents?.members.map(\.name) ?? [], problems: agent.problems, before: before)
    }

    /// Those of the pack as a whole, and of the prompt that runs.
    private func divergences(_ prompt: Prompt) -> [String] {
        let mine = "/prompts/\(JSONPointer.escape(prompt.key))"
        return agent.divergences.filter { divergence in
            !divergence.pointer.hasPrefix("/prompts/") || divergence.pointer == mine
                || divergence.pointer.hasPrefix(mine + "/")
        }.map { "\($0.id): \($0.message)" }
    }

    private static func spans(_ account: RenderedPrompt) -> [PackState.Span] {
        var rest = Substring(account.text)
        return account.spans.map { span in
            let end = rest.utf8.index(rest.startIndex, offsetBy: span.length)
            let text = String(rest[..<end])
            rest = rest[end...]
            switch span.source {
            case .template: return PackState.Span(text: text, source: "template", name: nil)
            case .variable(let name): return PackState.Span(text: text, source: "variable", name: name)
            case .fragment(let name): return PackState.Span(text: text, source: "fragment", name: name)
            case .unresolved(let name): return PackState.Span(text: text, source: "unresolved", name: name)
            }
        }
    }

    private func variables(_ prompt: Prompt, _ account: RenderedPrompt) -> [PackState.Value] {
        let values = agent.values(prompt, provided: provided)
        return prompt.variables.map { variable in
            PackState.Value(
                name: variable.name, type: variable.type,
                text: values.values[variable.name]?.templateText ?? "",
                origin: values.origins[variable.name] ?? .empty,
                isRequired: variable.required, isMissing: account.missing.contains(variable.name),
                problem: values.problems.first { $0.name == variable.name }?.problem,
                description: variable.description)
        }
    }

    private func rules(_ prompt: Prompt) -> [PackState.Rule] {
        prompt.validators.map { validator in
            PackState.Rule(
                type: validator.type, direction: validator.direction.rawValue,
                isEnforced: agent.semantics == .promptKit || validator.failOnViolation == true,
                isEnabled: validator.enabled && CheckRegistry.make(validator.type, validator.params) != nil)
        }
    }

    private func policy(_ prompt: Prompt) -> String {
        let policy = prompt.policy
        var parts = ["tools \(policy.toolChoice.rawValue)", "\(agent.maxRounds(prompt)) rounds"]
        if policy.maxToolCallsPerTurn < 1_000_000 { parts.append("\(policy.maxToolCallsPerTurn) calls a turn") }
        if !policy.blocklist.isEmpty { parts.append("blocked: \(policy.blocklist.joined(separator: ", "))") }
        return parts.joined(separator: " · ")
    }

    private func states(_ current: Workflow.State?) -> [PackState.State] {
        (agent.pack.workflow?.states ?? []).map { state in
            PackState.State(
                name: state.name, events: Dictionary(state.events.map { ($0.name, $0.target) }) { first, _ in first },
                isEnd: state.isEnd, visits: log.workflow.visits(state.name), maxVisits: state.maxVisits,
                isCurrent: state.name == current?.name)
        }
    }
}
