/// What a schema cannot see: names that lead nowhere, and rules that contradict each other.
struct PackLint {
    let pack: PromptPack
    let document: SourceDocument
    let patterns: any PatternCompiler
    let report: DiagnosticSink

    static func check(
        _ pack: PromptPack, _ document: SourceDocument, _ patterns: any PatternCompiler, _ report: DiagnosticSink
    ) {
        let lint = PackLint(pack: pack, document: document, patterns: patterns, report: report)
        for prompt in pack.prompts { lint.check(prompt) }
        for tool in pack.tools where tool.name != tool.key {
            lint.warning(
                "the tool is called '\(tool.name)' here and '\(tool.key)' by its key; models are told '\(tool.name)'",
                at: "/tools/\(JSONPointer.escape(tool.key))/name", "name-and-key")
        }
        lint.check(pack.evals)
        for feature in pack.templateFeatures where ["conditionals", "loops", "filters"].contains(feature) {
            lint.warning(
                "no runtime has '\(feature)' in templates: the specification names it without a grammar",
                at: "/template_engine/features", "template-feature")
        }
        if let workflow = pack.workflow { lint.check(workflow) }
        if let agents = pack.agents { lint.check(agents) }
        for composition in pack.compositions { lint.check(composition) }
    }

    func error(_ message: String, at pointer: String, _ rule: String, hint: String? = nil) {
        report.add(.error, message, in: document, at: pointer, hint: hint, rule: rule)
    }

    func warning(_ message: String, at pointer: String, _ rule: String, hint: String? = nil) {
        report.add(.warning, message, in: document, at: pointer, hint: hint, rule: rule)
    }

    func note(_ message: String, at pointer: String, _ rule: String, hint: String? = nil) {
        report.add(.note, message, in: document, at: pointer, hint: hint, rule: rule)
    }

    /// A name that has to be one of others.
    func refer(
        _ what: String, _ name: String, among names: [String], at pointer: String, _ rule: String
    ) {
        guard !names.contains(name) else { return }
        let hint =
            Suggestion.hint(for: name, among: names)
            ?? (names.isEmpty ? nil : "there are: \(names.prefix(12).joined(separator: ", "))")
        error("there is no \(what) '\(SafeText.oneLine(name, limit: 80))'", at: pointer, rule, hint: hint)
    }

    // MARK: Prompts

    private func check(_ prompt: Prompt) {
        let pointer = "/prompts/" + JSONPointer.escape(prompt.key)
        checkTools(prompt, pointer)
        checkVariables(prompt, pointer)
        checkTemplates(prompt, pointer)
        checkGuardrails(prompt, pointer)
        check(prompt.evals)
        if document.value["prompts"]?[prompt.key]?["pipeline"] != nil {
            note(
                "no runtime builds its pipeline from 'pipeline'; it only informs", at: pointer + "/pipeline", "not-here"
            )
        }
        if prompt.policy.toolChoice == .required, prompt.tools == [] {
            warning(
                "'tool_choice' is 'required', but the prompt has no tools", at: pointer + "/tool_policy/tool_choice",
                "tool-policy")
        }
    }

    private func checkTools(_ prompt: Prompt, _ pointer: String) {
        let described = pack.tools.map(\.name) + pack.tools.map(\.key)
        let members = pack.agents?.members.map(\.name) ?? []
        var strangers: [String] = []
        for (index, tool) in (prompt.tools ?? []).enumerated() {
            let isElsewhere = tool.hasSuffix("*") || tool.contains("__") || members.contains(tool)
            guard !isElsewhere, !described.contains(tool), !pack.tools.isEmpty else { continue }
            if let hint = Suggestion.hint(for: tool, among: described + members) {
                warning(
                    "the prompt names the tool '\(tool)', which the pack does not describe",
                    at: "\(pointer)/tools/\(index)", "unknown-tool", hint: hint)
            } else {
                strangers.append(tool)
            }
        }
        if !strangers.isEmpty {
            note(
                "the pack does not describe these tools of the prompt: \(quoted(strangers))", at: pointer + "/tools",
                "unknown-tool", hint: "they work where the tools file serves them")
        }
        for (index, tool) in prompt.policy.blocklist.enumerated() {
            guard let tools = prompt.tools, !prompt.allowsByList(tool) else { continue }
            warning(
                "the blocklist names '\(tool)', which the prompt does not use",
                at: "\(pointer)/tool_policy/blocklist/\(index)", "tool-policy",
                hint: Suggestion.hint(for: tool, among: tools))
        }
    }

    private func checkVariables(_ prompt: Prompt, _ pointer: String) {
        var seen: Set<String> = []
        let texts =
            [prompt.systemTemplate]
            + prompt.overrides.values.flatMap { [$0.template, $0.prefix, $0.suffix] }
            .compactMap(\.self)
        let used = Set(
            (texts + Array(pack.fragments.values)).flatMap { Template($0).placeholders.map { $0.path.root } })
        for (index, variable) in prompt.variables.enumerated() {
            let place = "\(pointer)/variables/\(index)"
            if !seen.insert(variable.name).inserted {
                warning("the variable '\(variable.name)' is declared twice", at: place + "/name", "repeated-variable")
            }
            if !used.contains(variable.name) {
                warning(
                    "the variable '\(variable.name)' is never used", at: place + "/name", "unused-variable",
                    hint: Suggestion.nearest(to: variable.name, among: used.subtracting(seen).sorted()).map {
                        "the template has '{{\($0)}}'"
                    })
            }
            if variable.required, variable.defaultValue != nil {
                warning(
                    "a required variable has a default, which the specification rules out", at: place + "/default",
                    "required-default")
            }
            if pack.fragments[variable.name] != nil {
                warning(
                    "a fragment is called '\(variable.name)', too; the variable wins", at: place + "/name",
                    "shadowed-fragment")
            }
            checkValues(variable, place)
        }
    }

    private func checkValues(_ variable: Variable, _ place: String) {
        if let pattern = variable.validation.pattern {
            checkPattern(pattern, at: place + "/validation/pattern")
        }
        if let low = variable.validation.minLength, let high = variable.validation.maxLength, low > high {
            error("'min_length' is more than 'max_length'", at: place + "/validation/min_length", "impossible-rule")
        }
        if let low = variable.validation.minimum, let high = variable.validation.maximum, low > high {
            error("'minimum' is more than 'maximum'", at: place + "/validation/minimum", "impossible-rule")
        }
        if let value = variable.defaultValue, let problem = variable.problem(with: value, patterns) {
            error(
                "the default breaks the variable's own rules: \(problem)", at: place + "/default", "invalid-default")
        }
        if let value = variable.example, !value.isNull, let problem = variable.problem(with: value, patterns) {
            warning(
                "the example breaks the variable's own rules: \(problem)", at: place + "/example", "invalid-example")
        }
    }

    func checkPattern(_ pattern: String, at pointer: String) {
        do throws(EngineError) {
            _ = try patterns.compile(pattern, ignoringCase: false)
        } catch {
            self.error("the pattern cannot be used: \(error.message)", at: pointer, "invalid-pattern")
        }
    }

    private func checkTemplates(_ prompt: Prompt, _ pointer: String) {
        var templates = [(prompt.systemTemplate, pointer + "/system_template")]
        for (model, override) in prompt.overrides {
            let place = "\(pointer)/model_overrides/\(JSONPointer.escape(model))/"
            for (text, key) in [
                (override.template, "system_template"), (override.prefix, "system_template_prefix"),
                (override.suffix, "system_template_suffix"),
            ] {
                if let text { templates.append((text, place + key)) }
            }
        }
        let names = prompt.variables.map(\.name) + pack.fragments.keys
        for (text, place) in templates {
            for placeholder in Template(text).placeholders where !isKnown(placeholder, prompt) {
                let name = placeholder.inside
                warning(
                    "'{{\(SafeText.oneLine(name, limit: 60))}}' is neither a variable nor a fragment", at: place,
                    "unknown-placeholder",
                    hint: Suggestion.nearest(to: placeholder.path.root, among: names).map {
                        "did you mean '{{\($0)}}'?"
                    }
                        ?? "declare it under \"variables\", or give it with --var")
            }
            checkSecrets(text, at: place)
        }
    }

    private func isKnown(_ placeholder: Template.Placeholder, _ prompt: Prompt) -> Bool {
        if let fragment = placeholder.fragment { return pack.fragments[fragment] != nil }
        let root = placeholder.path.root
        return prompt.variables.contains { $0.name == root } || pack.fragments[root] != nil
            || Template.providedNames.contains(root)
    }

    /// What looks like a key does not belong into a file that is shared.
    private func checkSecrets(_ text: String, at pointer: String) {
        let marks = ["sk-", "ghp_", "AKIA", "xoxb-", "-----BEGIN"]
        guard let mark = marks.first(where: { isKey($0, in: text) }) else { return }
        warning("the template holds what looks like a secret ('\(mark)…')", at: pointer, "secret")
    }

    /// Whether a long word begins with a mark of keys.
    private func isKey(_ mark: String, in text: String) -> Bool {
        guard let found = text.range(ofIgnoringCase: mark), text[found] == mark else { return false }
        if let before = text[..<found.lowerBound].utf8.last, TextForm.isLetter(before) || TextForm.isDigit(before) {
            return false
        }
        let length = text[found.lowerBound...].utf8.prefix {
            $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "'")
        }
        return mark.hasPrefix("-") || length.count >= 20
    }

    // MARK: Guardrails and evals

    private func checkGuardrails(_ prompt: Prompt, _ pointer: String) {
        for validator in prompt.validators {
            checkKind(
                "guardrail", validator.type, validator.params, at: validator.pointer, isFatal: validator.enabled)
            if let direction = validator.params["direction"],
                direction.string.flatMap({ ValidatorSpec.Direction(rawValue: $0) }) == nil
            {
                warning(
                    "'direction' is \(direction.text); 'output' is taken", at: validator.pointer + "/params/direction",
                    "guardrail-params", hint: "one of: input, output, both")
            }
            if validator.enabled, validator.message != nil, validator.failOnViolation != true {
                note(
                    "the guardrail '\(validator.type)' only records: its message is said where 'fail_on_violation' is "
                        + "true", at: validator.pointer, "guardrail-monitors")
            }
        }
        checkBannedWords(prompt, pointer)
        let lengths = { (names: [String]) in
            prompt.validators.filter { $0.enabled && names.contains($0.type) }.compactMap { validator in
                ["max", "max_characters", "max_chars", "min", "min_characters", "min_chars"].compactMap {
                    validator.params[$0]?.int
                }.first.map { (validator, $0) }
            }
        }
        if let low = lengths(["min_length"]).first, let high = lengths(["max_length", "length"]).first, low.1 > high.1 {
            error(
                "no answer can be at least \(low.1) and at most \(high.1) characters long", at: low.0.pointer,
                "impossible-rule")
        }
    }

    /// A prompt that says what its guardrail forbids invites the model to repeat it.
    private func checkBannedWords(_ prompt: Prompt, _ pointer: String) {
        for validator in prompt.validators where validator.enabled && validator.direction != .input {
            guard case .forbids(let texts)? = CheckRegistry.make(validator.type, validator.params)?.stream,
                let found = texts.first(where: { $0.range(in: prompt.systemTemplate) != nil })
            else { continue }
            warning(
                "the system prompt itself holds '\(found.text)', which the guardrail '\(validator.type)' forbids",
                at: pointer + "/system_template", "banned-word-in-prompt")
        }
    }

    private func check(_ evals: [EvalSpec]) {
        var seen: Set<String> = []
        for eval in evals {
            if !seen.insert(eval.id).inserted {
                warning("a second eval has the id '\(eval.id)'", at: eval.pointer + "/id", "repeated-eval")
            }
            checkKind("eval", eval.type, eval.params, at: eval.pointer, isFatal: false)
            if !eval.trigger.isEmpty, EvalSpec.Trigger(rawValue: eval.trigger) == nil {
                warning(
                    "the trigger '\(eval.trigger)' never fires", at: eval.pointer + "/trigger", "eval-trigger",
                    hint: "one of: " + EvalSpec.Trigger.allCases.map(\.rawValue).joined(separator: ", "))
            }
            if let threshold = eval.threshold, threshold.passes(0) == nil {
                error(
                    "the comparison '\(threshold.comparison)' is unknown", at: eval.pointer + "/threshold/operator",
                    "eval-threshold", hint: "one of: gte, lte, gt, lt, eq")
            }
        }
    }

    /// An unknown guardrail is fatal: a control that is missing must not look like one that is there.
    private func checkKind(_ what: String, _ type: String, _ params: JSONObject, at pointer: String, isFatal: Bool) {
        guard !type.isEmpty else { return }
        guard let kind = CheckRegistry.kind(type) else {
            let message = "there is no check of the type '\(SafeText.oneLine(type, limit: 80))'"
            let hint = Suggestion.hint(for: type, among: CheckRegistry.names)
            if isFatal {
                error(message, at: pointer + "/type", "unknown-check", hint: hint)
            } else {
                warning(message + "; the \(what) is skipped", at: pointer + "/type", "unknown-check", hint: hint)
            }
            return
        }
        let found = DiagnosticSink()
        let check = CheckRegistry.make(type, params, in: document, at: pointer + "/params", report: found)
        for var diagnostic in found.diagnostics {
            diagnostic.rule = "check-params"
            diagnostic.severity = .warning
            if check == nil { diagnostic.message += "; the \(what) is skipped" }
            report.diagnostics.append(diagnostic)
        }
        if let pattern = params["pattern"]?.string, kind is RegexMatch.Type {
            checkPattern(pattern, at: pointer + "/params/pattern")
        }
        if kind.needs == .service {
            warning(
                "'\(type)' needs a service outside, so it is skipped here and the result says so",
                at: pointer + "/type", "not-here")
        }
    }
}

extension Prompt {
    /// Whether the list of tools holds a name, blocked or not.
    func allowsByList(_ tool: String) -> Bool {
        tools?.contains { $0.hasSuffix("*") ? tool.hasPrefix($0.dropLast()) : $0 == tool } ?? true
    }
}
