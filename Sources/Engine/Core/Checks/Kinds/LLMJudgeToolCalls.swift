/// A model judges the tool calls of the turn by criteria.
struct LLMJudgeToolCalls: Check {
    static let names = ["llm_judge_tool_calls"]
    static let needs = CheckNeed.judge
    private let rule: JudgeRule

    init(_ fields: inout FieldReader) {
        rule = JudgeRule(&fields, nil, .toolCalls)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { try await rule.judge(subject) }
}
