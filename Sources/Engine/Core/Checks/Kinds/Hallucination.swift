/// A model judges whether the answer makes things up.
struct Hallucination: Check {
    static let names = ["hallucination"]
    static let needs = CheckNeed.judge
    private let rule: JudgeRule

    init(_ fields: inout FieldReader) {
        rule = JudgeRule(
            &fields,
            "The answer states nothing that contradicts the contexts or is not in them. 1 means that nothing is made up.",
            .contexts)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { try await rule.judge(subject) }
}
