extension PackLint {
    func check(_ workflow: Workflow) {
        let names = workflow.states.map(\.name)
        if ![1, 2].contains(workflow.version) {
            error(
                "the workflow's version is \(workflow.version); there are 1 and 2", at: "/workflow/version", "workflow")
        }
        refer("state", workflow.entry, among: names, at: "/workflow/entry", "unknown-state")
        for state in workflow.states { check(state, workflow, names) }
        checkReach(workflow)
        checkBudget(workflow)
    }

    private func check(_ state: Workflow.State, _ workflow: Workflow, _ names: [String]) {
        let pointer = "/workflow/states/" + JSONPointer.escape(state.name)
        let prompts = pack.prompts.map(\.key)
        if state.orchestration == .composition {
            if let name = state.composition {
                refer(
                    "composition", name, among: pack.compositions.map(\.name), at: pointer + "/composition",
                    "unknown-composition")
            }
        } else {
            if let task = state.promptTask {
                refer("prompt", task, among: prompts, at: pointer + "/prompt_task", "unknown-prompt")
            }
            if state.composition != nil {
                error(
                    "a state with a composition needs 'orchestration: composition'", at: pointer + "/composition",
                    "workflow")
            }
        }
        for event in state.events {
            let place = pointer + "/on_event/" + JSONPointer.escape(event.name)
            refer("state", event.target, among: names, at: place, "unknown-state")
            if event.name.first?.isUppercase != true {
                note("names of events begin with a capital letter by custom", at: place, "event-name")
            }
        }
        if let target = state.onMaxVisits {
            refer("state", target, among: names, at: pointer + "/on_max_visits", "unknown-state")
            if state.maxVisits == nil {
                warning("'on_max_visits' does nothing without 'max_visits'", at: pointer + "/on_max_visits", "workflow")
            }
        }
        checkWords(state, pointer)
        if state.terminal, !state.events.isEmpty {
            warning("the events of a terminal state never happen", at: pointer + "/on_event", "workflow")
        }
        if !state.terminal, state.events.isEmpty, workflow.version >= 2 {
            warning(
                "no event leaves the state, and it is not terminal", at: pointer, "dead-end",
                hint: "\"terminal\": true says that it is an end")
        }
    }

    /// Words that the specification leaves open and every runtime insists on.
    private func checkWords(_ state: Workflow.State, _ pointer: String) {
        let value = document.value["workflow"]?["states"]?[state.name]
        let words = [
            ("orchestration", Workflow.Orchestration.allCases.map(\.rawValue)),
            ("persistence", Workflow.Persistence.allCases.map(\.rawValue)),
        ]
        for (key, allowed) in words {
            guard let text = value?.text(key), !allowed.contains(text) else { continue }
            error(
                "'\(key)' has the value '\(SafeText.oneLine(text, limit: 60))'; expected one of: "
                    + allowed.joined(separator: ", "),
                at: "\(pointer)/\(key)", "workflow", hint: Suggestion.hint(for: text, among: allowed))
        }
    }

    /// States from which a walk begins, and where it can get.
    private func distances(_ workflow: Workflow) -> [String: Int] {
        var found = [workflow.entry: 1]
        var queue = [workflow.entry]
        while !queue.isEmpty {
            let name = queue.removeFirst()
            guard let state = workflow.state(name), let steps = found[name] else { continue }
            let next = (state.terminal ? [] : state.events.map(\.target)) + [state.onMaxVisits].compactMap(\.self)
            for target in next where found[target] == nil {
                found[target] = steps + 1
                queue.append(target)
            }
        }
        return found
    }

    private func checkReach(_ workflow: Workflow) {
        let reached = distances(workflow)
        guard workflow.state(workflow.entry) != nil else { return }
        for state in workflow.states where reached[state.name] == nil {
            warning(
                "the state '\(state.name)' cannot be reached from '\(workflow.entry)'",
                at: "/workflow/states/" + JSONPointer.escape(state.name), "unreachable-state")
        }
        let ends = workflow.states.filter { $0.isEnd && reached[$0.name] != nil }
        if ends.isEmpty, workflow.budget.isEmpty, workflow.states.allSatisfy({ $0.maxVisits == nil }) {
            note(
                "the workflow has no end, and nothing bounds it", at: "/workflow", "endless-workflow",
                hint: "give a state \"max_visits\", or the workflow \"engine\": {\"budget\": …}")
        }
    }

    private func checkBudget(_ workflow: Workflow) {
        let reached = distances(workflow)
        let shortest = workflow.states.filter(\.isEnd).compactMap { reached[$0.name] }.min()
        if let limit = workflow.budget.maxTotalVisits, let shortest, limit < shortest {
            error(
                "the shortest way to an end enters \(shortest) states; 'max_total_visits' allows \(limit)",
                at: "/workflow/engine/budget/max_total_visits", "impossible-budget")
        }
        for state in workflow.states {
            guard let target = state.onMaxVisits.flatMap({ workflow.state($0) }), target.name == state.name else {
                continue
            }
            error(
                "'on_max_visits' leads back to the state itself",
                at: "/workflow/states/\(JSONPointer.escape(state.name))/on_max_visits", "impossible-budget")
        }
    }

    // MARK: Agents

    func check(_ agents: Agents) {
        let members = agents.members.map(\.name)
        refer("member", agents.entry, among: members, at: "/agents/entry", "unknown-agent")
        let states = pack.workflow?.states.map(\.name) ?? []
        for member in agents.members {
            let pointer = "/agents/members/" + JSONPointer.escape(member.name)
            if let state = member.state {
                refer("state", state, among: states, at: pointer + "/state", "unknown-state")
            } else {
                refer("prompt", member.name, among: pack.prompts.map(\.key), at: pointer, "unknown-prompt")
            }
            for (key, modes) in [("input_modes", member.inputModes), ("output_modes", member.outputModes)] {
                for (index, mode) in modes.enumerated() where !Self.isMIMEType(mode) {
                    error("'\(mode)' is not a MIME type", at: "\(pointer)/\(key)/\(index)", "mime-type")
                }
            }
        }
    }

    private static func isMIMEType(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 2
            && parts.allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ";") }
            }
    }

    // MARK: Compositions

    func check(_ composition: Composition) {
        let pointer = "/compositions/" + JSONPointer.escape(composition.name)
        var earlier: [String] = []
        var ids: Set<String> = []
        for step in composition.allSteps where !ids.insert(step.id).inserted {
            error("a second step is called '\(step.id)'", at: step.pointer + "/id", "repeated-step")
        }
        let all = composition.allSteps.map(\.id)
        for step in composition.steps {
            check(step, all, earlier: earlier, isInside: false)
            earlier.append(step.id)
        }
        if let output = composition.output {
            refer("step", output, among: all, at: pointer + "/output", "unknown-step")
        }
    }

    private func check(_ step: Composition.Step, _ all: [String], earlier: [String], isInside: Bool) {
        for (index, name) in step.dependsOn.enumerated() {
            let place = "\(step.pointer)/depends_on/\(index)"
            refer("step", name, among: all, at: place, "unknown-step")
            if all.contains(name), !earlier.contains(name) {
                error("'\(name)' runs later than '\(step.id)': steps run in their order", at: place, "step-order")
            }
        }
        for (reference, key) in step.references where reference.root != "input" {
            let place = "\(step.pointer)/\(key)"
            refer("step", reference.root, among: all, at: place, "unknown-step")
            if all.contains(reference.root), !earlier.contains(reference.root) {
                error("'\(reference.root)' has no output yet when '\(step.id)' runs", at: place, "step-order")
            }
        }
        let evals = pack.evals.map(\.id) + pack.prompts.flatMap { $0.evals.map(\.id) }
        for (index, name) in step.evals.enumerated() {
            refer("eval", name, among: evals, at: "\(step.pointer)/modifiers/eval/\(index)", "unknown-eval")
        }
        let prompts = pack.prompts.map(\.key)
        switch step.kind {
        case .prompt(let task, _, _), .agent(let task, _, _, _, _, _):
            refer("prompt", task, among: prompts, at: step.pointer + "/prompt_task", "unknown-prompt")
        case .tool(let name, _):
            guard !pack.tools.isEmpty, !pack.tools.contains(where: { $0.name == name }), !name.contains("__") else {
                break
            }
            warning(
                "the pack does not describe the tool '\(name)'", at: step.pointer + "/tool", "unknown-tool",
                hint: Suggestion.hint(for: name, among: pack.tools.map(\.name)))
        case .branch(_, let then, let otherwise):
            if isInside { error("a branch cannot stand inside 'parallel'", at: step.pointer, "composition") }
            refer("step", then, among: all, at: step.pointer + "/then", "unknown-step")
            if let otherwise { refer("step", otherwise, among: all, at: step.pointer + "/else", "unknown-step") }
            for (target, key) in [(then, "then"), (otherwise ?? "", "else")] where earlier.contains(target) {
                error("'\(target)' ran before the branch", at: "\(step.pointer)/\(key)", "step-order")
            }
        case .parallel(let branches, let strategy, _):
            if isInside { error("'parallel' cannot stand inside 'parallel'", at: step.pointer, "composition") }
            let strategies = ["append", "replace", "barrier"]
            if !strategies.contains(strategy) {
                error(
                    "there is no reducer '\(strategy)'", at: step.pointer + "/reduce/strategy", "composition",
                    hint: Suggestion.hint(for: strategy, among: strategies)
                        ?? "one of: \(strategies.joined(separator: ", "))")
            }
            for branch in branches { check(branch, all, earlier: earlier, isInside: true) }
        }
    }
}
