/// Every film of the answer lasts this long.
struct VideoDuration: Check {
    static let names = ["video_duration"]
    private let bounds: ClosedRange<Double>

    init(_ fields: inout FieldReader) { bounds = MediaRules.seconds(&fields) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        MediaRules.duration(bounds, "video", subject.media)
    }
}
