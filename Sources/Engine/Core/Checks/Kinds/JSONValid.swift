/// The answer is JSON.
struct JSONValid: Check {
    static let names = ["json_valid", "is_valid_json", "valid_json"]
    private let reading: JSONReading

    init(_ fields: inout FieldReader) { reading = JSONReading(&fields) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        do throws(EngineError) {
            _ = try subject.json(reading)
            return .yes(true, "the text is JSON")
        } catch {
            return .yes(false, error.message)
        }
    }
}
