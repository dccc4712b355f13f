/// A model judges whether the answer says only what its sources say.
struct Faithfulness: Check {
    static let names = ["faithfulness"]
    static let needs = CheckNeed.judge
    private let rule: JudgeRule

    init(_ fields: inout FieldReader) {
        rule = JudgeRule(
            &fields,
            "Every statement of the answer follows from the contexts.",
            .contexts)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { try await rule.judge(subject) }
}
