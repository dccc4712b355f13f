/// Calls in this order, each with its own conditions. Scores the share that was found in order.
struct ToolCallChain: Check {
    static let names = ["tool_call_chain"]
    private let steps: [ToolCallRule]

    init(_ fields: inout FieldReader) {
        steps = fields.items("steps", required: true) { ToolCallRule(&$0, tool: ["tool"], isRequired: true) }
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        var rest = subject.turnCalls[...]
        for (done, step) in steps.enumerated() {
            var fitting: Int?
            for index in rest.indices where try step.isMet(by: rest[index], subject) {
                fitting = index
                break
            }
            guard let fitting else {
                return .share(done, of: steps.count, "step \(done + 1), '\(step.tool ?? "any tool")', was not found")
            }
            rest = rest[(fitting + 1)...]
        }
        return CheckResult(score: 1, "all \(steps.count) steps in order")
    }
}
