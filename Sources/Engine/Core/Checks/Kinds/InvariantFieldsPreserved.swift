/// A field that a tool was once called with is there in its later calls. Scores the share of fields that stays.
struct InvariantFieldsPreserved: Check {
    static let names = ["invariant_fields_preserved"]
    private let tool: String
    private let wanted: [String]

    init(_ fields: inout FieldReader) {
        tool = fields.string("tool", required: true) ?? ""
        wanted = fields.strings(anyOf: ["fields"], required: true)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let calls = subject.turnCalls.filter { $0.tool == tool }
        guard calls.count > 1 else { return CheckResult(score: 1, "'\(tool)' was called fewer than two times") }
        let lost = wanted.filter { field in
            let present = calls.map { $0.arguments[field] != nil }
            guard let first = present.firstIndex(of: true) else { return false }
            return present[first...].contains(false)
        }
        return .share(
            wanted.count - lost.count, of: wanted.count,
            lost.isEmpty ? "all stay in \(calls.count) calls" : "\(quoted(lost)) went missing")
    }
}
