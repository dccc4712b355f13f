/// A classifier names the mood of a voice. Not run here, and the result says so.
struct AudioEmotion: Check {
    static let names = ["audio_emotion"]
    static let needs = CheckNeed.service

    init(_ fields: inout FieldReader) { fields.ignore(fields.object.keys) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        .skipped("skipped: '\(Self.name)' needs a classifier, which is not called from here")
    }
}
