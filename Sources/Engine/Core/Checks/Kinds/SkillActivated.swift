/// Each of these skills was activated in the session. Scores the share that was.
struct SkillActivated: Check {
    static let names = ["skill_activated"]
    private let skills: [String]
    private let atLeast: Int

    init(_ fields: inout FieldReader) {
        skills = fields.strings(anyOf: ["skill_names", "skills"], required: true)
        atLeast = fields.int("min_calls", atLeast: 1) ?? 1
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let active = ToolRules.skills(subject.sessionCalls)
        let lost = skills.filter { name in active.count { $0 == name } < atLeast }
        return .share(
            skills.count - lost.count, of: skills.count,
            lost.isEmpty ? "all were activated" : "\(quoted(lost)) not activated")
    }
}
