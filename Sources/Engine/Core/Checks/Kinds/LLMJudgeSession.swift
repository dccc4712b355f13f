/// A model judges the whole conversation by criteria.
struct LLMJudgeSession: Check {
    static let names = ["llm_judge_session", "llm_judge_conversation"]
    static let needs = CheckNeed.judge
    private let rule: JudgeRule

    init(_ fields: inout FieldReader) {
        rule = JudgeRule(&fields, nil, .conversation)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { try await rule.judge(subject) }
}
