/// How a model is to answer; nil leaves the provider's default.
package struct ModelParameters: Sendable, Equatable {
    package var temperature: Double?
    package var maxTokens: Int?
    package var topP: Double?
    package var topK: Int?
    package var frequencyPenalty: Double?
    package var presencePenalty: Double?
    package var seed: Int?
    package var stop: [String]?
    /// How hard it thinks: `none`, `minimal`, `low`, `medium`, `high`, … as the vendor names it.
    package var effort: String?
    /// Tokens that it may think; 0 turns thinking off.
    package var thinkingBudget: Int?

    package init(
        temperature: Double? = nil, maxTokens: Int? = nil, topP: Double? = nil, topK: Int? = nil,
        frequencyPenalty: Double? = nil, presencePenalty: Double? = nil
    ) {
        self.temperature = temperature
        self.maxTokens = maxTokens
        self.topP = topP
        self.topK = topK
        self.frequencyPenalty = frequencyPenalty
        self.presencePenalty = presencePenalty
    }

    /// These values, and where one is missing, the other's.
    package func over(_ other: Self) -> Self {
        var result = self
        result.temperature = temperature ?? other.temperature
        result.maxTokens = maxTokens ?? other.maxTokens
        result.topP = topP ?? other.topP
        result.topK = topK ?? other.topK
        result.frequencyPenalty = frequencyPenalty ?? other.frequencyPenalty
        result.presencePenalty = presencePenalty ?? other.presencePenalty
        result.seed = seed ?? other.seed
        result.stop = stop ?? other.stop
        result.effort = effort ?? other.effort
        result.thinkingBudget = thinkingBudget ?? other.thinkingBudget
        return result
    }

    /// The names that a person sets them by.
    package static let names = [
        "temperature", "max_tokens", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "stop",
        "effort", "thinking_budget",
    ]

    /// Sets one by its name; null takes it back.
    /// - Throws: `invalidInput` for a name or a value that it cannot be.
    package mutating func set(_ name: String, _ value: JSONValue) throws(EngineError) {
        func number(_ range: ClosedRange<Double>) throws(EngineError) -> Double? {
            if value.isNull { return nil }
            if let number = value.double, range.contains(number) { return number }
            throw EngineError(
                .invalidInput,
                "\(name) must be a number from \(JSONValue.double(range.lowerBound).text) to "
                    + "\(JSONValue.double(range.upperBound).text), not \(value.text)")
        }
        func whole(_ minimum: Int) throws(EngineError) -> Int? {
            if value.isNull { return nil }
            if let number = value.int, number >= minimum { return number }
            throw EngineError(
                .invalidInput, "\(name) must be a whole number from \(minimum) on, not \(value.text)")
        }
        switch name {
        case "temperature": temperature = try number(0...2)
        case "top_p": topP = try number(0...1)
        case "frequency_penalty": frequencyPenalty = try number(-2...2)
        case "presence_penalty": presencePenalty = try number(-2...2)
        case "max_tokens": maxTokens = try whole(1)
        case "top_k": topK = try whole(1)
        case "seed": seed = try whole(0)
        case "thinking_budget": thinkingBudget = try whole(0)
        case "effort": effort = value.string
        case "stop": stop = value.string.map { [$0] } ?? value.array?.compactMap(\.string)
        default:
            throw EngineError(
                .invalidInput, "there is no parameter '\(name)'",
                hint: Suggestion.hint(for: name, among: Self.names) ?? "one of: \(Self.names.joined(separator: ", "))")
        }
    }

    /// Those that are set, by name, for the screen and the trace.
    package var given: [(name: String, value: JSONValue)] {
        let all: [(String, JSONValue?)] = [
            ("temperature", temperature.map { .double($0) }), ("max_tokens", maxTokens.map { .int($0) }),
            ("top_p", topP.map { .double($0) }), ("top_k", topK.map { .int($0) }),
            ("frequency_penalty", frequencyPenalty.map { .double($0) }),
            ("presence_penalty", presencePenalty.map { .double($0) }), ("seed", seed.map { .int($0) }),
            ("stop", stop.map { .array($0.map { .string($0) }) }), ("effort", effort.map { .string($0) }),
            ("thinking_budget", thinkingBudget.map { .int($0) }),
        ]
        return all.compactMap { name, value in value.map { (name, $0) } }
    }
}
