/// Every picture of the answer has this size.
struct ImageDimensions: Check {
    static let names = ["image_dimensions"]
    private let rule: SizeRule

    init(_ fields: inout FieldReader) { rule = SizeRule(&fields) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { rule.judge("image", subject.media) }
}
