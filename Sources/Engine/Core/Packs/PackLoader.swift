/// Reads a PromptPack out of a document and reports everything that is wrong with it.
package struct PackLoader {
    private let document: SourceDocument
    private let report = DiagnosticSink()

    package static func load(_ document: SourceDocument) -> Loaded<PromptPack> {
        let loader = PackLoader(document: document)
        let pack = loader.pack()
        let failed = loader.report.diagnostics.contains { $0.severity == .error }
        return Loaded(value: failed ? nil : pack, diagnostics: loader.report.diagnostics)
    }

    private init(document: SourceDocument) { self.document = document }

    private func pack() -> PromptPack? {
        guard var root = FieldReader(document, at: "", value: document.value, what: "a pack", report: report)
        else { return nil }
        let id = root.string("id", required: true) ?? ""
        checkID(id, "id", allowing: ["-"], root)
        let name = root.string("name", required: true) ?? id
        let version = root.string("version", required: true) ?? ""
        checkVersion(version, root)
        let description = root.string("description")
        readTemplateEngine(&root)
        let prompts = root.map("prompts", required: true).map { prompt($0.0, $0.1) }
        if root.object["prompts"]?.object?.isEmpty == true {
            root.error("a pack needs at least one prompt", at: "prompts")
        }
        let fragments = root.texts("fragments") ?? []
        let tools = root.map("tools").map { tool($0.0, $0.1) }
        noteWhatDoesNotAct(&root, ["evals", "workflow", "agents", "skills", "compositions"])
        root.ignore(["metadata", "compilation"])
        root.finish()
        return PromptPack(
            id: id, name: name, version: version, description: description, prompts: prompts,
            fragments: Dictionary(fragments) { _, last in last }, tools: tools)
    }

    private func checkID(_ id: String, _ key: String, allowing extra: Set<Character>, _ reader: FieldReader) {
        guard let first = id.first else { return }
        let letters: ClosedRange<Character> = "a"..."z"
        let digits: ClosedRange<Character> = "0"..."9"
        let rest = id.dropFirst().allSatisfy { letters.contains($0) || digits.contains($0) || extra.contains($0) }
        if !letters.contains(first) || !rest {
            let others = extra.sorted().map { "'\($0)'" }.joined(separator: " and ")
            reader.error(
                "the id '\(id)' must begin with a letter a-z and hold only a-z, 0-9 and \(others)", at: key)
        }
    }

    private func checkVersion(_ version: String, _ reader: FieldReader) {
        guard !version.isEmpty else { return }
        let core = version.drop { $0 == "v" }.prefix { $0 != "-" && $0 != "+" }
        let parts = core.split(separator: ".", omittingEmptySubsequences: false)
        if parts.count != 3 || !parts.allSatisfy({ UInt($0) != nil }) {
            reader.error(
                "the version '\(version)' is not a semantic version", at: "version",
                hint: "write three numbers, such as \"1.0.0\"")
        }
    }

    private func readTemplateEngine(_ root: inout FieldReader) {
        guard var engine = root.child("template_engine", required: true) else { return }
        _ = engine.string("version", required: true)
        let syntax = engine.string("syntax", required: true)
        _ = engine.strings("features")
        if let syntax, syntax != "{{variable}}" {
            engine.warning("templates are read as '{{variable}}', not as '\(syntax)'", at: "syntax")
        }
        engine.finish()
    }

    private func prompt(_ key: String, _ fields: FieldReader) -> Prompt {
        var fields = fields
        let id = fields.string("id", required: true) ?? key
        checkID(id, "id", allowing: ["-", "_"], fields)
        _ = fields.string("name", required: true)
        let version = fields.string("version", required: true) ?? ""
        checkVersion(version, fields)
        _ = fields.string("description")
        let template = fields.string("system_template", required: true) ?? ""
        let variables = fields.children("variables").map(variable)
        let tools = fields.strings("tools")
        let policy = fields.child("tool_policy").map(policy) ?? ToolPolicy()
        let parameters = fields.child("parameters").map(parameters) ?? ModelParameters()
        noteWhatDoesNotAct(&fields, ["validators", "evals", "model_overrides", "media"])
        fields.ignore(["tested_models", "pipeline"])
        fields.finish()
        return Prompt(
            key: key, id: id, version: version, systemTemplate: template, variables: variables, tools: tools,
            policy: policy, parameters: parameters, file: document.file,
            place: document.place(of: fields.path("system_template")))
    }

    /// What this version cannot honour is said, never dropped in silence.
    private func noteWhatDoesNotAct(_ fields: inout FieldReader, _ keys: [String]) {
        for key in keys {
            guard let value = fields.value(key), value != .array([]), value != .object(JSONObject()) else { continue }
            fields.warning("'\(key)' is read but does not act yet", at: key)
        }
    }

    private func variable(_ fields: FieldReader) -> Variable {
        var fields = fields
        let name = fields.string("name", required: true) ?? ""
        let type = fields.string("type", required: true) ?? "string"
        if fields.value("required") == nil { fields.missing("required") }
        let required = fields.bool("required") ?? false
        let value = fields.value("default")
        let description = fields.string("description")
        fields.ignore(["example", "binding"])
        noteWhatDoesNotAct(&fields, ["validation"])
        fields.finish()
        return Variable(
            name: name, type: type, required: required, defaultValue: value, description: description)
    }

    private func policy(_ fields: FieldReader) -> ToolPolicy {
        var fields = fields
        var policy = ToolPolicy()
        if let choice = fields.choice("tool_choice", of: ["auto", "required", "none"]) {
            policy.toolChoice = ToolChoice(rawValue: choice) ?? .auto
        }
        policy.maxRounds = fields.int("max_rounds", atLeast: 1) ?? policy.maxRounds
        policy.maxToolCallsPerTurn =
            fields.int("max_tool_calls_per_turn", atLeast: 1) ?? policy.maxToolCallsPerTurn
        policy.blocklist = fields.strings("blocklist") ?? []
        fields.finish()
        return policy
    }

    private func parameters(_ fields: FieldReader) -> ModelParameters {
        var fields = fields
        let parameters = ModelParameters(
            temperature: fields.number("temperature", in: 0...2),
            maxTokens: fields.int("max_tokens", atLeast: 1),
            topP: fields.number("top_p", in: 0...1),
            topK: fields.int("top_k", atLeast: 1),
            frequencyPenalty: fields.number("frequency_penalty", in: -2...2),
            presencePenalty: fields.number("presence_penalty", in: -2...2))
        fields.finish()
        return parameters
    }

    private func tool(_ key: String, _ fields: FieldReader) -> PackTool {
        var fields = fields
        let name = fields.string("name", required: true) ?? key
        let description = fields.string("description", required: true) ?? ""
        let parameters = fields.value("parameters") ?? ["type": "object"]
        fields.finish()
        return PackTool(name: name, description: description, parameters: parameters)
    }
}
