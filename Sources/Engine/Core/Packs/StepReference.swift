/// A reference of a composition: `${input.a.b}`, `${step.output.x}`.
package struct StepReference: Sendable, Equatable {
    /// `input`, or the id of a step.
    package var root: String
    /// Names behind it; for a step without its `output`.
    package var path: [String]

    /// - Parameter text: what stands between `${` and `}`.
    package init?(_ text: some StringProtocol) {
        let parts = String(text).split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
        guard let first = parts.first,
            parts.allSatisfy({ part in
                !part.isEmpty && part.utf8.allSatisfy { TextForm.isLetter($0) || TextForm.isDigit($0) || $0 == 0x5F }
            })
        else { return nil }
        root = first
        path = Array(parts.dropFirst())
        if root != "input", path.first == "output" { path.removeFirst() }
    }

    /// Every reference in a text, with where it stands.
    package static func find(in text: String) -> [(range: Range<String.Index>, reference: StepReference)] {
        var found: [(Range<String.Index>, StepReference)] = []
        var rest = text[...]
        while let open = rest.firstRange(of: "${"), let close = rest[open.upperBound...].firstIndex(of: "}") {
            if let reference = StepReference(rest[open.upperBound..<close]) {
                found.append((open.lowerBound..<text.index(after: close), reference))
            }
            rest = rest[rest.index(after: close)...]
        }
        return found
    }

    /// Every reference in the texts of a value.
    package static func find(in value: JSONValue) -> [StepReference] {
        switch value {
        case .string(let text): find(in: text).map(\.reference)
        case .array(let items): items.flatMap { find(in: $0) }
        case .object(let object): object.values.flatMap { find(in: $0) }
        default: []
        }
    }
}

extension Composition.Step {
    /// What the step refers to, with the field that does.
    package var references: [(StepReference, String)] {
        switch kind {
        case .prompt(_, let input, _), .agent(_, let input, _, _, _, _):
            StepReference.find(in: input ?? .null).map { ($0, "input") }
        case .tool(_, let arguments): StepReference.find(in: .object(arguments)).map { ($0, "args") }
        case .branch(let predicate, _, _): predicate.references.map { ($0, "predicate") }
        case .parallel: []
        }
    }
}

extension Composition.Predicate {
    var references: [StepReference] {
        switch self {
        case .compare(let path, _, let value):
            StepReference.find(in: path).map(\.reference) + StepReference.find(in: value)
        case .exists(let path, _): StepReference.find(in: path).map(\.reference)
        case .all(let inner), .any(let inner): inner.flatMap(\.references)
        case .not(let inner): inner.references
        }
    }
}
