/// The answer is near to a reference, as an embedding model sees it. Not run here, and the result says so.
struct CosineSimilarity: Check {
    static let names = ["cosine_similarity"]
    static let needs = CheckNeed.service

    init(_ fields: inout FieldReader) { fields.ignore(fields.object.keys) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        .skipped("skipped: '\(Self.name)' needs an embedding model, which is not called from here")
    }
}
