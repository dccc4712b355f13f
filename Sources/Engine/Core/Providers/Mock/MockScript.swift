/// What a mock provider says: PromptArena's mock file (`scenarios`, `turns`), and beyond it rules for interactive
/// use (`rules`).
package struct MockScript: Sendable {
    /// One thing the mock says: a text, calls, and how it goes on once the calls have run.
    package indirect enum Next: Sendable { case end, step(Step) }

    package struct Step: Sendable {
        package var text: String
        package var calls: [Call]
        package var then: Next
        /// Instead of `then`, when a call failed or was refused.
        package var failed: Next
    }

    package struct Call: Sendable {
        package var tool: String
        package var arguments: JSONValue
    }

    package struct Rule: Sendable {
        package var when: any Pattern
        package var step: Step
    }

    package struct Scenario: Sendable {
        package var turns: [Int: Step]
        package var standard: String?
        /// By the id of a composition's step.
        package var steps: [String: Step] = [:]
    }

    package var standard: String?
    package var scenarios: [String: Scenario]
    package var rules: [Rule]
    /// Characters a second; zero: at once.
    package var pace: Int
    /// The model whose price the mock borrows, such as `openai/gpt-4o-mini`.
    package var pricedAs: String?

    package init(
        standard: String? = nil, scenarios: [String: Scenario] = [:], rules: [Rule] = [], pace: Int = 0,
        pricedAs: String? = nil
    ) {
        self.standard = standard
        self.scenarios = scenarios
        self.rules = rules
        self.pace = pace
        self.pricedAs = pricedAs
    }
}

extension MockScript {
    /// PromptArena's count: each round of the provider is a turn of its own (PromptKit, runtime/providers/mock).
    static func turnNumber(_ messages: [Message]) -> Int {
        let users = messages.count { $0.role == .user }
        let assistants = messages.count { $0.role == .assistant }
        return max(users, assistants, 1) + (messages.contains { $0.role == .tool } ? 1 : 0)
    }
}

/// Reads a mock file.
package struct MockScriptLoader {
    private let patterns: any PatternCompiler
    private let report = DiagnosticSink()

    package static func load(_ document: SourceDocument, patterns: any PatternCompiler) -> Loaded<MockScript> {
        let loader = MockScriptLoader(patterns: patterns)
        let script = loader.script(document)
        let failed = loader.report.diagnostics.contains { $0.severity == .error }
        return Loaded(value: failed ? nil : script, diagnostics: loader.report.diagnostics)
    }

    private init(patterns: any PatternCompiler) { self.patterns = patterns }

    private func script(_ document: SourceDocument) -> MockScript? {
        guard
            var root = FieldReader(document, at: "", value: document.value, what: "a mock file", report: report)
        else { return nil }
        var script = MockScript(standard: standard(&root))
        script.pace = root.int("pace", atLeast: 0) ?? 0
        script.pricedAs = root.string("priced_as")
        for (name, fields) in root.map("scenarios") { script.scenarios[name] = scenario(fields) }
        script.rules = root.children("rules").compactMap(rule)
        root.ignore(["selfplay"])
        root.finish()
        return script
    }

    private func standard(_ fields: inout FieldReader) -> String? {
        fields.string("default_response") ?? fields.string("defaultResponse")
    }

    private func scenario(_ fields: FieldReader) -> MockScript.Scenario {
        var fields = fields
        var scenario = MockScript.Scenario(turns: [:], standard: standard(&fields))
        if var turns = fields.child("turns") {
            for key in turns.object.keys {
                guard let value = turns.value(key) else { continue }
                guard let number = Int(key) else {
                    turns.error("'\(key)' is not the number of a turn", at: key)
                    continue
                }
                if let text = value.string {
                    scenario.turns[number] = MockScript.Step(text: text, calls: [], then: .end, failed: .end)
                } else if let inner = turns.child(key) {
                    scenario.turns[number] = turn(inner)
                }
            }
        }
        if var steps = fields.child("steps") {
            for key in steps.object.keys {
                if let text = steps.value(key)?.string {
                    scenario.steps[key] = MockScript.Step(text: text, calls: [], then: .end, failed: .end)
                } else if let inner = steps.child(key) {
                    scenario.steps[key] = turn(inner)
                }
            }
        }
        fields.finish()
        return scenario
    }

    private func turn(_ fields: FieldReader) -> MockScript.Step {
        var fields = fields
        let text = fields.string("content") ?? fields.string("response") ?? fields.string("text") ?? ""
        let calls = calls(&fields, "tool_calls")
        _ = fields.choice("type", of: ["text", "tool_calls", "multimodal"])
        fields.ignore(["content", "response", "text", "parts", "audio_file", "audio_sample_rate", "audio_mime_type"])
        fields.finish()
        return MockScript.Step(text: text, calls: calls, then: .end, failed: .end)
    }

    private func calls(_ fields: inout FieldReader, _ key: String) -> [MockScript.Call] {
        fields.children(key).map { call in
            var call = call
            let tool = call.string("name", required: true) ?? ""
            let arguments = call.value("arguments") ?? [:]
            call.finish()
            return MockScript.Call(tool: tool, arguments: arguments)
        }
    }

    private func rule(_ fields: FieldReader) -> MockScript.Rule? {
        var fields = fields
        guard let text = fields.string("when", required: true) else {
            _ = step(&fields)
            return nil
        }
        let step = step(&fields)
        do throws(EngineError) {
            return MockScript.Rule(when: try patterns.compile(text, ignoringCase: true), step: step)
        } catch {
            fields.error(error.message, at: "when")
            return nil
        }
    }

    private func step(_ fields: inout FieldReader) -> MockScript.Step {
        let text = fields.string("say") ?? ""
        let calls = calls(&fields, "calls")
        let then = next(&fields, "then")
        let failed = next(&fields, "failed")
        fields.ignore(["when"])
        fields.finish()
        return MockScript.Step(text: text, calls: calls, then: then, failed: failed)
    }

    /// A text, or a step of its own.
    private func next(_ fields: inout FieldReader, _ key: String) -> MockScript.Next {
        guard let value = fields.value(key) else { return .end }
        if let text = value.string {
            return .step(MockScript.Step(text: text, calls: [], then: .end, failed: .end))
        }
        guard var inner = fields.child(key) else { return .end }
        return .step(step(&inner))
    }
}
