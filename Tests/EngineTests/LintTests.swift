import Engine
import EngineSystem
import Support
import Testing

/// Every rule of the second and third level, with its place.
@Suite struct LintTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var rule: String
        var severity: Diagnostic.Severity
        /// JSON pointer that the diagnostic names.
        var path: String
        /// Changes to the pack of all fields: a pointer and what stands there then; nil removes it.
        var changes: [(String, JSONValue?)]
        var testDescription: String { "\(rule) at \(path)" }
    }

    private static let cases: [Case] = [
        Case(
            rule: "unknown-tool", severity: .warning, path: "/prompts/triage/tools/0",
            changes: [("/prompts/triage/tools/0", "lokup_order")]),
        Case(
            rule: "unknown-check", severity: .error, path: "/prompts/triage/validators/0/type",
            changes: [("/prompts/triage/validators/0/type", "baned_words")]),
        Case(
            rule: "unknown-check", severity: .warning, path: "/prompts/triage/validators/1/type",
            changes: [("/prompts/triage/validators/1/type", "none_of_them")]),
        Case(
            rule: "unknown-check", severity: .warning, path: "/evals/0/type", changes: [("/evals/0/type", "contians")]),
        Case(
            rule: "check-params", severity: .warning, path: "/prompts/triage/validators/0/params",
            changes: [("/prompts/triage/validators/0/params", [:])]),
        Case(
            rule: "eval-trigger", severity: .warning, path: "/evals/0/trigger",
            changes: [("/evals/0/trigger", "on_workflow_step")]),
        Case(
            rule: "eval-threshold", severity: .error, path: "/evals/0/threshold/operator",
            changes: [("/evals/0/threshold/operator", "about")]),
        Case(
            rule: "unknown-state", severity: .error, path: "/workflow/entry", changes: [("/workflow/entry", "Triaje")]),
        Case(
            rule: "unknown-state", severity: .error, path: "/workflow/states/Triage/on_event/Solved",
            changes: [("/workflow/states/Triage/on_event/Solved", "Dnoe")]),
        Case(
            rule: "unknown-state", severity: .error, path: "/workflow/states/Triage/on_max_visits",
            changes: [("/workflow/states/Triage/on_max_visits", "Nowhere")]),
        Case(
            rule: "unknown-prompt", severity: .error, path: "/workflow/states/Done/prompt_task",
            changes: [("/workflow/states/Done/prompt_task", "doen")]),
        Case(
            rule: "workflow", severity: .error, path: "/workflow/states/Triage/orchestration",
            changes: [("/workflow/states/Triage/orchestration", "intern")]),
        Case(
            rule: "unreachable-state", severity: .warning, path: "/workflow/states/Lost",
            changes: [("/workflow/states/Lost", ["prompt_task": "done", "terminal": true])]),
        Case(
            rule: "dead-end", severity: .warning, path: "/workflow/states/Done",
            changes: [("/workflow/states/Done/terminal", nil)]),
        Case(
            rule: "impossible-budget", severity: .error, path: "/workflow/engine/budget/max_total_visits",
            changes: [("/workflow/engine/budget/max_total_visits", 1)]),
        Case(
            rule: "impossible-budget", severity: .error, path: "/workflow/states/Triage/on_max_visits",
            changes: [("/workflow/states/Triage/on_max_visits", "Triage")]),
        Case(
            rule: "unknown-agent", severity: .error, path: "/agents/entry", changes: [("/agents/entry", "nobody")]),
        Case(
            rule: "unknown-prompt", severity: .error, path: "/agents/members/ghost",
            changes: [("/agents/members/ghost", [:])]),
        Case(
            rule: "mime-type", severity: .error, path: "/agents/members/triage/input_modes/0",
            changes: [("/agents/members/triage/input_modes/0", "text")]),
        Case(
            rule: "unused-variable", severity: .warning, path: "/prompts/triage/variables/1/name",
            changes: [("/prompts/triage/variables/1/name", "idle")]),
        Case(
            rule: "unknown-placeholder", severity: .warning, path: "/prompts/done/system_template",
            changes: [("/prompts/done/system_template", "Bye {{nmae}}.")]),
        Case(
            rule: "invalid-default", severity: .error, path: "/prompts/triage/variables/2/default",
            changes: [("/prompts/triage/variables/2/default", 9)]),
        Case(
            rule: "invalid-default", severity: .error, path: "/prompts/triage/variables/1/default",
            changes: [("/prompts/triage/variables/1/default", "Français")]),
        Case(
            rule: "invalid-example", severity: .warning, path: "/prompts/triage/variables/0/example",
            changes: [("/prompts/triage/variables/0/example", "acme")]),
        Case(
            rule: "required-default", severity: .warning, path: "/prompts/triage/variables/0/default",
            changes: [("/prompts/triage/variables/0/default", "Acme")]),
        Case(
            rule: "invalid-pattern", severity: .error, path: "/prompts/triage/variables/0/validation/pattern",
            changes: [("/prompts/triage/variables/0/validation/pattern", "(")]),
        Case(
            rule: "impossible-rule", severity: .error, path: "/prompts/triage/variables/0/validation/min_length",
            changes: [("/prompts/triage/variables/0/validation/min_length", 99)]),
        Case(
            rule: "banned-word-in-prompt", severity: .warning, path: "/prompts/triage/system_template",
            changes: [("/prompts/triage/validators/0/params/words", ["customers"])]),
        Case(
            rule: "impossible-rule", severity: .error, path: "/prompts/triage/validators/1",
            changes: [
                ("/prompts/triage/validators/0", ["type": "max_length", "params": ["max": 10]]),
                ("/prompts/triage/validators/1", ["type": "min_length", "params": ["min": 20]]),
            ]),
        Case(
            rule: "shadowed-fragment", severity: .warning, path: "/prompts/triage/variables/0/name",
            changes: [("/fragments/company", "x")]),
        Case(
            rule: "template-feature", severity: .warning, path: "/template_engine/features",
            changes: [("/template_engine/features/1", "loops")]),
        Case(
            rule: "name-and-key", severity: .warning, path: "/tools/lookup_order/name",
            changes: [("/tools/lookup_order/name", "find_order")]),
        Case(
            rule: "secret", severity: .warning, path: "/prompts/done/system_template",
            changes: [("/prompts/done/system_template", "Use sk-abcdefghijklmnopqrstuvwxyz.")]),
        Case(
            rule: "tool-policy", severity: .warning, path: "/prompts/triage/tool_policy/blocklist/0",
            changes: [("/prompts/triage/tool_policy/blocklist/0", "cancel_ordre")]),
    ]

    private static let compositionCases: [Case] = [
        Case(
            rule: "unknown-step", severity: .error, path: "/compositions/analysis/output",
            changes: [("/compositions/analysis/output", "lsat")]),
        Case(
            rule: "unknown-prompt", severity: .error, path: "/compositions/analysis/steps/0/prompt_task",
            changes: [("/compositions/analysis/steps/0/prompt_task", "clasify")]),
        Case(
            rule: "unknown-step", severity: .error, path: "/compositions/analysis/steps/0/input",
            changes: [("/compositions/analysis/steps/0/input", "${kidn.output}")]),
        Case(
            rule: "step-order", severity: .error, path: "/compositions/analysis/steps/0/input",
            changes: [("/compositions/analysis/steps/0/input", "${count.output}")]),
        Case(
            rule: "step-order", severity: .error, path: "/compositions/analysis/steps/1/depends_on/0",
            changes: [("/compositions/analysis/steps/1/depends_on/0", "last")]),
        Case(
            rule: "repeated-step", severity: .error, path: "/compositions/analysis/steps/1/id",
            changes: [("/compositions/analysis/steps/1/id", "kind")]),
        Case(
            rule: "unknown-step", severity: .error, path: "/compositions/analysis/steps/2/then",
            changes: [("/compositions/analysis/steps/2/then", "nowhere")]),
        Case(
            rule: "composition", severity: .error, path: "/compositions/analysis/steps/3/reduce/strategy",
            changes: [("/compositions/analysis/steps/3/reduce/strategy", "barier")]),
        Case(
            rule: "unknown-composition", severity: .error, path: "/workflow/states/Analyse/composition",
            changes: [("/workflow/states/Analyse/composition", "analisys")]),
    ]

    private func inspect(_ name: String, _ changes: [(String, JSONValue?)]) throws -> PackInspection {
        let text = try #require(readText("Tests/Fixtures/packs/\(name).pack.json"))
        var value = try JSONParser.parse(text)
        for (pointer, new) in changes { value = replace(value, Array(pointer.split(separator: "/")), new) }
        let changed = try #require(document(value.prettyText, "x.pack.json").value)
        return PackLoader.inspect(changed, patterns: PCREPatternCompiler())
    }

    private func replace(_ value: JSONValue, _ path: [Substring], _ new: JSONValue?) -> JSONValue {
        guard let first = path.first else { return new ?? .null }
        let rest = Array(path.dropFirst())
        if var object = value.object {
            let inner = rest.isEmpty ? new : replace(object[String(first)] ?? [:], rest, new)
            object[String(first)] = inner
            return .object(object)
        }
        guard var items = value.array, let index = Int(first), items.indices.contains(index) else { return value }
        items[index] = replace(items[index], rest, new)
        return .array(items)
    }

    @Test func theFixturesAreInOrder() throws {
        for name in ["everything", "compositions"] {
            let found = try inspect(name, []).diagnostics.filter { $0.severity != .note }
            #expect(found.isEmpty, "\(name): \(found)")
        }
    }

    private func expect(_ one: Case, in name: String) throws {
        let found = try inspect(name, one.changes).diagnostics
        let hit = found.first { $0.rule == one.rule && $0.path == one.path }
        #expect(hit?.severity == one.severity, "\(found)")
        #expect(hit?.line != nil && hit?.column != nil)
    }

    @Test(arguments: cases) func rules(one: Case) throws { try expect(one, in: "everything") }
    @Test(arguments: compositionCases) func rulesOfCompositions(one: Case) throws {
        try expect(one, in: "compositions")
    }

    /// Mistakes of all levels come together.
    @Test func allMistakesAtOnce() throws {
        let found = try inspect(
            "everything",
            [("/name", nil), ("/prompts/triage/validators/0/type", "baned_words"), ("/workflow/entry", "Nowhere")]
        ).diagnostics.filter { $0.severity == .error }
        #expect(Set(found.compactMap(\.rule)) == ["schema", "unknown-check", "unknown-state"])
    }

    @Test func aPackThatNoSchemaTakesIsRefusedWithTheNearest() throws {
        // 'binding' is the specification's alone, 'compositions' PromptKit's.
        let both = try inspect("everything", [("/compositions", ["c": ["version": 1, "steps": []]])])
        #expect(both.editions.isEmpty && both.pack == nil)
        #expect(both.diagnostics.contains { $0.message == "unknown field 'compositions'" })
        let kit = try inspect("compositions", [])
        #expect(kit.editions == .promptKit)
        #expect(kit.reason(.spec140)?.message.contains("compositions") == true)
    }

    @Test func parityNamesWhatProductionDoes() throws {
        let inspection = try inspect("everything", [])
        let pack = try #require(inspection.pack)
        let found = Parity.report(pack, inspection.document, reason: inspection.reasons[.promptKit])
        let expected: Set = [
            "PK-SCHEMA", "PK-RAW-TEMPLATE", "PK-USER-WORDS", "PK-VALIDATION", "PK-REQUIRED", "PK-POLICY", "PK-PARAMS",
            "PK-OVERRIDES", "PK-MEDIA", "PK-STREAM-LEAK", "PK-FRAGMENTS", "PK-THRESHOLD", "PK-BUDGET", "PK-PRELOAD",
            "PK-SKILL-TOOLS",
        ]
        #expect(expected.subtracting(found.map(\.id)) == [])
        #expect(found.allSatisfy { $0.description(in: inspection.document).hasPrefix("x.pack.json:") })
    }
}
