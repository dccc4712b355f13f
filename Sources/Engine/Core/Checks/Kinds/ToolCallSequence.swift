/// These tools were called in this order; others may stand between. Scores the share that was found in order.
struct ToolCallSequence: Check {
    static let names = ["tool_call_sequence"]
    private let sequence: [String]

    init(_ fields: inout FieldReader) { sequence = fields.strings(anyOf: ["sequence"], required: true) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        ToolRules.sequence(sequence, subject.turnCalls.map(\.tool))
    }
}
