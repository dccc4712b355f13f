/// A variant of the input leads to the same as the baseline.
struct Directional: Check {
    static let names = ["directional"]
    private let check: String
    private let baselineTools: [String]
    private let baselineOutput: String
    private let threshold: Double

    init(_ fields: inout FieldReader) {
        check =
            fields.choice("check", of: ["same_tool_calls", "same_outcome", "similar_content"], required: true) ?? ""
        baselineTools = fields.strings(anyOf: ["baseline_tool_calls", "baseline_tools"])
        baselineOutput = fields.string(anyOf: ["baseline_output", "baseline_content", "baseline_outcome"]) ?? ""
        threshold = fields.number("threshold", in: 0...1) ?? 0.5
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        switch check {
        case "same_tool_calls":
            let called = subject.turnCalls.map(\.tool)
            return .yes(called == baselineTools, "called: \(quoted(called))")
        case "same_outcome":
            let outcome = subject.workflow?.state ?? subject.output
            return .yes(outcome == baselineOutput, SafeText.oneLine(outcome, limit: 200))
        default:
            let similarity = Self.similarity(subject.output, baselineOutput)
            return .yes(similarity >= threshold, "\(Int((similarity * 100).rounded()))% of the words are shared")
        }
    }

    /// Jaccard's index of the two sets of words.
    private static func similarity(_ a: String, _ b: String) -> Double {
        func words(_ text: String) -> Set<String> {
            Set(text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init))
        }
        let (first, second) = (words(a), words(b))
        let all = first.union(second).count
        return all == 0 ? 1 : Double(first.intersection(second).count) / Double(all)
    }
}
