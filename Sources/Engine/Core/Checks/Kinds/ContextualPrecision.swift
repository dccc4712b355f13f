/// A model judges the order of the sources.
struct ContextualPrecision: Check {
    static let names = ["contextual_precision"]
    static let needs = CheckNeed.judge
    private let rule: JudgeRule

    init(_ fields: inout FieldReader) {
        rule = JudgeRule(
            &fields,
            "The contexts that matter for the question stand before those that do not.",
            .contexts)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { try await rule.judge(subject) }
}
