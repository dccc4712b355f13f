/// A model judges whether the sources are about the question.
struct ContextualRelevancy: Check {
    static let names = ["contextual_relevancy"]
    static let needs = CheckNeed.judge
    private let rule: JudgeRule

    init(_ fields: inout FieldReader) {
        rule = JudgeRule(&fields, "The contexts are about the question.", .contexts)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { try await rule.judge(subject) }
}
