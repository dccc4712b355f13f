/// A guardrail fired, or did not.
struct GuardrailTriggered: Check {
    static let names = ["guardrail_triggered"]
    private let type: String
    private let expected: Bool
    private let direction: String?

    init(_ fields: inout FieldReader) {
        type = fields.string(anyOf: ["validator_type", "validator"], required: true) ?? ""
        expected = fields.bool("should_trigger") ?? true
        direction = fields.choice("direction", of: ["input", "output", "both"])
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let names = CheckRegistry.kind(type)?.names ?? [type]
        let judged = subject.guardrails.last {
            names.contains($0.type) && (direction == nil || direction == "both" || direction == $0.direction.rawValue)
        }
        let fired = judged.map { !$0.passed } ?? false
        return .yes(
            fired == expected, judged == nil ? "'\(type)' did not judge" : fired ? "it fired" : "it did not fire")
    }
}
