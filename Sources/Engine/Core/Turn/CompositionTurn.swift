/// Answering by a composition: its steps run in their order, its output is the answer.
extension SessionRuntime {
    func answerByComposition(
        _ text: String, _ turn: TurnID, _ parent: SpanID
    ) async throws(EngineError) -> TurnFinished.Reason {
        guard let composition = stage.composition else { return .completed }
        var span = openSpan("composition \(composition.name)", .step, parent: parent, turn: turn)
        do throws(EngineError) {
            let output = try await run(composition, text, turn, span.id)
            close(&span, turn: turn)
            emit(
                .messageCompleted(
                    Message(id: MessageID(ids.next("msg")), role: .assistant, text: output.string ?? output.text)), turn
            )
            return .completed
        } catch {
            close(&span, turn: turn, error: error)
            throw error
        }
    }

    private func run(
        _ composition: Composition, _ text: String, _ turn: TurnID, _ span: SpanID
    ) async throws(EngineError) -> JSONValue {
        var run = CompositionRun(composition, text)
        if let problem = misfit(run.input, composition.inputSchema) {
            throw EngineError(.invalidInput, "the input of '\(composition.name)': \(problem)")
        }
        for step in composition.steps {
            if Task.isCancelled { throw EngineError(.cancelled, "cancelled") }
            // Who depends only on what was skipped is skipped, too.
            let isIdle = !step.dependsOn.isEmpty && step.dependsOn.allSatisfy { run.skipped.contains($0) }
            if run.skipped.contains(step.id) || isIdle {
                run.skipped.insert(step.id)
                finished(step, composition, .skipped, turn)
                continue
            }
            do throws(EngineError) {
                try await perform(step, &run, turn, span)
            } catch {
                finished(step, composition, .failed, turn, error: error.message)
                // What a model or a tool did wrong is no mistake in a file.
                throw EngineError(
                    error.code == .invalidInput ? .failed : error.code,
                    "the step '\(step.id)' of '\(composition.name)' failed: \(error.message)",
                    hint: error.hint)
            }
        }
        guard let result = run.result else {
            throw EngineError(.invalidInput, "the composition '\(composition.name)' has no output")
        }
        if let problem = misfit(result, composition.outputSchema) {
            throw EngineError(.invalidInput, "the output of '\(composition.name)': \(problem)")
        }
        emit(
            .stepFinished(
                StepFinished(
                    composition: composition.name, step: composition.output ?? composition.name, kind: "output",
                    status: .ok, output: result, isResult: true)), turn)
        return result
    }

    private func finished(
        _ step: Composition.Step, _ composition: Composition, _ status: StepFinished.Status, _ turn: TurnID,
        output: JSONValue? = nil, taken: String? = nil, error: String? = nil
    ) {
        emit(
            .stepFinished(
                StepFinished(
                    composition: composition.name, step: step.id, kind: step.kindName, status: status, output: output,
                    taken: taken, error: error)), turn)
    }

    private func perform(
        _ step: Composition.Step, _ run: inout CompositionRun, _ turn: TurnID, _ span: SpanID
    ) async throws(EngineError) {
        switch step.kind {
        case .branch(let predicate, let then, let otherwise):
            let isTrue = try run.holds(predicate)
            if let lost = isTrue ? otherwise : then { run.skipped.insert(lost) }
            finished(step, run.composition, .ok, turn, taken: isTrue ? then : otherwise ?? "nothing")
        case .parallel(let branches, let strategy, let name):
            let outputs = try await parallel(branches, run, turn, span)
            for (branch, output) in zip(branches, outputs) {
                run.outputs[branch.id] = output
                finished(branch, run.composition, .ok, turn, output: output)
                await evaluate(branch, output, turn, span)
            }
            let merged = CompositionRun.reduce(
                zip(branches, outputs).map { ($0.id, $1) }, strategy: strategy, into: name)
            run.outputs[step.id] = merged
            finished(step, run.composition, .ok, turn, output: merged)
        default:
            let output = try await output(of: step, run, turn, span)
            run.outputs[step.id] = output
            finished(step, run.composition, .ok, turn, output: output)
            await evaluate(step, output, turn, span)
        }
    }

    /// All branches at once; one that fails does not stop the others, and then all fail together.
    private func parallel(
        _ branches: [Composition.Step], _ run: CompositionRun, _ turn: TurnID, _ span: SpanID
    ) async throws(EngineError) -> [JSONValue] {
        let results = await withTaskGroup(of: (Int, Result<JSONValue, EngineError>).self) { group in
            for (index, branch) in branches.enumerated() {
                group.addTask {
                    do throws(EngineError) {
                        return (index, .success(try await self.output(of: branch, run, turn, span)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var results: [Int: Result<JSONValue, EngineError>] = [:]
            for await (index, result) in group { results[index] = result }
            return results
        }
        var outputs: [JSONValue] = []
        var problems: [String] = []
        for (index, branch) in branches.enumerated() {
            switch results[index] {
            case .success(let output): outputs.append(output)
            case .failure(let error): problems.append("\(branch.id): \(error.message)")
            case nil: problems.append("\(branch.id): it did not run")
            }
        }
        guard problems.isEmpty else { throw EngineError(.failed, problems.joined(separator: "; ")) }
        return outputs
    }

    /// The output of a step, tried as often as it says.
    private func output(
        of step: Composition.Step, _ run: CompositionRun, _ turn: TurnID, _ span: SpanID
    ) async throws(EngineError) -> JSONValue {
        var attempt = 1
        while true {
            do throws(EngineError) {
                return try await tryOutput(of: step, run, turn, span)
            } catch {
                guard attempt < step.maxAttempts, error.code != .cancelled, !Task.isCancelled else { throw error }
                attempt += 1
            }
        }
    }

    private func tryOutput(
        of step: Composition.Step, _ run: CompositionRun, _ turn: TurnID, _ span: SpanID
    ) async throws(EngineError) -> JSONValue {
        switch step.kind {
        case .prompt(let task, let input, let schema):
            let limits = InnerLimits(rounds: 1, step: step.id, schema: schema.flatMap { agent.schemas[$0] })
            let text = try await converse(step, task, input, run, limits, turn, span)
            return try output(text, schema: schema)
        case .agent(let task, let input, let schema, let tools, let maxSteps, let untilTool):
            let prompt = agent.pack.prompt(task)
            let limits = InnerLimits(
                rounds: maxSteps ?? prompt.map { agent.maxRounds($0) } ?? 1, untilTool: untilTool,
                tools: tools ?? prompt?.tools ?? [], step: step.id, schema: schema.flatMap { agent.schemas[$0] })
            let text = try await converse(step, task, input, run, limits, turn, span)
            return try output(text, schema: schema)
        case .tool(let name, let arguments):
            let resolved = try run.resolved(.object(arguments))
            let call = ToolCall(id: CallID(ids.next("call")), tool: name, arguments: resolved)
            let outcome = await perform(call, Stage(prompt: openPrompt), turn: turn, parent: span, asked: false)
            guard outcome.status == .ok else { throw EngineError(.failed, outcome.text) }
            return (try? JSONParser.parse(outcome.text)) ?? .string(outcome.text)
        case .branch, .parallel: throw EngineError(.invalidInput, "a '\(step.kindName)' has no output of its own")
        }
    }

    /// What a model's answer is as an output. Where a schema is named, it is JSON that fits; PromptKit takes a text
    /// that does not as a text.
    private func output(_ text: String, schema: String?) throws(EngineError) -> JSONValue {
        guard let schema else { return .string(text) }
        guard let value = JSONReading.balanced(text).flatMap({ try? JSONParser.parse($0) }) else {
            if agent.semantics == .promptKit { return .string(text) }
            throw EngineError(.invalidInput, "the answer is not the JSON that '\(schema)' asks for")
        }
        if let problem = misfit(value, schema) {
            if agent.semantics == .promptKit { return .string(text) }
            throw EngineError(.invalidInput, problem)
        }
        return value
    }

    /// How a value misses a schema; nil when it fits, or when the schema's file is not there, which loading said.
    private func misfit(_ value: JSONValue, _ schema: String?) -> String? {
        guard let schema, let document = agent.schemas[schema],
            let issue = JSONSchema(document, patterns: agent.patterns, draft: .draft7).issues(in: value).first
        else { return nil }
        return
            "the value does not fit '\(schema)': \(issue.pointer.isEmpty ? "" : issue.pointer + ": ")\(issue.message)"
    }

    /// Evals that a step names judge its output.
    private func evaluate(_ step: Composition.Step, _ output: JSONValue, _ turn: TurnID, _ span: SpanID) async {
        guard !step.evals.isEmpty else { return }
        let named = (agent.pack.evals + agent.pack.prompts.flatMap(\.evals)).filter { step.evals.contains($0.id) }
        await run(named, on: output.string ?? output.text, turn, span)
    }

    /// A prompt that allows every tool: a step names the one that it calls.
    private var openPrompt: Prompt {
        var prompt = agent.prompt
        prompt.tools = nil
        prompt.policy.blocklist = []
        return prompt
    }

    private func converse(
        _ step: Composition.Step, _ task: String, _ input: JSONValue?, _ run: CompositionRun, _ limits: InnerLimits,
        _ turn: TurnID, _ span: SpanID
    ) async throws(EngineError) -> String {
        guard let prompt = agent.pack.prompt(task) else {
            throw EngineError(.notFound, "there is no prompt '\(task)'")
        }
        let resolved = try run.resolved(input ?? run.input)
        // The fields of an object fill variables of the prompt, too.
        let names = Set(prompt.variables.map(\.name))
        let values = (resolved.object ?? JSONObject()).filter { names.contains($0.0) }
        return try await converse(
            agent.adapted(prompt), resolved.string ?? resolved.text, limits, name: "step \(step.id)", turn, span,
            values: Dictionary(values) { $1 })
    }
}
