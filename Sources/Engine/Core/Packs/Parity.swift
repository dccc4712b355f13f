/// A point in which PromptKit, which runs packs in production, does something else than the specification says.
package struct Divergence: Sendable, Equatable {
    /// A stable name.
    package var id: String
    /// What production does.
    package var message: String
    /// Where the pack is touched by it.
    package var pointer: String

    /// With its place.
    package func description(in document: SourceDocument) -> String {
        let (file, place) = document.location(of: pointer)
        return "\(file)\(place.map { ":\($0.line):\($0.column)" } ?? ""): \(id): \(message)"
    }

    package func json(in document: SourceDocument) -> JSONValue {
        let (file, place) = document.location(of: pointer)
        var object: JSONObject = ["id": .string(id), "message": .string(message), "file": .string(file)]
        if let place {
            object["line"] = .int(place.line)
            object["column"] = .int(place.column)
        }
        object["path"] = .string(pointer)
        return .object(object)
    }
}

/// What would be different in production (PromptKit 86d9f36: `runtime/template`, `runtime/pipeline/stage`,
/// `runtime/hooks/guardrails`, `runtime/evals`, `runtime/workflow`, `runtime/skills`).
package struct Parity {
    private let pack: PromptPack
    private let document: SourceDocument
    private var found: [Divergence] = []

    package static func report(
        _ pack: PromptPack, _ document: SourceDocument, reason: Violation? = nil
    ) -> [Divergence] {
        var parity = Parity(pack: pack, document: document)
        if let reason {
            parity.add("PK-SCHEMA", "PromptKit refuses the pack: \(reason.message)", at: reason.pointer)
        }
        for prompt in pack.prompts { parity.look(at: prompt) }
        if !pack.fragments.isEmpty {
            parity.add(
                "PK-FRAGMENTS", "fragments of a compiled pack are not put in; their placeholders stay", at: "/fragments"
            )
        }
        parity.look(at: pack.evals)
        if let workflow = pack.workflow { parity.look(at: workflow) }
        parity.lookAtSkills()
        return parity.found
    }

    private init(pack: PromptPack, document: SourceDocument) {
        self.pack = pack
        self.document = document
    }

    private mutating func add(_ id: String, _ message: String, at pointer: String) {
        found.append(Divergence(id: id, message: message, pointer: pointer))
    }

    // MARK: Prompts

    private mutating func look(at prompt: Prompt) {
        let pointer = "/prompts/" + JSONPointer.escape(prompt.key)
        lookAtTemplate(prompt, pointer)
        lookAtVariables(prompt, pointer)
        let value = document.value["prompts"]?[prompt.key]
        let usesTools = prompt.tools?.isEmpty == false || pack.workflow != nil || !pack.skills.isEmpty
        if value?["tool_policy"] == nil, usesTools {
            add("PK-ROUNDS", "a turn has 50 rounds, not the 5 of the specification", at: pointer)
        }
        if value?["tool_policy"] != nil {
            add(
                "PK-POLICY", "'tool_policy' is ignored: 50 rounds, no bound on calls, nothing is blocked",
                at: pointer + "/tool_policy")
        }
        let ignored = (value?["parameters"]?.object?.keys ?? []).filter { !["temperature", "max_tokens"].contains($0) }
        if !ignored.isEmpty {
            add("PK-PARAMS", "these parameters are ignored: \(quoted(ignored))", at: pointer + "/parameters")
        }
        if !prompt.overrides.isEmpty {
            add("PK-OVERRIDES", "'model_overrides' are ignored", at: pointer + "/model_overrides")
        }
        if prompt.media != nil {
            add("PK-MEDIA", "the limits of 'media' only warn", at: pointer + "/media")
        }
        lookAtGuardrails(prompt, pointer)
        look(at: prompt.evals)
    }

    private mutating func lookAtTemplate(_ prompt: Prompt, _ pointer: String) {
        let template = Template(prompt.systemTemplate)
        let place = pointer + "/system_template"
        let names = Set(prompt.variables.map(\.name))
        let unfilled = template.placeholders.filter { placeholder in
            !template.text[placeholder.range].elementsEqual("{{\(placeholder.inside)}}")
                || !names.contains(placeholder.inside)
        }
        if !unfilled.isEmpty {
            add(
                "PK-RAW-TEMPLATE",
                "\(quoted(unfilled.map { String(template.text[$0.range]) })) is filled only by a value of exactly that "
                    + "name; else the raw template is sent, placeholders and all", at: place)
        }
        if !template.placeholders.isEmpty {
            add(
                "PK-USER-WORDS",
                "'{{name}}' is filled in what the person says, too: whoever types a placeholder reads the value",
                at: place)
        }
    }

    private mutating func lookAtVariables(_ prompt: Prompt, _ pointer: String) {
        for (index, variable) in prompt.variables.enumerated() {
            let place = "\(pointer)/variables/\(index)"
            if variable.validation != VariableValidation() {
                add("PK-VALIDATION", "the rules of '\(variable.name)' are ignored", at: place + "/validation")
            }
            if variable.required {
                add(
                    "PK-REQUIRED",
                    "where '\(variable.name)' is missing, the whole prompt is replaced by a standard sentence, without "
                        + "tools and guardrails", at: place)
            } else if variable.defaultValue.map({ $0.templateText.isEmpty }) ?? true {
                add(
                    "PK-EMPTY",
                    "where '\(variable.name)' is not given, its placeholder stays, and the raw template is sent",
                    at: place)
            }
            if let value = variable.defaultValue, PromptKitRenderer.goText(value) != value.templateText {
                add(
                    "PK-GO-TEXT",
                    "the default of '\(variable.name)' is written as \(PromptKitRenderer.goText(value))",
                    at: place + "/default")
            }
        }
    }

    private mutating func lookAtGuardrails(_ prompt: Prompt, _ pointer: String) {
        let active = prompt.validators.filter(\.enabled)
        var cutter: ValidatorSpec?
        for validator in active {
            let kind = CheckRegistry.kind(validator.type)
            if ["regex_match", "pii_detection"].contains(validator.type) {
                add(
                    "PK-UNKNOWN-CHECK", "PromptKit has no '\(validator.type)'; it refuses the pack",
                    at: validator.pointer + "/type")
            }
            if validator.failOnViolation != true {
                add(
                    "PK-ALWAYS-ENFORCED",
                    "'\(validator.type)' only records here; PromptKit enforces every guardrail", at: validator.pointer)
            }
            if kind is SentenceCount.Type {
                add("PK-NO-OP", "'\(validator.type)' never fires", at: validator.pointer)
            }
            if kind is MaxLength.Type || kind is MinLength.Type {
                add("PK-BYTES", "'\(validator.type)' counts bytes, not characters", at: validator.pointer)
            }
            if kind is MaxLength.Type || kind is ContentExcludes.Type, validator.direction != .input {
                add(
                    "PK-STREAM-LEAK", "'\(validator.type)' looks at a piece of an answer after it was shown",
                    at: validator.pointer)
            }
            if let cutter {
                add(
                    "PK-SHORT-CIRCUIT",
                    "where '\(cutter.type)' fires, '\(validator.type)' is not asked any more", at: validator.pointer)
            } else {
                cutter = validator
            }
            if kind?.needs == .judge {
                add(
                    "PK-JUDGE-BLOCKS", "where the judge's reply cannot be read, the answer is blocked",
                    at: validator.pointer)
            }
        }
    }

    private mutating func look(at evals: [EvalSpec]) {
        for eval in evals where eval.threshold != nil {
            add("PK-THRESHOLD", "the threshold of '\(eval.id)' is never looked at", at: eval.pointer + "/threshold")
        }
    }

    // MARK: The rest

    private mutating func look(at workflow: Workflow) {
        var targets: [String: Set<String>] = [:]
        for event in workflow.states.flatMap(\.events) { targets[event.name, default: []].insert(event.target) }
        for (event, states) in targets.sorted(by: { $0.key < $1.key }) where states.count > 1 {
            add(
                "PK-WRONG-TARGET",
                "'\(event)' leads to \(quoted(states.sorted())); the model may be told the wrong one", at: "/workflow")
        }
        if workflow.budget != Workflow.Budget() {
            add(
                "PK-BUDGET", "the budget is looked at only when an event is processed, not inside a state",
                at: "/workflow/engine/budget")
        }
        for state in workflow.states {
            if let target = state.onMaxVisits.flatMap({ workflow.state($0) }), target.maxVisits != nil {
                add(
                    "PK-REDIRECT",
                    "'max_visits' of '\(target.name)' does not count when '\(state.name)' redirects to it",
                    at: "/workflow/states/\(JSONPointer.escape(state.name))/on_max_visits")
            }
        }
    }

    private mutating func lookAtSkills() {
        for (index, skill) in pack.skills.enumerated() {
            guard case .folder(_, preload: true) = skill else { continue }
            add("PK-PRELOAD", "the instructions of a preloaded skill are not put in", at: "/skills/\(index)")
        }
        if !pack.skills.isEmpty {
            add("PK-SKILL-TOOLS", "the tools of an active skill are named, but not offered", at: "/skills")
        }
    }
}
