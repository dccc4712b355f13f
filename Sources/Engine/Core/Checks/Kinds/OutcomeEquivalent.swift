/// What a session came to is as it was in another.
struct OutcomeEquivalent: Check {
    static let names = ["outcome_equivalent"]
    private let metric: String
    private let tools: [String]
    private let state: String?
    private let hash: String?

    init(_ fields: inout FieldReader) {
        metric = fields.choice("metric", of: ["tool_calls", "final_state", "content_hash"], required: true) ?? ""
        tools = fields.strings(anyOf: ["expected_tool_calls", "expected_tools"])
        state = fields.string(anyOf: ["expected_state", "expected_final_state"])
        hash = fields.string(anyOf: ["expected_content_hash", "expected_hash"])
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        switch metric {
        case "tool_calls":
            let called = subject.sessionCalls.map(\.tool)
            return .yes(called == tools, "called: \(quoted(called))")
        case "final_state":
            return .yes(subject.workflow?.state == state, "the state is '\(subject.workflow?.state ?? "")'")
        default:
            let found = FNV1a.hash(subject.output)
            return .yes(String(found, radix: 16) == hash, "the hash (FNV-1a, 64 bits) is \(String(found, radix: 16))")
        }
    }
}
