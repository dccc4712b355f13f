/// None of these sequences of calls happened.
struct ToolAntiPattern: Check {
    static let names = ["tool_anti_pattern"]
    private let patterns: [(sequence: [String], message: String)]

    init(_ fields: inout FieldReader) {
        patterns = fields.items("patterns", required: true) {
            ($0.strings(anyOf: ["sequence"], required: true), $0.string("message") ?? "")
        }
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let called = subject.turnCalls.map(\.tool)
        let found = patterns.first { !$0.sequence.isEmpty && ToolRules.sequence($0.sequence, called).score == 1 }
        guard let found else { return .yes(true, "no such sequence") }
        let words = found.message.isEmpty ? "" : ": \(found.message)"
        return .yes(false, "\(found.sequence.joined(separator: " → "))\(words)")
    }
}
