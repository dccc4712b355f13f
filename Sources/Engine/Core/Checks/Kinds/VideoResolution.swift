/// Every film of the answer has this size; `presets` are the usual names.
struct VideoResolution: Check {
    static let names = ["video_resolution"]
    private let rule: SizeRule

    init(_ fields: inout FieldReader) { rule = SizeRule(&fields) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult { rule.judge("video", subject.media) }
}
