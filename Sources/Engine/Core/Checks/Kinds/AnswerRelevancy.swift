/// A model judges whether the answer is about the question.
struct AnswerRelevancy: Check {
    static let names = ["answer_relevancy"]
    static let needs = CheckNeed.judge
    private let rule: JudgeRule

    init(_ fields: inout FieldReader) {
        rule = JudgeRule(&fields, "The answer answers the question, and little else.", .answer)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { try await rule.judge(subject) }
}
