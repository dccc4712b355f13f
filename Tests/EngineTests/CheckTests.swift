import Engine
import EngineSystem
import Support
import Testing

@Suite struct CheckTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var type: String
        var params: JSONObject
        var score: Double?
        var change: @Sendable (inout CheckSubject) -> Void
        var testDescription: String { "\(type) \(JSONValue.object(params).text) → \(score.map { "\($0)" } ?? "nil")" }

        init(
            _ type: String, _ params: JSONObject = JSONObject(), _ score: Double?,
            _ change: @escaping @Sendable (inout CheckSubject) -> Void = { _ in }
        ) {
            self.type = type
            self.params = params
            self.score = score
            self.change = change
        }
    }

    private static let output = #"Hello World, the order ÄÖ is {"a": {"b": [1, 2.0]}, "name": "x"}. Really? Yes!"#

    private static func call(_ tool: String, _ arguments: JSONValue = [:], _ result: String = "", failed: Bool = false)
        -> CheckSubject.Call
    { CheckSubject.Call(tool: tool, arguments: arguments, result: result, failed: failed) }

    private static let subject = CheckSubject(
        output: output,
        messages: [
            Message(id: MessageID("1"), role: .user, text: "hi"),
            Message(id: MessageID("2"), role: .assistant, text: "an earlier answer"),
        ],
        turnCalls: [
            call("find", ["id": .number(JSONNumber("1000000.0")), "who": "Ada"], #"{"found": 3}"#),
            call("find", ["id": 2], "Error: no", failed: true), call("send", ["id": 2, "who": "Bob"], "sent to Bob"),
        ],
        sessionCalls: [
            call("start"), call("skill__activate", ["name": "refunds"]), call("find", ["id": 1_000_000]), call("send"),
        ],
        milliseconds: 500, usage: TokenUsage(input: 100, output: 50), cost: Money(nanodollars: 250_000_000),
        guardrails: [CheckSubject.Judged(type: "banned_words", direction: .output, passed: false)],
        media: [CheckSubject.Media(mimeType: "image/jpeg", width: 640, height: 480)],
        workflow: WorkflowRecord(
            state: "End", entered: ["Ask", "Solve", "End"], isComplete: true, spoke: ["Ask"],
            calls: [(state: "Ask", tool: "find")]),
        composition: CompositionRecord(
            outputs: ["one": "the text", "two": ["n": 1]], branches: ["way": "one"], complete: ["both"],
            output: "the end"),
        patterns: PCREPatternCompiler())

    private static let cases: [Case] = [
        Case("contains", ["patterns": ["hello", "WORLD"]], 1), Case("contains", ["patterns": ["hello", "zzz"]], 0.5),
        Case("content_includes", ["patterns": []], 0),
        Case("contains_any", ["patterns": ["zzz", "earlier"]], 1), Case("contains_any", ["patterns": ["zzz"]], 0),
        Case("content_excludes", ["patterns": ["zzz"]], 1), Case("banned_words", ["words": ["world"]], 0),
        Case("banned_words", ["words": ["orl"]], 1), Case("content_excludes", ["patterns": ["orl"]], 0),
        Case("content_excludes", ["patterns": ["orl"], "match_mode": "word_boundary"], 1),
        Case("regex", ["pattern": "H.llo"], 1), Case("regex", ["pattern": "H.llo", "expect_match": false], 0),
        Case("regex_match", ["pattern": "zzz", "must_match": false], 1),
        Case("max_length", ["max": 4], 4.0 / 6) { $0.output = "ÄÖÜabc" },
        Case("max_length", ["max": 4], 4.0 / 9) {
            $0.output = "ÄÖÜabc"
            $0.semantics = .promptKit
        },
        Case("min_length", ["min_characters": 12], 0.5) { $0.output = "ÄÖÜabc" },
        Case("sentence_count", ["max": 3], 1), Case("max_sentences", ["max_sentences": 2], 0),
        Case("max_sentences", ["max_sentences": 2], 1) { $0.semantics = .promptKit },
        Case("field_presence", ["fields": ["name", "zzz"]], 0.5),
        Case("json_valid", JSONObject(), 0), Case("json_valid", ["extract_json": true], 1),
        Case("json_valid", ["allow_wrapped": true], 1) { $0.output = "see:\n```json\n[1]\n```\nso" },
        Case("json_schema", ["schema": ["required": ["a"]], "extract_json": true], 1),
        Case("json_schema", ["schema": ["required": ["z"]], "extract_json": true], 0),
        Case("json_path", ["expression": "a.b[1]", "expected": 2, "extract_json": true], 1),
        Case("json_path", ["expression": "a.b", "contains": [.double(1.0)], "extract_json": true], 1),
        Case("json_path", ["expression": "a.b", "min_results": 3, "extract_json": true], 0),
        Case("json_path", ["expression": "a.zzz", "extract_json": true], 0),
        Case("json_path", ["expression": "a.b[0]", "min": 2, "extract_json": true], 0),
        Case("invariant_fields_preserved", ["tool": "find", "fields": ["id", "who"]], 0.5),
        Case("tools_called", ["tools": ["find", "send"]], 1),
        Case("tools_called", ["tool_names": ["find", "zzz"]], 0.5),
        Case("tools_called", ["tools": ["find"], "min_calls": 2], 0),
        Case("tools_called", ["tools": ["find"], "max_calls": 0], 0),
        Case("tools_called_session", ["tools": ["start"]], 1), Case("tools_not_called", ["tools": ["start"]], 1),
        Case("tools_not_called_session", ["tools": ["start"]], 0),
        Case("tool_args", ["tool_name": "find", "expected_args": ["id": 1_000_000]], 1),
        Case("tool_args", ["tool_name": "find", "expected_args": ["id": 3]], 0),
        Case("tool_args_session", ["tool_name": "find", "expected_args": ["id": 1_000_000]], 1),
        Case("tool_args_excluded_session", ["tool_name": "find", "excluded_args": ["id": 1_000_000]], 0),
        Case("tool_call_count", ["min": 3, "max": 3], 1), Case("tool_call_count", ["tool": "find", "max": 1], 0),
        Case("tool_call_sequence", ["sequence": ["find", "send"]], 1),
        Case("tool_call_sequence", ["sequence": ["send", "find"]], 0.5),
        Case(
            "tool_call_chain",
            ["steps": [["tool": "find", "no_error": true], ["tool": "send", "result_includes": ["bob"]]]], 1),
        Case("tool_call_chain", ["steps": [["tool": "send"], ["tool": "find"]]], 0.5),
        Case("tool_calls_with_args", ["tool_name": "find", "expected_args": ["id": .null]], 1),
        Case("tool_calls_with_args", ["tool_name": "find", "expected_args": ["who": .null]], 0),
        Case("tool_calls_with_args", ["tool_name": "send", "args_match": ["who": "^B"]], 1),
        Case("tool_result_includes", ["tool": "send", "patterns": ["SENT"]], 1),
        Case("tool_result_matches", ["pattern": "found.: \\d", "occurrence": 2], 0),
        Case("tool_result_has_media", JSONObject(), 0),
        Case("tool_result_has_media", ["media_type": "image"], 1) {
            $0.turnCalls = [call("x", [:], #"{"parts":[{"mime_type":"image/png"}]}"#)]
        },
        Case("tool_result_media_type", ["mime_type": "image/png"], 1) {
            $0.turnCalls = [call("x", [:], #"{"mimeType":"image/png"}"#)]
        },
        Case("no_tool_errors", JSONObject(), 2.0 / 3), Case("no_tool_errors", ["tools": ["send"]], 1),
        Case("tool_anti_pattern", ["patterns": [["sequence": ["find", "send"], "message": "no"]]], 0),
        Case("tool_anti_pattern", ["patterns": [["sequence": ["send", "find"]]]], 1),
        Case("tool_no_repeat", JSONObject(), 0), Case("tool_no_repeat", ["max_repeats": 2], 1),
        Case("tool_efficiency", ["max_calls": 6], 0.5), Case("tool_efficiency", ["max_calls": 6, "max_errors": 0], 0),
        Case("cost_budget", ["max_cost_usd": 1], 0.75), Case("cost_budget", ["max_output_tokens": 49], 0),
        Case("cost_budget", ["max_cost_usd": 1], nil) { $0.cost = nil },
        Case("latency_budget", ["max_ms": 250], 0.5),
        Case("agent_invoked", ["agents": ["x", "y"]], 0.5) { $0.turnCalls = [call("a2a__x", [:], "it is so")] },
        Case("agent_not_invoked", ["agents": ["x"]], 1),
        Case("agent_response_contains", ["agent": "x", "contains": "SO"], 1) {
            $0.turnCalls = [call("a2a__x", [:], "it is so")]
        },
        Case("guardrail_triggered", ["validator_type": "content_excludes"], 1),
        Case("guardrail_triggered", ["validator": "regex", "should_trigger": false], 1),
        Case("guardrail_triggered", ["validator": "banned_words", "direction": "input"], 0),
        Case("skill_activated", ["skill_names": ["refunds", "zzz"]], 0.5),
        Case("skill_not_activated", ["skill_names": ["refunds"]], 0),
        Case("skill_activation_order", ["sequence": ["refunds"]], 1),
        Case("workflow_complete", JSONObject(), 1), Case("state_is", ["state": "Ask"], 0),
        Case("transitioned_to", ["state": "Solve"], 1), Case("transitioned_to", ["state": "Ask"], 0),
        Case("spoke_in_state", ["state": "Ask"], 1),
        Case("workflow_transition_order", ["sequence": ["Ask", "End"]], 1),
        Case("workflow_tool_access", ["rules": [["state": "Ask", "allowed": ["send"]]]], 0),
        Case("state_is", ["state": "Ask"], 0) { $0.workflow = nil },
        Case("composition_output", ["contains": "end"], 1),
        Case("composition_step_output", ["step": "two", "equals": ["n": .double(1.0)]], 1),
        Case("composition_step_output", ["step": "zzz", "contains": "x"], 0),
        Case("composition_branch_taken", ["branch": "way", "expected": "one"], 1),
        Case("composition_parallel_complete", ["parallel": "both"], 1),
        Case("image_format", ["formats": ["jpg"]], 1), Case("audio_format", ["formats": ["mp3"]], 0),
        Case("image_dimensions", ["min_width": 641], 0), Case("image_dimensions", ["height": 480], 1),
        Case("audio_duration", ["max_seconds": 2], 1) {
            $0.media = [CheckSubject.Media(mimeType: "audio/wav", seconds: 1.5)]
        },
        Case("video_duration", ["min_seconds": 2], 0) {
            $0.media = [CheckSubject.Media(mimeType: "video/mp4", seconds: 1.5)]
        },
        Case("video_resolution", ["presets": ["480p"]], 1) {
            $0.media = [CheckSubject.Media(mimeType: "video/mp4", width: 640, height: 480)]
        },
        Case("outcome_equivalent", ["metric": "final_state", "expected_state": "End"], 1),
        Case("outcome_equivalent", ["metric": "tool_calls", "expected_tool_calls": ["start"]], 0),
        Case("directional", ["check": "similar_content", "baseline_output": "a b c"], 1) { $0.output = "A, b! d" },
        Case("directional", ["check": "similar_content", "baseline_output": "a b c", "threshold": .double(0.6)], 0) {
            $0.output = "A, b! d"
        },
        Case("pii_leakage", JSONObject(), 1),
        Case("pii_leakage", JSONObject(), 0) { $0.output = "write to ada@example.org" },
        Case("pii_leakage", JSONObject(), 0) { $0.output = "4111 1111 1111 1111" },
    ]

    @Test(arguments: cases) func scores(one: Case) async throws {
        var subject = Self.subject
        one.change(&subject)
        let report = DiagnosticSink()
        let check = try #require(CheckRegistry.make(one.type, one.params, report: report), "\(report.diagnostics)")
        let result = try await check.judge(subject)
        #expect(result.score == one.score, "\(result.explanation)")
        #expect(!result.explanation.isEmpty)
        #expect(report.diagnostics.isEmpty, "\(report.diagnostics)")
    }

    /// Every kind of check has a case here, but those that a model or a service judges.
    @Test func everyKindIsTried() throws {
        func name(_ type: String) -> String? { CheckRegistry.kind(type).map { $0.name } }
        let tried = Set(Self.cases.compactMap { name($0.type) })
        let judged = Set(CheckRegistry.names.filter { CheckRegistry.kind($0)?.needs != .nothing }.compactMap(name))
        let all = Set(CheckRegistry.names.compactMap(name))
        #expect(all.subtracting(tried).subtracting(judged) == [])
        #expect(all.count >= 75)
    }

    @Test func noTwoKindsHaveOneName() {
        let names = CheckRegistry.canonicalNames.flatMap { CheckRegistry.kind($0)?.names ?? [] }
        #expect(names.count == Set(names).count && names.count == CheckRegistry.names.count)
    }

    /// Every type that PromptKit documents is known here.
    @Test(.enabled(if: hasShared)) func everyTypeOfPromptKitIsKnown() throws {
        let file = sharedFolder + "/upstream/promptarena/arena/agentkb/evalmeta.yaml"
        guard let text = readText(file) else { return }
        let value = try #require(document(text, "evalmeta.yaml").value?.value)
        let ids = value["handlers"]?.object?.keys ?? []
        #expect(ids.count > 50)
        let wrappers: Set = ["assertion", "guardrail"]
        #expect(ids.filter { CheckRegistry.kind($0) == nil && !wrappers.contains($0) } == [])
    }

    @Test func wrongParametersHaveTheirPlace() {
        let report = DiagnosticSink()
        #expect(CheckRegistry.make("regex", ["patern": "x"], report: report) == nil)
        #expect(report.diagnostics.map(\.message) == ["'pattern' is missing", "unknown field 'patern'"])
        #expect(report.diagnostics.last?.hint == "did you mean 'pattern'?")
        #expect(CheckRegistry.make("json_path", ["expression": "a..b"]) == nil)
        #expect(CheckRegistry.make("no_such_check", JSONObject()) == nil)
    }

    @Test func whatNeedsSomethingSaysThatItWasSkipped() async throws {
        for name in ["llm_judge", "cosine_similarity", "rest_eval", "toxicity"] {
            let check = try #require(CheckRegistry.make(name, ["criteria": "x"]))
            let result = try await check.judge(Self.subject)
            #expect(result.score == nil && result.skipped?.hasPrefix("skipped: ") == true)
        }
    }
}
