/// A step's output is, or holds, this.
struct CompositionStepOutput: Check {
    static let names = ["composition_step_output"]
    private let step: String
    private let rule: OutputRule

    init(_ fields: inout FieldReader) {
        step = fields.string("step", required: true) ?? ""
        rule = OutputRule(&fields)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        rule.judge(subject.composition?.outputs[step], of: "the step '\(step)'")
    }
}
