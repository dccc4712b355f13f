/// The composition's output is, or holds, this.
struct CompositionOutput: Check {
    static let names = ["composition_output"]
    private let rule: OutputRule

    init(_ fields: inout FieldReader) { rule = OutputRule(&fields) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        rule.judge(subject.composition?.output, of: "the composition")
    }
}

/// What an output has to be.
struct OutputRule: Sendable {
    private let contains: String?
    private let equals: JSONValue?

    init(_ fields: inout FieldReader) {
        contains = fields.string("contains")
        equals = fields.value("equals")
        if contains == nil, equals == nil { fields.missing("contains") }
    }

    func judge(_ output: JSONValue?, of name: String) -> CheckResult {
        guard let output else { return .yes(false, "\(name) has no output") }
        let text = output.string ?? output.text
        let fits =
            (contains.map { text.contains($0) } ?? true)
            && (equals.map { $0.isSame(as: output) || $0.string == text } ?? true)
        return .yes(fits, SafeText.oneLine(text, limit: 200))
    }
}
