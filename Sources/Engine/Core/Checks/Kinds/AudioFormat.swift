/// Every sound of the answer has one of these formats.
struct AudioFormat: Check {
    static let names = ["audio_format"]
    private let formats: [String]

    init(_ fields: inout FieldReader) { formats = fields.strings(anyOf: ["formats"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        MediaRules.formats(formats, "audio", subject.media)
    }
}
