/// The session stays below these bounds. Scores what is left of the money.
struct CostBudget: Check {
    static let names = ["cost_budget"]
    private let dollars: Double?
    private let input: Int?
    private let output: Int?
    private let total: Int?

    init(_ fields: inout FieldReader) {
        dollars = fields.number("max_cost_usd")
        input = fields.int("max_input_tokens", atLeast: 1)
        output = fields.int("max_output_tokens", atLeast: 1)
        total = fields.int("max_total_tokens", atLeast: 1)
        if dollars == nil, input == nil, output == nil, total == nil { fields.missing("max_cost_usd") }
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let usage = subject.usage
        let tokens = "\(usage.prompt) tokens in, \(usage.output) out"
        if usage.prompt > input ?? .max || usage.output > output ?? .max || usage.prompt + usage.output > total ?? .max
        {
            return CheckResult(score: 0, tokens)
        }
        guard let dollars else { return CheckResult(score: 1, tokens) }
        guard let cost = subject.cost else { return CheckResult(score: nil, "the cost is not known") }
        let spent = Double(cost.nanodollars) / 1e9
        let share = dollars > 0 ? 1 - spent / dollars : (spent > 0 ? -1 : 1)
        return CheckResult(score: max(share, 0), "\(cost.text) of $\(JSONValue.double(dollars).text)")
    }
}
