/// A classifier looks for insults in a text. Not run here, and the result says so.
struct TextToxicity: Check {
    static let names = ["text_toxicity"]
    static let needs = CheckNeed.service

    init(_ fields: inout FieldReader) { fields.ignore(fields.object.keys) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        .skipped("skipped: '\(Self.name)' needs a classifier, which is not called from here")
    }
}
