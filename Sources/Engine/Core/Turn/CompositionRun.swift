/// One run of a composition: what its steps gave so far (RFC 0010).
struct CompositionRun: Sendable {
    let composition: Composition
    let input: JSONValue
    var outputs: [String: JSONValue] = [:]
    var skipped: Set<String> = []

    init(_ composition: Composition, _ text: String) {
        self.composition = composition
        // What the person says is the input; where it is a JSON object, its fields are.
        let parsed = (try? JSONParser.parse(text)).flatMap { $0.object == nil ? nil : $0 }
        input = parsed ?? .string(text)
    }

    // MARK: References

    func value(of reference: StepReference) -> JSONValue? {
        let root = reference.root == "input" ? input : outputs[reference.root]
        return reference.path.reduce(root) { $0?[$1] }
    }

    /// Puts outputs in the place of references. A text that is one reference becomes its value; inside a longer text
    /// the value is written.
    func resolved(_ value: JSONValue) throws(EngineError) -> JSONValue {
        switch value {
        case .string(let text):
            let found = StepReference.find(in: text)
            guard let first = found.first else { return value }
            if found.count == 1, first.range == text.startIndex..<text.endIndex {
                guard let inner = self.value(of: first.reference) else { throw missing(text) }
                return inner
            }
            var result = ""
            var at = text.startIndex
            for (range, reference) in found {
                guard let inner = self.value(of: reference) else { throw missing(String(text[range])) }
                result += text[at..<range.lowerBound] + inner.templateText
                at = range.upperBound
            }
            return .string(result + text[at...])
        case .array(let items):
            var result: [JSONValue] = []
            for item in items { result.append(try resolved(item)) }
            return .array(result)
        case .object(let object):
            var result = JSONObject()
            for (key, item) in object { result[key] = try resolved(item) }
            return .object(result)
        default: return value
        }
    }

    private func missing(_ text: String) -> EngineError {
        EngineError(.invalidInput, "nothing stands behind \(SafeText.oneLine(text, limit: 80))")
    }

    // MARK: Predicates

    /// - Throws: where numbers are compared and something is no number.
    func holds(_ predicate: Composition.Predicate) throws(EngineError) -> Bool {
        switch predicate {
        case .all(let inner):
            for one in inner where try !holds(one) { return false }
            return true
        case .any(let inner):
            for one in inner where try holds(one) { return true }
            return false
        case .not(let inner): return try !holds(inner)
        case .exists(let path, let wanted): return (found(path) != nil) == wanted
        case .compare(let path, let comparison, let value):
            return try compare(found(path) ?? .null, comparison, try resolved(value), path)
        }
    }

    /// What a path leads to; it is written with or without `${…}`.
    private func found(_ path: String) -> JSONValue? {
        let inside = path.hasPrefix("${") && path.hasSuffix("}") ? path.dropFirst(2).dropLast() : Substring(path)
        return StepReference(inside).flatMap { value(of: $0) }
    }

    private func compare(
        _ found: JSONValue, _ comparison: String, _ wanted: JSONValue, _ path: String
    ) throws(EngineError) -> Bool {
        switch comparison {
        case "equals": return found.isSame(as: wanted)
        case "not_equals": return !found.isSame(as: wanted)
        case "in": return wanted.array?.contains { $0.isSame(as: found) } ?? false
        case "not_in": return !(wanted.array?.contains { $0.isSame(as: found) } ?? false)
        default:
            guard let a = found.double, let b = wanted.double else {
                throw EngineError(
                    .invalidInput, "'\(comparison)' compares numbers; \(path) is \(found.kindName)")
            }
            switch comparison {
            case "less_than": return a < b
            case "less_than_or_equals": return a <= b
            case "greater_than": return a > b
            case "greater_than_or_equals": return a >= b
            default: throw EngineError(.invalidInput, "there is no comparison '\(comparison)'")
            }
        }
    }

    // MARK: Results

    /// The output of parallel branches under one name.
    static func reduce(
        _ outputs: [(id: String, output: JSONValue)], strategy: String, into name: String
    ) -> JSONValue {
        let merged: JSONValue =
            switch strategy {
            case "append": .array(outputs.flatMap { $0.output.array ?? [$0.output] })
            case "replace": outputs.last?.output ?? .null
            default: .object(JSONObject(outputs.map { ($0.id, $0.output) }))
            }
        return .object([name: merged])
    }

    /// The composition's own output.
    var result: JSONValue? {
        if let output = composition.output { return outputs[output] }
        return composition.steps.last { outputs[$0.id] != nil }.flatMap { outputs[$0.id] }
    }
}
