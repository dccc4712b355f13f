/// A PromptConfig becomes a prompt.
extension PackSources {
    /// - Parameter variables: defaults that win over the file's own.
    mutating func takePrompt(_ document: SourceDocument, defaults: JSONObject = JSONObject()) {
        check(document, PromptConfigShape.root)
        guard let spec = document.value["spec"], spec.object != nil else {
            return fail("'spec' is missing", in: document, at: "")
        }
        takePrompt(spec, name: document.value["metadata"]?.text("name"), document, at: "/spec", defaults: defaults)
    }

    mutating func takePrompt(
        _ spec: JSONValue, name: String?, _ document: SourceDocument, at origin: String, defaults: JSONObject
    ) {
        guard let task = spec.text("task_type") ?? name, let template = spec.text("system_template") else {
            return fail(
                "'\(spec.text("task_type") ?? name == nil ? "task_type" : "system_template")' is missing", in: document,
                at: origin)
        }
        let pointer = "/prompts/" + JSONPointer.escape(task)
        var prompt: JSONObject = [
            "id": .string(Self.promptID(task)), "name": .string(name ?? task),
            "version": .string(version(spec.text("version"), document, origin)),
        ]
        prompt["description"] = spec["description"]
        prompt["system_template"] = .string(template)
        if let variables = spec["variables"]?.array, !variables.isEmpty {
            prompt["variables"] = .array(variables.map { Self.variable($0, defaults) })
        }
        prompt["tools"] = spec["allowed_tools"]
        for key in ["tool_policy", "parameters", "tested_models", "model_overrides", "media"] {
            prompt[key] = spec[key]
        }
        if let validators = spec["validators"]?.array, !validators.isEmpty {
            prompt["validators"] = .array(validators.map(Self.validator))
        }
        if let evals = spec["evals"]?.array, !evals.isEmpty {
            prompt["evals"] = .array(evals.enumerated().map { eval($1, document, at: "\(origin)/evals/\($0)") })
        }
        put(.object(prompt), under: "prompts", task, of: document, from: origin)
        parts.append(SourceDocument.Part(at: pointer + "/tools", of: document, from: origin + "/allowed_tools"))
        if let engine = spec["template_engine"] { pack["template_engine"] = engine }
        if let metadata = spec["metadata"], pack["metadata"] == nil { pack["metadata"] = metadata }
        takeFragments(spec["fragments"]?.array ?? [], document, at: origin + "/fragments")
    }

    private static func promptID(_ task: String) -> String {
        let letters = task.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") ? $0 : "-" }
        let id = String(letters.drop { !$0.isLetter })
        return id.isEmpty ? "prompt" : id
    }

    private mutating func version(_ text: String?, _ document: SourceDocument, _ origin: String) -> String {
        guard let text else { return "1.0.0" }
        if TextForm.version.fits(Substring(text).utf8) { return text }
        // What people write: "1", "1.0", "v2".
        let numbers = text.drop { $0 == "v" }.split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count < 3, numbers.allSatisfy({ UInt($0) != nil }) else {
            fail(
                "'\(SafeText.oneLine(text, limit: 60))' is not a semantic version", in: document,
                at: origin + "/version", hint: "such as 1.0.0", severity: .warning)
            return "1.0.0"
        }
        return (numbers.map { String(UInt($0) ?? 0) } + Array(repeating: "0", count: 3 - numbers.count))
            .joined(separator: ".")
    }

    private static func variable(_ value: JSONValue, _ defaults: JSONObject) -> JSONValue {
        guard var variable = value.object else { return value }
        if variable["type"] == nil { variable["type"] = "string" }
        if let name = variable["name"]?.string, let standard = defaults[name] {
            variable["default"] = standard
            variable["required"] = false
        }
        if variable["required"] == nil { variable["required"] = false }
        if let binding = variable["binding"]?.object {
            var packed = JSONObject()
            packed["kind"] = binding["kind"]
            packed["field"] = binding["field"]
            packed["auto_populate"] = binding["autoPopulate"]
            packed["filter"] = binding["filter"].map { .string($0.string ?? $0.text) }
            variable["binding"] = .object(packed)
        }
        return .object(variable)
    }

    private static func validator(_ value: JSONValue) -> JSONValue {
        guard var validator = value.object else { return value }
        if validator["enabled"] == nil { validator["enabled"] = true }
        return .object(validator)
    }

    /// PromptKit's threshold has bounds; the specification's has one comparison.
    mutating func eval(_ value: JSONValue, _ document: SourceDocument, at origin: String) -> JSONValue {
        guard var eval = value.object, let threshold = eval["threshold"]?.object, threshold["operator"] == nil else {
            return value
        }
        if let low = threshold["min_score"] {
            eval["threshold"] = ["operator": "gte", "value": low]
            if threshold["max_score"] != nil {
                fail(
                    "a threshold of the specification has one bound; 'max_score' is left out", in: document,
                    at: origin + "/threshold/max_score", severity: .warning)
            }
        } else if let high = threshold["max_score"] {
            eval["threshold"] = ["operator": "lte", "value": high]
        } else {
            eval["threshold"] = nil
        }
        return .object(eval)
    }

    // MARK: Fragments

    /// Fragments stand beside the prompt: `fragments/NAME.yaml`, or where `path` says. PromptKit looks for a `path`
    /// from the folder that it was started in; here it is looked for there and beside the file.
    private mutating func takeFragments(_ references: [JSONValue], _ document: SourceDocument, at origin: String) {
        for (index, reference) in references.enumerated() {
            guard let name = reference.text("name") else { continue }
            let candidates =
                reference.text("path").map { [Self.resolve($0, beside: document.file), $0] }
                ?? ["yaml", "yml", "json"].map { Self.resolve("fragments/\(name).\($0)", beside: document.file) }
            guard let path = candidates.first(where: { reader.files.exists($0) }) else {
                let isRequired = reference["required"]?.bool ?? true
                fail(
                    "there is no fragment '\(SafeText.oneLine(name, limit: 80))': looked for \(candidates[0])",
                    in: document, at: "\(origin)/\(index)",
                    hint: isRequired ? nil : "its placeholder will not be filled",
                    severity: isRequired ? .error : .warning)
                continue
            }
            guard let fragment = read(path, for: document, at: "\(origin)/\(index)") else { continue }
            let pointer = fragment.value["spec"]?["content"] == nil ? "/content" : "/spec/content"
            guard let content = fragment.value["content"]?.string ?? fragment.value["spec"]?.text("content") else {
                fail("'content' is missing", in: fragment, at: "")
                continue
            }
            put(.string(content), under: "fragments", name, of: fragment, from: pointer)
        }
    }
}
