/// A model judges whether the sources suffice.
struct ContextualRecall: Check {
    static let names = ["contextual_recall"]
    static let needs = CheckNeed.judge
    private let rule: JudgeRule

    init(_ fields: inout FieldReader) {
        rule = JudgeRule(
            &fields,
            "Everything that the reference answer needs can be found in the contexts.",
            .contexts)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { try await rule.judge(subject) }
}
