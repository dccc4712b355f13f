/// These skills were activated in this order. Scores the share that was found in order.
struct SkillActivationOrder: Check {
    static let names = ["skill_activation_order"]
    private let sequence: [String]

    init(_ fields: inout FieldReader) { sequence = fields.strings(anyOf: ["sequence"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        ToolRules.sequence(sequence, ToolRules.skills(subject.sessionCalls))
    }
}
