/// Every picture of the answer has one of these formats.
struct ImageFormat: Check {
    static let names = ["image_format"]
    private let formats: [String]

    init(_ fields: inout FieldReader) { formats = fields.strings(anyOf: ["formats"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        MediaRules.formats(formats, "image", subject.media)
    }
}
