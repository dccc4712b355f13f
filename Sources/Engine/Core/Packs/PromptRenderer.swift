/// A system prompt as it will be sent.
package struct RenderedPrompt: Sendable, Equatable {
    package var text: String
    package var passes: Int
    /// Names that were put in, sorted.
    package var used: [String]
    /// Declared or given names that the text does not need, sorted.
    package var unused: [String]
}

/// Fills the placeholders `{{name}}` of a template: plain substitution of variables and fragments, again until
/// nothing changes, in at most ten passes. A value may therefore hold further placeholders.
package enum PromptRenderer {
    /// A value that contains itself grows with each pass; this is where it ends.
    private static let sizeLimit = 1 << 20
    private static let passLimit = 10

    /// - Parameter given: values of the person, by name; they win over defaults.
    /// - Throws: `invalidInput`, naming every required variable that is missing or empty, or every placeholder that
    ///   is left.
    package static func render(
        _ prompt: Prompt, fragments: [String: String], given: [String: JSONValue]
    ) throws(EngineError) -> RenderedPrompt {
        let values = try values(of: prompt, given: given)
        let names = values.merging(
            fragments.flatMap { [($0.key, $0.value), ("fragments." + $0.key, $0.value)] }
        ) { variable, _ in variable }
        var text = prompt.systemTemplate
        var used: Set<String> = []
        var passes = 0
        while passes < passLimit {
            let next = substitute(text, names, &used)
            passes += 1
            guard next != text else { break }
            guard next.utf8.count <= sizeLimit else {
                throw EngineError(
                    .tooLarge, "the prompt '\(prompt.key)' grows beyond \(sizeLimit) bytes while it is filled in",
                    hint: "a value that contains its own placeholder never ends")
            }
            text = next
        }
        let left = placeholders(in: text)
        guard left.isEmpty else { throw unresolved(left, prompt, Array(names.keys)) }
        let declared = Set(prompt.variables.map(\.name)).union(given.keys)
        return RenderedPrompt(
            text: text, passes: passes, used: used.sorted(), unused: declared.subtracting(used).sorted())
    }

    private static func values(
        of prompt: Prompt, given: [String: JSONValue]
    ) throws(EngineError) -> [String: String] {
        var values: [String: String] = [:]
        for (name, value) in given { values[name] = text(value) }
        for variable in prompt.variables where values[variable.name] == nil {
            if let value = variable.defaultValue { values[variable.name] = text(value) }
        }
        let missing = prompt.variables.filter { $0.required && (values[$0.name] ?? "").isEmpty }.map(\.name)
        guard missing.isEmpty else {
            let names = missing.map { "'\($0)'" }.joined(separator: ", ")
            throw EngineError(
                .invalidInput,
                "\(place(prompt))the prompt '\(prompt.key)' needs \(missing.count == 1 ? "a value" : "values") for "
                    + names,
                hint: "give it with --var \(missing[0])=VALUE, or under 'variables:' in cleo.yaml")
        }
        for variable in prompt.variables where values[variable.name] == nil { values[variable.name] = "" }
        return values
    }

    private static func text(_ value: JSONValue) -> String { value.scalarText ?? (value.isNull ? "" : value.text) }

    /// One pass from left to right. What a value brings in is looked at in the next pass.
    private static func substitute(_ text: String, _ names: [String: String], _ used: inout Set<String>) -> String {
        var result = ""
        var rest = Substring(text)
        while let open = rest.firstRange(of: "{{") {
            result += rest[..<open.lowerBound]
            let after = rest[open.upperBound...]
            guard let close = after.firstRange(of: "}}"),
                let value = names[String(after[..<close.lowerBound])]
            else {
                result += "{"
                rest = rest[rest.index(after: open.lowerBound)...]
                continue
            }
            used.insert(String(after[..<close.lowerBound]))
            result += value
            rest = after[close.upperBound...]
        }
        return result + rest
    }

    private static func placeholders(in text: String) -> [String] {
        var found: [String] = []
        var rest = Substring(text)
        while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
            let name = String(rest[open.upperBound..<close.lowerBound])
            if !found.contains(name) { found.append(name) }
            rest = rest[close.upperBound...]
        }
        return found
    }

    private static func unresolved(_ left: [String], _ prompt: Prompt, _ names: [String]) -> EngineError {
        let listed = left.map { "'{{\($0)}}'" }.joined(separator: ", ")
        let first = left[0]
        let bare = String(first.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        let hint: String
        if bare != first, names.contains(bare) {
            hint = "write '{{\(bare)}}', without spaces"
        } else if let near = Suggestion.nearest(to: bare, among: names) {
            hint = "did you mean '{{\(near)}}'?"
        } else {
            hint = "declare it under \"variables\" or \"fragments\", or give it with --var \(bare)=VALUE"
        }
        return EngineError(
            .invalidInput, "\(place(prompt))the prompt '\(prompt.key)' still holds \(listed)", hint: hint)
    }

    private static func place(_ prompt: Prompt) -> String {
        guard let place = prompt.place else { return "" }
        return "\(prompt.file):\(place.line):\(place.column): "
    }
}
