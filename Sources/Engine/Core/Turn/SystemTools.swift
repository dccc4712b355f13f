/// Tools that the engine itself serves: they change nothing outside the session, so nobody is asked.
extension SessionRuntime {
    func systemTools(_ stage: Stage) -> [ToolDescriptor] {
        workflowTools(stage) + skillTools(stage) + agentTools(stage.prompt)
    }

    private func tool(_ name: String, _ description: String, _ properties: JSONObject) -> ToolDescriptor {
        ToolDescriptor(
            name: name, description: description,
            inputSchema: [
                "type": "object", "properties": .object(properties),
                "required": .array(properties.keys.map { .string($0) }),
            ], readOnly: true)
    }

    private func words(_ names: [String]) -> JSONValue {
        ["type": "string", "enum": .array(names.map { .string($0) })]
    }

    private func workflowTools(_ stage: Stage) -> [ToolDescriptor] {
        guard let workflow = agent.pack.workflow, let state = stage.state else { return [] }
        var found: [ToolDescriptor] = []
        if !state.isEnd, state.orchestration != .external {
            let events = state.events.map { "\($0.name) → \($0.target)" }.joined(separator: ", ")
            found.append(
                tool(
                    SystemTool.transition,
                    "Moves the conversation to another state when its event has happened. Events of the state "
                        + "'\(state.name)': \(events). 'context' is what the next state has to know.",
                    ["event": words(state.events.map(\.name).sorted()), "context": ["type": "string"]]))
        }
        let artifacts = workflow.artifacts
        if !artifacts.isEmpty {
            let described = artifacts.map { artifact in
                artifact.description.map { "\(artifact.name): \($0)" } ?? artifact.name
            }
            found.append(
                tool(
                    SystemTool.setArtifact,
                    "Notes a result of the work, which later states see. \(described.joined(separator: "; "))",
                    ["name": words(artifacts.map(\.name).sorted()), "value": ["type": "string"]]))
        }
        return found
    }

    private func skillTools(_ stage: Stage) -> [ToolDescriptor] {
        let known = skills.filter { !$0.preload || agent.semantics == .promptKit }
        guard !known.isEmpty else { return [] }
        let index = known.map { "\($0.name): \($0.description)" }.joined(separator: "\n")
        let active = activeSkills
        var found = [
            tool(
                SystemTool.activateSkill, "Loads the instructions of a skill. Skills:\n\(index)",
                ["name": words(known.map(\.name))])
        ]
        if !active.isEmpty {
            found.append(
                tool(
                    SystemTool.deactivateSkill, "Puts a skill away that is not needed any more.",
                    ["name": words(active)]))
        }
        let withFiles = known.filter { $0.folder != nil && active.contains($0.name) }.map(\.name)
        if !withFiles.isEmpty {
            found.append(
                tool(
                    SystemTool.readSkill, "Reads a file of an active skill.",
                    ["skill_name": words(withFiles), "path": ["type": "string"]]))
        }
        return found
    }

    /// Members that the prompt names are tools.
    private func agentTools(_ prompt: Prompt) -> [ToolDescriptor] {
        guard let agents = agent.pack.agents else { return [] }
        let named = prompt.tools ?? []
        return agents.members.filter { member in
            member.name != prompt.key
                && (named.contains(member.name) || named.contains(SystemTool.agentPrefix + member.name))
        }.map { member in
            let described = member.description ?? agent.pack.prompt(member.name)?.name ?? member.name
            return tool(
                SystemTool.agentPrefix + member.name, "Asks another agent. \(described)", ["query": ["type": "string"]])
        }
    }

    // MARK: Skills that are active

    /// Names in the order of activation; a fold over the calls, so that a restart loses none.
    var activeSkills: [String] {
        log.sessionCalls.reduce(into: []) { active, call in
            guard !call.failed, let name = call.arguments["name"]?.string else { return }
            if call.tool == SystemTool.activateSkill, !active.contains(name) { active.append(name) }
            if call.tool == SystemTool.deactivateSkill { active.removeAll { $0 == name } }
        }
    }

    /// Tools that the active skills need. By PromptKit they are named, but never offered.
    var activeSkillTools: Set<String> {
        guard agent.semantics == .strict else { return [] }
        let active = activeSkills
        return Set(agent.skills.filter { active.contains($0.name) || $0.preload }.flatMap(\.tools))
    }

    // MARK: Running them

    func isSystemTool(_ name: String, _ stage: Stage) -> Bool { systemTools(stage).contains { $0.name == name } }

    /// - Throws: what the model is told.
    func runSystemTool(
        _ call: ToolCall, _ stage: Stage, _ turn: TurnID?, _ span: SpanID
    ) async throws(EngineError) -> String {
        if let described = systemTools(stage).first(where: { $0.name == call.tool }) {
            let issues = JSONSchema(described.inputSchema, patterns: agent.patterns).issues(in: call.arguments)
            if let issue = issues.first {
                throw EngineError(
                    .invalidInput, issue.pointer.isEmpty ? issue.message : "\(issue.pointer): \(issue.message)")
            }
        }
        switch call.tool {
        case SystemTool.transition: return try scheduleMove(call.arguments).text
        case SystemTool.setArtifact: return try setArtifact(call.arguments, turn).text
        case SystemTool.activateSkill: return try activate(call.arguments)
        case SystemTool.deactivateSkill:
            let skill = agent.skills.first { $0.name == call.arguments["name"]?.string }
            return JSONValue.object(["removed_tools": .array((skill?.tools ?? []).map { .string($0) })]).text
        case SystemTool.readSkill: return try readResource(call.arguments)
        default:
            let name = String(call.tool.dropFirst(SystemTool.agentPrefix.count))
            let text = try await askMember(
                name, call.arguments["query"]?.string ?? "", depth: stage.depth, turn, span)
            return JSONValue.object(["response": .string(text)]).text
        }
    }

    private func activate(_ arguments: JSONValue) throws(EngineError) -> String {
        let name = arguments["name"]?.string ?? ""
        guard let skill = skills.first(where: { $0.name == name }) else {
            throw EngineError(
                .notFound, "there is no skill '\(SafeText.oneLine(name, limit: 80))'",
                hint: Suggestion.hint(for: name, among: skills.map(\.name)))
        }
        return JSONValue.object([
            "instructions": .string(skill.instructions), "added_tools": .array(skill.tools.map { .string($0) }),
        ]).text
    }

    /// A file of a skill; never one outside of its folder.
    private func readResource(_ arguments: JSONValue) throws(EngineError) -> String {
        let name = arguments["skill_name"]?.string ?? ""
        let path = arguments["path"]?.string ?? ""
        guard let folder = agent.skills.first(where: { $0.name == name })?.folder, let files = agent.files else {
            throw EngineError(.notFound, "the skill '\(SafeText.oneLine(name, limit: 80))' has no files")
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !path.hasPrefix("/"), !path.hasPrefix("~"), !parts.contains(".."), !path.isEmpty else {
            throw EngineError(
                .refused, "the path '\(SafeText.oneLine(path, limit: 200))' leads out of the skill's folder")
        }
        return String(decoding: try files.read(inside: folder, path), as: UTF8.self)
    }
}
