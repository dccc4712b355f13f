/// None of these skills was activated in the session.
struct SkillNotActivated: Check {
    static let names = ["skill_not_activated"]
    private let skills: [String]

    init(_ fields: inout FieldReader) { skills = fields.strings(anyOf: ["skill_names", "skills"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let active = ToolRules.skills(subject.sessionCalls)
        let found = skills.filter { active.contains($0) }
        return .yes(found.isEmpty, found.isEmpty ? "none was activated" : "\(quoted(found)) was activated")
    }
}
