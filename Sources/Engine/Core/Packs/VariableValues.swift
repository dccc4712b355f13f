/// The values of a prompt's variables, and where they come from.
package struct VariableValues: Sendable, Equatable {
    package var values: [String: JSONValue] = [:]
    package var origins: [String: VariableOrigin] = [:]
    /// Required variables without a value.
    package var missing: [String] = []
    /// What is wrong with the values, by variable.
    package var problems: [(name: String, problem: String)] = []

    package static func == (a: Self, b: Self) -> Bool {
        a.values == b.values && a.origins == b.origins && a.missing == b.missing
            && a.problems.elementsEqual(b.problems, by: ==)
    }

    /// - Parameters:
    ///   - given: by name; they win over everything. A text is read as the variable's type says.
    ///   - bindings: by kind, then by field.
    ///   - provided: what the engine knows: the workflow's context, artifacts.
    package init(
        _ variables: [Variable], given: [String: JSONValue], bindings: JSONObject = JSONObject(),
        provided: [String: JSONValue] = [:], patterns: any PatternCompiler
    ) {
        for (name, value) in provided {
            values[name] = value
            origins[name] = .provided
        }
        for (name, value) in given {
            values[name] = value
            origins[name] = .given
        }
        for variable in variables {
            take(variable, bindings, patterns)
        }
    }

    private mutating func take(_ variable: Variable, _ bindings: JSONObject, _ patterns: any PatternCompiler) {
        let name = variable.name
        if origins[name] != .given {
            if let value = variable.bound(in: bindings) {
                values[name] = value
                origins[name] = .bound
            } else if origins[name] == nil {
                values[name] = variable.defaultValue
                origins[name] = variable.defaultValue == nil ? .empty : .standard
            }
        }
        guard let value = values[name], !(value.string?.isEmpty ?? value.isNull) else {
            values[name] = .string("")
            if variable.required { missing.append(name) }
            return
        }
        switch variable.converted(value) {
        case .success(let converted):
            values[name] = converted
            if let problem = variable.problem(with: converted, patterns) { problems.append((name, problem)) }
        case .failure(let error): problems.append((name, error.message))
        }
    }
}

extension Variable {
    fileprivate func bound(in bindings: JSONObject) -> JSONValue? {
        guard let binding, let kind = binding.kind, let values = bindings[kind] else { return nil }
        return binding.field.map { values[$0] } ?? values
    }

    /// A value of the variable's type; texts, which is all that a command line and a form have, are read.
    package func converted(_ value: JSONValue) -> Result<JSONValue, EngineError> {
        func wrong() -> Result<JSONValue, EngineError> {
            .failure(EngineError(.invalidInput, "it must be \(typeWording), not \(shown(value))"))
        }
        switch type {
        case "string": return value.scalarText.map { .success(.string($0)) } ?? wrong()
        case "number":
            if value.double != nil { return .success(value) }
            if let text = value.string, case .number(let number)? = try? JSONParser.parse(text) {
                return .success(.number(number))
            }
            return wrong()
        case "boolean":
            if value.bool != nil { return .success(value) }
            switch value.scalarText?.lowercased() {
            case "true", "yes", "1": return .success(.bool(true))
            case "false", "no", "0": return .success(.bool(false))
            default: return wrong()
            }
        case "object", "array":
            let parsed = value.string.flatMap { try? JSONParser.parse($0) } ?? value
            return (type == "object" ? parsed.object != nil : parsed.array != nil) ? .success(parsed) : wrong()
        default: return .success(value)
        }
    }

    private var typeWording: String {
        switch type {
        case "string": "a text"
        case "number": "a number"
        case "boolean": "true or false"
        case "object": "a JSON object"
        case "array": "a JSON list"
        default: type
        }
    }

    private func shown(_ value: JSONValue) -> String {
        value.string.map { "'\(SafeText.oneLine($0, limit: 60))'" } ?? value.kindName
    }

    /// What is wrong with a value, by its type and by `validation`; nil when nothing is.
    package func problem(with value: JSONValue, _ patterns: any PatternCompiler) -> String? {
        guard case .success(let value) = converted(value) else {
            return "it must be \(typeWording), not \(shown(value))"
        }
        if let choices = validation.choices, !choices.contains(where: { $0.isSame(as: value) }) {
            return "\(shown(value)) is none of \(choices.map { $0.scalarText ?? $0.text }.joined(separator: ", "))"
        }
        if let number = value.double {
            if let low = validation.minimum, number < low { return "it must be at least \(JSONValue.double(low).text)" }
            if let high = validation.maximum, number > high {
                return "it must be at most \(JSONValue.double(high).text)"
            }
        }
        guard let text = value.string else { return nil }
        let length = text.unicodeScalars.count
        if let low = validation.minLength, length < low {
            return "it must have at least \(low) characters, not \(length)"
        }
        if let high = validation.maxLength, length > high {
            return "it must have at most \(high) characters, not \(length)"
        }
        if let pattern = validation.pattern, let compiled = try? patterns.compile(pattern, ignoringCase: false),
            !compiled.matches(text)
        {
            return "\(shown(value)) does not match '\(pattern)'"
        }
        return nil
    }
}
