/// A system prompt as it will be sent, with an account of how it came about.
package struct RenderedPrompt: Sendable, Equatable, Codable {
    package enum Source: Sendable, Equatable, Codable {
        case template
        case variable(String)
        case fragment(String)
        /// A placeholder that nothing fills.
        case unresolved(String)
    }

    /// A stretch of the text that has one source.
    package struct Span: Sendable, Equatable, Codable {
        /// In bytes of UTF-8.
        package var length: Int
        package var source: Source

        package init(length: Int, source: Source) {
            self.length = length
            self.source = source
        }
    }

    package var text = ""
    /// All of the text, in order.
    package var spans: [Span] = []
    package var passes = 1
    /// Names that were put in, sorted.
    package var used: [String] = []
    /// Declared or given names that the text does not need, sorted.
    package var unused: [String] = []
    /// Required variables without a value, in the order of the pack.
    package var missing: [String] = []
    /// Placeholders that are left.
    package var unresolved: [String] = []
    /// What is wrong with values, for people.
    package var invalid: [String] = []

    package init() {}

    package var tokens: Int { TokenEstimate.tokens(text) }

    /// Whether it can be sent.
    package var isComplete: Bool { missing.isEmpty && unresolved.isEmpty && invalid.isEmpty }

    mutating func append(_ piece: some StringProtocol, _ source: Source) {
        let length = piece.utf8.count
        guard length > 0 else { return }
        text += piece
        if spans.last?.source == source {
            spans[spans.count - 1].length += length
        } else {
            spans.append(Span(length: length, source: source))
        }
    }
}

/// Fills the placeholders of a template.
///
/// One pass over the template: what a value holds is text and is never looked at again, so a value cannot bring in
/// another. Fragments may hold placeholders, and other fragments, ten deep at most.
package struct PromptRenderer {
    /// A fragment that contains itself twice grows with each turn; this is where it ends.
    static let sizeLimit = 1 << 20
    private static let depthLimit = 10

    private let fragments: [String: String]
    private let values: [String: JSONValue]
    private var texts: [String: String] = [:]
    private var templates: [String: Template] = [:]
    private var result = RenderedPrompt()
    private var used: Set<String> = []

    /// The prompt with its account, complete or not.
    package static func account(
        _ prompt: Prompt, fragments: [String: String], values: VariableValues
    ) -> RenderedPrompt {
        var renderer = PromptRenderer(fragments: fragments, values: values.values)
        renderer.fill(Template(prompt.systemTemplate), in: .template, depth: 0)
        var result = renderer.result
        result.used = renderer.used.sorted()
        let known = Set(prompt.variables.map(\.name)).union(values.origins.filter { $0.value == .given }.keys)
        result.unused = known.subtracting(renderer.used).sorted()
        result.missing = values.missing
        result.invalid = values.problems.map { "'\($0.name)': \($0.problem)" }
        return result
    }

    /// The prompt, ready to be sent.
    /// - Throws: `invalidInput`, naming every required variable that is missing or empty, every value that breaks its
    ///   rules, or every placeholder that is left.
    package static func render(
        _ prompt: Prompt, fragments: [String: String], values: VariableValues
    ) throws(EngineError) -> RenderedPrompt {
        let result = account(prompt, fragments: fragments, values: values)
        if let problem = problem(with: result, prompt, fragments, values) { throw problem }
        guard result.text.utf8.count < sizeLimit else {
            throw EngineError(
                .tooLarge, "\(place(prompt))the prompt '\(prompt.key)' grows beyond \(sizeLimit) bytes",
                hint: "a fragment that contains itself never ends")
        }
        return result
    }

    private init(fragments: [String: String], values: [String: JSONValue]) {
        self.fragments = fragments
        self.values = values
    }

    private mutating func fill(_ template: Template, in source: RenderedPrompt.Source, depth: Int) {
        var at = template.text.startIndex
        for placeholder in template.placeholders {
            guard result.text.utf8.count < Self.sizeLimit else { return }
            result.append(template.text[at..<placeholder.range.lowerBound], source)
            put(placeholder, template, depth)
            at = placeholder.range.upperBound
        }
        result.append(template.text[at...], source)
    }

    private mutating func put(_ placeholder: Template.Placeholder, _ template: Template, _ depth: Int) {
        let root = placeholder.path.root
        if placeholder.fragment == nil, let value = values[root] {
            if placeholder.path.steps.isEmpty {
                used.insert(root)
                return result.append(text(of: root, value), .variable(root))
            }
            if let inner = value.value(at: placeholder.path.steps) {
                used.insert(root)
                return result.append(inner.templateText, .variable(root))
            }
        }
        let name = placeholder.fragment ?? placeholder.inside
        if let fragment = fragments[name], depth < Self.depthLimit {
            used.insert(name)
            let template = templates[name] ?? Template(fragment)
            templates[name] = template
            return fill(template, in: .fragment(name), depth: depth + 1)
        }
        if !result.unresolved.contains(placeholder.inside) { result.unresolved.append(placeholder.inside) }
        result.append(template.text[placeholder.range], .unresolved(placeholder.inside))
    }

    private mutating func text(of name: String, _ value: JSONValue) -> String {
        if case .string(let text) = value { return text }
        if let text = texts[name] { return text }
        let text = value.templateText
        texts[name] = text
        return text
    }

    // MARK: What is wrong

    private static func place(_ prompt: Prompt, _ field: String = "system_template") -> String {
        guard let (file, place) = prompt.origin?.location(field), let place else { return "" }
        return "\(file):\(place.line):\(place.column): "
    }

    /// Why the prompt cannot be sent; nil when it can.
    package static func problem(
        with result: RenderedPrompt, _ prompt: Prompt, _ fragments: [String: String], _ values: VariableValues
    ) -> EngineError? {
        if let first = result.missing.first {
            let index = prompt.variables.firstIndex { $0.name == first } ?? 0
            return EngineError(
                .invalidInput,
                "\(place(prompt, "variables/\(index)"))the prompt '\(prompt.key)' needs "
                    + "\(result.missing.count == 1 ? "a value" : "values") for \(quoted(result.missing))",
                hint: "give it with --var \(first)=VALUE, or under 'variables:' in cleo.yaml")
        }
        if let first = values.problems.first {
            let index = prompt.variables.firstIndex { $0.name == first.name } ?? 0
            return EngineError(
                .invalidInput,
                "\(place(prompt, "variables/\(index)"))the prompt '\(prompt.key)' cannot take its values: "
                    + result.invalid.joined(separator: "; "))
        }
        guard let first = result.unresolved.first else { return nil }
        let names = prompt.variables.map(\.name) + fragments.keys
        let hint =
            Suggestion.nearest(to: first, among: names).map { "did you mean '{{\($0)}}'?" }
            ?? "declare it under \"variables\" or \"fragments\", or give it with --var \(first)=VALUE"
        return EngineError(
            .invalidInput,
            "\(place(prompt))the prompt '\(prompt.key)' still holds "
                + result.unresolved.map { "'{{\($0)}}'" }.joined(separator: ", "), hint: hint)
    }
}
