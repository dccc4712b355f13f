/// Each of these names stands somewhere in the text. Scores the share that does.
struct FieldPresence: Check {
    static let names = ["field_presence", "required_fields"]
    private let wanted: [String]

    init(_ fields: inout FieldReader) { wanted = fields.strings(anyOf: ["fields", "required_fields"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let lost = wanted.filter { subject.output.range(ofIgnoringCase: $0) == nil }
        return .share(
            wanted.count - lost.count, of: wanted.count, lost.isEmpty ? "all are there" : "without \(quoted(lost))")
    }
}
