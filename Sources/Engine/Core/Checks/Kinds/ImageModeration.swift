/// A classifier looks for what a picture should not show. Not run here, and the result says so.
struct ImageModeration: Check {
    static let names = ["image_moderation"]
    static let needs = CheckNeed.service

    init(_ fields: inout FieldReader) { fields.ignore(fields.object.keys) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        .skipped("skipped: '\(Self.name)' needs a classifier, which is not called from here")
    }
}
