/// Turns the JSON of a pack into values. It takes what it can use and says nothing: what is wrong was said by the
/// shape.
struct PackReader {
    let document: SourceDocument

    func pack() -> PromptPack {
        let root = document.value
        return PromptPack(
            id: root.text("id") ?? "", name: root.text("name") ?? "", version: root.text("version") ?? "",
            description: root.text("description"),
            templateFeatures: root["template_engine"]?.texts("features") ?? [],
            prompts: root.entries("prompts").map { prompt($0, $1) },
            fragments: Dictionary(
                root.entries("fragments").compactMap { name, value in value.string.map { (name, $0) } }
            ) { _, last in last },
            tools: root.entries("tools").map { key, value in
                PackTool(
                    key: key, name: value.text("name") ?? key, description: value.text("description") ?? "",
                    parameters: value["parameters"] ?? ["type": "object"])
            },
            evals: evals(root, at: "/evals"), workflow: root["workflow"].map(workflow),
            agents: root["agents"].map(agents),
            skills: (root["skills"]?.array ?? []).compactMap(skill),
            compositions: root.entries("compositions").map { composition($0, $1) }, file: document.file)
    }

    private func prompt(_ key: String, _ value: JSONValue) -> Prompt {
        let pointer = "/prompts/" + JSONPointer.escape(key)
        return Prompt(
            key: key, id: value.text("id") ?? key, name: value.text("name") ?? key,
            version: value.text("version") ?? "", systemTemplate: value.text("system_template") ?? "",
            variables: (value["variables"]?.array ?? []).map(variable), tools: value.texts("tools"),
            policy: policy(value["tool_policy"]), parameters: parameters(value["parameters"]),
            validators: (value["validators"]?.array ?? []).enumerated().map { index, item in
                validator(item, at: "\(pointer)/validators/\(index)")
            },
            evals: evals(value, at: pointer + "/evals"),
            overrides: Dictionary(value.entries("model_overrides").map { ($0, override($1)) }) { _, last in last },
            media: value["media"].map(media),
            testedModels: (value["tested_models"]?.array ?? []).compactMap { $0.text("model") },
            origin: Prompt.Origin(document, at: pointer))
    }

    private func variable(_ value: JSONValue) -> Variable {
        var validation = VariableValidation()
        if let rules = value["validation"] {
            validation.pattern = rules.text("pattern")
            validation.minLength = rules["min_length"]?.int
            validation.maxLength = rules["max_length"]?.int
            validation.minimum = rules["minimum"]?.double
            validation.maximum = rules["maximum"]?.double
            validation.choices = rules["enum"]?.array
        }
        let binding = value["binding"].map { bound in
            var binding = VariableBinding()
            binding.kind = bound.text("kind")
            binding.field = bound.text("field")
            binding.autoPopulate = bound["auto_populate"]?.bool ?? false
            binding.filter = bound.text("filter")
            return binding
        }
        return Variable(
            name: value.text("name") ?? "", type: value.text("type") ?? "string",
            required: value["required"]?.bool ?? false, defaultValue: value["default"].flatMap { $0.isNull ? nil : $0 },
            description: value.text("description"), example: value["example"], validation: validation,
            binding: binding)
    }

    private func policy(_ value: JSONValue?) -> ToolPolicy {
        var policy = ToolPolicy()
        guard let value else { return policy }
        policy.toolChoice = value.text("tool_choice").flatMap { ToolChoice(rawValue: $0) } ?? .auto
        policy.maxRounds = value["max_rounds"]?.int ?? policy.maxRounds
        policy.maxToolCallsPerTurn = value["max_tool_calls_per_turn"]?.int ?? policy.maxToolCallsPerTurn
        policy.blocklist = value.texts("blocklist") ?? []
        return policy
    }

    private func parameters(_ value: JSONValue?) -> ModelParameters {
        ModelParameters(
            temperature: value?["temperature"]?.double, maxTokens: value?["max_tokens"]?.int,
            topP: value?["top_p"]?.double, topK: value?["top_k"]?.int,
            frequencyPenalty: value?["frequency_penalty"]?.double,
            presencePenalty: value?["presence_penalty"]?.double)
    }

    private func override(_ value: JSONValue) -> ModelOverride {
        var override = ModelOverride()
        override.prefix = value.text("system_template_prefix")
        override.suffix = value.text("system_template_suffix")
        override.template = value.text("system_template")
        override.parameters = parameters(value["parameters"])
        return override
    }

    private func validator(_ value: JSONValue, at pointer: String) -> ValidatorSpec {
        let params = value["params"]?.object ?? JSONObject()
        return ValidatorSpec(
            type: value.text("type") ?? "", enabled: value["enabled"]?.bool ?? true,
            failOnViolation: value["fail_on_violation"]?.bool,
            message: value.text("message") ?? params["message"]?.string,
            direction: params["direction"]?.string.flatMap { ValidatorSpec.Direction(rawValue: $0) } ?? .output,
            params: params, pointer: pointer)
    }

    private func evals(_ value: JSONValue, at pointer: String) -> [EvalSpec] {
        (value["evals"]?.array ?? []).enumerated().map { index, item in
            EvalSpec(
                id: item.text("id") ?? "", type: item.text("type") ?? "", trigger: item.text("trigger") ?? "",
                enabled: item["enabled"]?.bool ?? true,
                samplePercentage: item["sample_percentage"]?.double ?? 5,
                params: item["params"]?.object ?? JSONObject(),
                threshold: item["threshold"].flatMap { threshold in
                    threshold["value"]?.double.map {
                        EvalSpec.Threshold(comparison: threshold.text("operator") ?? "gte", value: $0)
                    }
                },
                message: item.text("message"), when: item["when"]?.object, groups: item.texts("groups") ?? [],
                metric: item["metric"]?.text("name"), pointer: "\(pointer)/\(index)")
        }
    }

    private func media(_ value: JSONValue) -> MediaLimits {
        var limits = MediaLimits(
            enabled: value["enabled"]?.bool ?? false, types: value.texts("supported_types") ?? [])
        for (name, part) in value.object ?? JSONObject() where part.object != nil {
            var kind = MediaLimits.Kind()
            kind.maxMegabytes = part["max_size_mb"]?.int
            kind.formats = part.texts("allowed_formats") ?? []
            kind.maxPerMessage = part["max_images_per_msg"]?.int
            kind.maxSeconds = part["max_duration_sec"]?.int
            kind.maxPages = part["max_pages"]?.int
            kind.requiresCaption = part["require_caption"]?.bool ?? false
            limits.kinds[name] = kind
        }
        return limits
    }
}
