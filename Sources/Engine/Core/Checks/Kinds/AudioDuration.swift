/// Every sound of the answer lasts this long.
struct AudioDuration: Check {
    static let names = ["audio_duration"]
    private let bounds: ClosedRange<Double>

    init(_ fields: inout FieldReader) { bounds = MediaRules.seconds(&fields) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        MediaRules.duration(bounds, "audio", subject.media)
    }
}
