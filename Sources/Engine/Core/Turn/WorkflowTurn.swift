/// A move that a workflow is going to make at the end of the round.
struct PendingMove: Sendable {
    var event: String
    var context: String
}

/// The workflow of a session: where it stands and how it moves (RFC 0005 and 0009).
extension SessionRuntime {
    /// Enters the first state, once; again where the pack has no such state any more.
    func startWorkflow(_ turn: TurnID?) {
        guard let workflow = agent.pack.workflow else { return }
        if let state = log.workflow.state {
            if workflow.state(state) != nil { return }
            emit(
                .diagnostic(
                    Diagnostic(
                        .warning, "the workflow has no state '\(state)' any more; it begins anew",
                        file: agent.pack.file)), turn)
        }
        guard let entry = workflow.state(workflow.entry) else { return }
        emit(
            .workflowMoved(
                WorkflowMoved(from: nil, to: entry.name, cause: .start, isEnd: entry.isEnd, resets: false)), turn)
        publishPack()
    }

    /// Why the workflow cannot move by an event; nil when it can.
    private func objection(to event: String, _ workflow: Workflow, _ state: Workflow.State) -> EngineError? {
        if let exhausted = exhausted(workflow.budget) {
            return EngineError(.refused, "the workflow's budget is used up: \(exhausted)")
        }
        if state.isEnd { return EngineError(.refused, "the state '\(state.name)' is an end; no event leaves it") }
        guard state.target(of: event) != nil else {
            let names = state.events.map(\.name)
            return EngineError(
                .notFound,
                "no event '\(SafeText.oneLine(event, limit: 80))' leaves the state '\(state.name)'; there is: "
                    + names.joined(separator: ", "), hint: Suggestion.hint(for: event, among: names))
        }
        return nil
    }

    /// What is used up of a budget, for people.
    func exhausted(_ budget: Workflow.Budget) -> String? {
        let log = log.workflow
        if let limit = budget.maxTotalVisits, log.entered.count >= limit {
            return "\(log.entered.count) of \(limit) visits (max_total_visits)"
        }
        if let limit = budget.maxToolCalls, log.toolCalls >= limit {
            return "\(log.toolCalls) of \(limit) tool calls (max_tool_calls)"
        }
        if let limit = budget.maxWallTimeSeconds, let started = log.started {
            let seconds = (clock.now().milliseconds - started.milliseconds) / 1_000
            if seconds >= limit { return "\(seconds) of \(limit) seconds (max_wall_time_sec)" }
        }
        return nil
    }

    /// The state that an event leads to: where a state was entered as often as it may be, the one that it names
    /// instead. By PromptKit that one's own bound is not looked at.
    private func target(
        _ event: String, _ workflow: Workflow, _ state: Workflow.State
    ) throws(EngineError) -> (state: Workflow.State, meant: String?) {
        if let problem = objection(to: event, workflow, state) { throw problem }
        let meant = state.target(of: event) ?? ""
        var name = meant
        for _ in 0..<max(workflow.states.count, 1) {
            guard let target = workflow.state(name) else { break }
            let isFull = target.maxVisits.map { log.workflow.visits(name) >= $0 } ?? false
            if !isFull || (agent.semantics == .promptKit && name != meant) {
                return (target, name == meant ? nil : meant)
            }
            guard let next = target.onMaxVisits else {
                throw EngineError(
                    .refused,
                    "the state '\(name)' was entered \(log.workflow.visits(name)) times, as often as 'max_visits' allows"
                )
            }
            name = next
        }
        throw EngineError(.refused, "every state that '\(event)' could lead to was entered as often as it may be")
    }

    /// The tool `workflow__transition`: the move is made when the round is over; the last one counts.
    func scheduleMove(_ arguments: JSONValue) throws(EngineError) -> JSONValue {
        guard let workflow = agent.pack.workflow, let state = stage.state else {
            throw EngineError(.refused, "there is no workflow")
        }
        let event = arguments["event"]?.string ?? ""
        let target = try target(event, workflow, state)
        pendingMove = PendingMove(event: event, context: arguments["context"]?.string ?? "")
        return ["status": "transition_scheduled", "event": .string(event), "target_state": .string(target.state.name)]
    }

    /// Makes the move that the model asked for.
    /// - Returns: whether there was one.
    func commitMove(_ turn: TurnID) -> Bool {
        guard let move = pendingMove else { return false }
        pendingMove = nil
        do throws(EngineError) {
            try self.move(by: move.event, context: move.context, cause: .model, turn)
            return true
        } catch {
            emit(.diagnostic(Diagnostic(.warning, error.message, file: "", hint: error.hint)), turn)
            return false
        }
    }

    /// Moves the workflow.
    func move(
        by event: String, context: String?, cause: WorkflowMoved.Cause, _ turn: TurnID?
    ) throws(EngineError) {
        guard let workflow = agent.pack.workflow, let state = stage.state else {
            throw EngineError(.refused, "the pack '\(agent.pack.id)' has no workflow")
        }
        let (target, meant) = try target(event, workflow, state)
        var span = openSpan(
            "\(state.name) → \(target.name)", .step, parent: turnSpan, turn: turn,
            attributes: ["cleo.workflow.event": .string(event), "cleo.workflow.cause": .string(cause.rawValue)])
        if let meant { span.attributes["cleo.workflow.meant"] = .string(meant) }
        span.attributes["cleo.workflow.visits"] = .int(log.workflow.visits(target.name) + 1)
        close(&span, turn: turn)
        emit(
            .workflowMoved(
                WorkflowMoved(
                    from: state.name, to: target.name, event: event, cause: cause, meant: meant, context: context,
                    isEnd: target.isEnd, resets: target.persistence == .transient)), turn)
        publishPack()
    }

    /// The tool `workflow__set_artifact`.
    func setArtifact(_ arguments: JSONValue, _ turn: TurnID?) throws(EngineError) -> JSONValue {
        let name = arguments["name"]?.string ?? ""
        guard let artifact = agent.pack.workflow?.artifacts.first(where: { $0.name == name }) else {
            let names = agent.pack.workflow?.artifacts.map(\.name) ?? []
            throw EngineError(
                .notFound,
                "there is no artifact '\(SafeText.oneLine(name, limit: 80))'; there is: "
                    + names.joined(separator: ", "), hint: Suggestion.hint(for: name, among: names))
        }
        let value = arguments["value"].map { $0.string ?? $0.text } ?? ""
        let whole = artifact.appends ? (log.workflow.artifacts[name] ?? "") + value : value
        guard whole.utf8.count <= 1 << 20 else { throw EngineError(.tooLarge, "the artifact is larger than 1 MiB") }
        emit(.artifactSet(ArtifactSet(name: name, value: whole)), turn)
        publishPack()
        return ["status": "artifact_set", "artifact": .string(name)]
    }

    /// Moves the workflow for the person, who may do it in every state: that is what a debugger is for.
    package func moveByHand(_ event: String) throws(EngineError) {
        try checkWritable()
        guard running == nil else {
            throw EngineError(.busy, "a turn is running", hint: "wait for its end, or stop it")
        }
        takeAgent()
        startWorkflow(nil)
        try move(by: event, context: nil, cause: .person, nil)
    }
}
