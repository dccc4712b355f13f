/// An expression of the Common Expression Language (google/cel-spec, `doc/langdef.md`), as far as Omnia's ToolPolicy
/// uses it: without timestamps, durations, bytes, types as values and messages, which are errors when it is read.
package struct CELExpression: Sendable, Equatable {
    package let text: String
    let root: CELNode

    /// - Parameter variables: the names that it may use.
    /// - Throws: what is wrong with it, and where.
    package init(_ text: String, variables: Set<String>) throws(CELError) {
        self.text = text
        var parser = CELParser(try CELLexer.tokens(text), variables: variables)
        root = try parser.whole()
    }

    /// - Parameters:
    ///   - values: of the variables; numbers are doubles, as everything that was read from JSON.
    ///   - patterns: for `matches`.
    /// - Throws: where a value is missing, or an operation does not fit its values.
    package func evaluate(
        _ values: [String: JSONValue], patterns: any PatternCompiler
    ) throws(CELError) -> CELValue {
        var evaluation = CELEvaluation(variables: values.mapValues { CELValue($0) }, patterns: patterns)
        return try evaluation.value(of: root)
    }

    package static func == (a: Self, b: Self) -> Bool { a.text == b.text }
}

package struct CELError: Error, Sendable, Equatable, CustomStringConvertible {
    package var message: String
    /// In characters; nil for what went wrong with values.
    package var offset: Int?

    init(_ message: String, at offset: Int? = nil) {
        self.message = message
        self.offset = offset
    }

    package var description: String { message + (offset.map { ", at character \($0 + 1)" } ?? "") }
}

package indirect enum CELValue: Sendable, Equatable {
    case null, bool(Bool), int(Int), double(Double), string(String), list([CELValue]), map([String: CELValue])

    init(_ json: JSONValue) {
        self =
            switch json {
            case .null: .null
            case .bool(let bool): .bool(bool)
            case .number: .double(json.double ?? 0)
            case .string(let text): .string(text)
            case .array(let items): .list(items.map { CELValue($0) })
            case .object(let object): .map(Dictionary(object.map { ($0, CELValue($1)) }) { $1 })
            }
    }

    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .int: "int"
        case .double: "double"
        case .string: "string"
        case .list: "list"
        case .map: "map"
        }
    }

    /// Numbers of both kinds are equal when their values are.
    func equals(_ other: CELValue) -> Bool {
        switch (self, other) {
        case (.int(let a), .double(let b)), (.double(let b), .int(let a)): Double(a) == b
        case (.list(let a), .list(let b)): a.count == b.count && zip(a, b).allSatisfy { $0.equals($1) }
        case (.map(let a), .map(let b)):
            a.count == b.count && a.allSatisfy { key, value in b[key].map { value.equals($0) } ?? false }
        default: self == other
        }
    }

    /// As text, for headers that are put in.
    package var text: String {
        switch self {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .int(let number): String(number)
        case .double(let number): OmniaRequest.text(.double(number))
        case .string(let text): text
        case .list(let items): "[" + items.map(\.text).joined(separator: " ") + "]"
        case .map(let map):
            "map[" + map.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.text)" }.joined(separator: " ") + "]"
        }
    }
}

indirect enum CELNode: Sendable {
    case literal(CELValue)
    case variable(String)
    case field(CELNode, String)
    /// `has(a.b)`
    case has(CELNode, String)
    case index(CELNode, CELNode)
    case list([CELNode])
    case map([(key: CELNode, value: CELNode)])
    case not(CELNode)
    case minus(CELNode)
    case binary(String, CELNode, CELNode)
    case and(CELNode, CELNode)
    case or(CELNode, CELNode)
    case choice(CELNode, CELNode, CELNode)
    case call(String, target: CELNode?, [CELNode])
    /// `all`, `exists`, `exists_one`, `filter`, `map`.
    case macro(String, over: CELNode, variable: String, CELNode)
}
