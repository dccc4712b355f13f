/// An expression in JMESPath (jmespath.org/specification.html), parsed once.
package struct JMESPath: Sendable, Equatable {
    private let root: JMESNode

    /// - Throws: a `syntax` error with its place; functions are looked up when the expression is used.
    package init(_ expression: String) throws(JMESPathError) {
        var parser = JMESParser(try JMESLexer.tokens(of: expression))
        root = try parser.whole()
    }

    /// What the expression finds; null where it finds nothing.
    package func search(_ value: JSONValue) throws(JMESPathError) -> JSONValue {
        var evaluation = JMESEvaluation()
        return try evaluation.value(of: root, value)
    }
}

/// Why an expression cannot be read or used.
package struct JMESPathError: Error, Sendable, Equatable {
    /// The names of the specification, with their usual spelling.
    package enum Kind: String, Sendable {
        case syntax
        case invalidType = "invalid-type"
        case invalidValue = "invalid-value"
        case invalidArity = "invalid-arity"
        case unknownFunction = "unknown-function"
        /// The work has a bound.
        case tooMuch = "too-much"
    }

    package var kind: Kind
    package var message: String
    /// Where in the expression, in characters; nil for what went wrong when it was used.
    package var offset: Int?

    init(_ kind: Kind, _ message: String, at offset: Int? = nil) {
        self.kind = kind
        self.message = message
        self.offset = offset
    }
}

/// An expression as a tree.
indirect enum JMESNode: Sendable, Equatable {
    enum Comparison: Sendable { case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual }

    case current
    case field(String)
    case literal(JSONValue)
    case index(Int)
    case slice(Int?, Int?, Int)
    /// The right side applied to what the left side gives.
    case chain(JMESNode, JMESNode)
    case pipe(JMESNode, JMESNode)
    case flatten(JMESNode)
    /// The right side applied to each item of a list; what gives null is left out.
    case project(JMESNode, JMESNode)
    case projectValues(JMESNode, JMESNode)
    case filter(JMESNode, JMESNode, JMESNode)
    case or(JMESNode, JMESNode)
    case and(JMESNode, JMESNode)
    case not(JMESNode)
    case compare(JMESNode, Comparison, JMESNode)
    case list([JMESNode])
    case object([String], [JMESNode])
    case call(String, [JMESNode])
    /// `&expression`: an argument that the function applies itself.
    case reference(JMESNode)
}
