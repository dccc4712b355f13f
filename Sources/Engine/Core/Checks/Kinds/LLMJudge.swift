/// A model judges the answer by criteria.
struct LLMJudge: Check {
    static let names = ["llm_judge"]
    static let needs = CheckNeed.judge
    private let rule: JudgeRule

    init(_ fields: inout FieldReader) {
        rule = JudgeRule(&fields, nil, .answer)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { try await rule.judge(subject) }
}
