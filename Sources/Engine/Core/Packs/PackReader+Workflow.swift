extension PackReader {
    func workflow(_ value: JSONValue) -> Workflow {
        var budget = Workflow.Budget()
        if let limits = value["engine"]?["budget"] {
            budget.maxTotalVisits = limits["max_total_visits"]?.int
            budget.maxToolCalls = limits["max_tool_calls"]?.int
            budget.maxWallTimeSeconds = limits["max_wall_time_sec"]?.int
        }
        return Workflow(
            version: value["version"]?.int ?? 1, entry: value.text("entry") ?? "",
            states: value.entries("states").map { state($0, $1) }, budget: budget)
    }

    private func state(_ name: String, _ value: JSONValue) -> Workflow.State {
        Workflow.State(
            name: name, promptTask: value.text("prompt_task"), composition: value.text("composition"),
            description: value.text("description"),
            events: value.entries("on_event").compactMap { event, target in
                target.string.map { Workflow.Event(name: event, target: $0) }
            },
            terminal: value["terminal"]?.bool ?? false, maxVisits: value["max_visits"]?.int,
            onMaxVisits: value.text("on_max_visits"),
            artifacts: value.entries("artifacts").map { name, artifact in
                Workflow.Artifact(
                    name: name, type: artifact.text("type") ?? "text", description: artifact.text("description"),
                    appends: artifact.text("mode") == "append")
            },
            skills: value.text("skills"),
            persistence: value.text("persistence").flatMap { Workflow.Persistence(rawValue: $0) } ?? .transient,
            orchestration: value.text("orchestration").flatMap { Workflow.Orchestration(rawValue: $0) } ?? .internal)
    }

    func agents(_ value: JSONValue) -> Agents {
        Agents(
            entry: value.text("entry") ?? "",
            members: value.entries("members").map { name, member in
                Agents.Member(
                    name: name, description: member.text("description"), tags: member.texts("tags") ?? [],
                    inputModes: member.texts("input_modes") ?? ["text/plain"],
                    outputModes: member.texts("output_modes") ?? ["text/plain"], state: member.text("state"))
            })
    }

    func skill(_ value: JSONValue) -> SkillSource? {
        if let path = value.string { return .folder(path, preload: false) }
        if let path = value.text("path") { return .folder(path, preload: value["preload"]?.bool ?? false) }
        guard let name = value.text("name") else { return nil }
        return .inline(
            name: name, description: value.text("description") ?? "", instructions: value.text("instructions") ?? "")
    }

    // MARK: Compositions

    func composition(_ name: String, _ value: JSONValue) -> Composition {
        let pointer = "/compositions/" + JSONPointer.escape(name) + "/steps"
        return Composition(
            name: name, description: value.text("description"), steps: steps(value["steps"], at: pointer),
            output: value.text("output"), inputSchema: value.text("input_schema"),
            outputSchema: value.text("output_schema"))
    }

    private func steps(_ value: JSONValue?, at pointer: String) -> [Composition.Step] {
        (value?.array ?? []).enumerated().compactMap { index, item in
            let place = "\(pointer)/\(index)"
            return kind(item, at: place).map { kind in
                Composition.Step(
                    id: item.text("id") ?? "", kind: kind, description: item.text("description"),
                    dependsOn: item.texts("depends_on") ?? [],
                    maxAttempts: item["modifiers"]?["retry"]?["max_attempts"]?.int ?? 1,
                    evals: item["modifiers"]?.texts("eval") ?? [], pointer: place)
            }
        }
    }

    private func kind(_ item: JSONValue, at pointer: String) -> Composition.Step.Kind? {
        let task = item.text("prompt_task") ?? ""
        switch item.text("kind") {
        case "prompt": return .prompt(task: task, input: item["input"], outputSchema: item.text("output_schema"))
        case "agent":
            return .agent(
                task: task, input: item["input"], outputSchema: item.text("output_schema"), tools: item.texts("tools"),
                maxSteps: item["termination"]?["max_steps"]?.int,
                untilTool: item["termination"]?.text("tool_called"))
        case "tool": return .tool(name: item.text("tool") ?? "", arguments: item["args"]?.object ?? JSONObject())
        case "branch":
            return item["predicate"].flatMap(predicate).map {
                .branch($0, then: item.text("then") ?? "", otherwise: item.text("else"))
            }
        case "parallel":
            return .parallel(
                steps(item["branches"], at: pointer + "/branches"),
                strategy: item["reduce"]?.text("strategy") ?? "", into: item["reduce"]?.text("into") ?? "")
        default: return nil
        }
    }

    private func predicate(_ value: JSONValue) -> Composition.Predicate? {
        if let all = value["all_of"]?.array { return .all(all.compactMap(predicate)) }
        if let any = value["any_of"]?.array { return .any(any.compactMap(predicate)) }
        if let inner = value["not"] { return predicate(inner).map { .not($0) } }
        guard let path = value.text("path") else { return nil }
        if let exists = value["exists"]?.bool { return .exists(path: path, exists) }
        return .compare(path: path, comparison: value.text("op") ?? "", value: value["value"] ?? .null)
    }
}

extension JSONValue {
    /// The text under a name.
    package func text(_ key: String) -> String? { self[key]?.string }

    /// The texts of a list under a name; what is no text is left out.
    package func texts(_ key: String) -> [String]? { self[key]?.array?.compactMap(\.string) }

    /// Names and values of an object under a name.
    package func entries(_ key: String) -> [(String, JSONValue)] { self[key]?.object.map { Array($0) } ?? [] }
}
