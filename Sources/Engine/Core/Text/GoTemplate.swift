/// The part of Go's text/template that mock tools use: `{{.a.b}}`, `{{if}}` with `eq`, `ne`, `not`, `and`, `or`,
/// `{{else if}}`, `{{else}}`, `{{end}}`, and `-` that takes the white space away. A field that is missing is empty.
package struct GoTemplate: Sendable, Equatable {
    private indirect enum Node: Sendable, Equatable {
        case text(String)
        case value(Term)
        case choice(condition: Term, then: [Node], otherwise: [Node])
    }

    private indirect enum Term: Sendable, Equatable {
        case field([String])
        case literal(JSONValue)
        case call(String, [Term])
    }

    private let nodes: [Node]

    /// - Throws: `invalidInput` for an action beyond these.
    package init(_ text: String) throws(EngineError) {
        var pieces = try Self.pieces(text)[...]
        nodes = try Self.parse(&pieces, isInside: false)
        guard pieces.isEmpty else { throw EngineError(.invalidInput, "the template has an 'end' too many") }
    }

    package func fill(_ value: JSONValue) -> String { Self.fill(nodes, value) }

    // MARK: Reading

    private enum Piece { case text(String), action(String) }

    private static func pieces(_ text: String) throws(EngineError) -> [Piece] {
        var pieces: [Piece] = []
        var rest = Substring(text)
        var trimsNext = false
        func put(_ text: Substring, trimsEnd: Bool) {
            var text = text
            if trimsNext { text = text.drop { $0.isWhitespace } }
            if trimsEnd { while text.last?.isWhitespace == true { text.removeLast() } }
            if !text.isEmpty { pieces.append(.text(String(text))) }
        }
        while let open = rest.firstRange(of: "{{") {
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else {
                throw EngineError(.invalidInput, "the template has a '{{' that is never closed")
            }
            var inside = rest[open.upperBound..<close.lowerBound]
            let trimsBefore = inside.hasPrefix("- ")
            put(rest[..<open.lowerBound], trimsEnd: trimsBefore)
            if trimsBefore { inside = inside.dropFirst() }
            trimsNext = inside.hasSuffix(" -")
            if trimsNext { inside = inside.dropLast() }
            pieces.append(.action(inside.split(whereSeparator: \.isWhitespace).isEmpty ? "" : Self.trimmed(inside)))
            rest = rest[close.upperBound...]
        }
        put(rest, trimsEnd: false)
        return pieces
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    private static func parse(_ pieces: inout ArraySlice<Piece>, isInside: Bool) throws(EngineError) -> [Node] {
        var nodes: [Node] = []
        while let piece = pieces.first {
            switch piece {
            case .text(let text): nodes.append(.text(text))
            case .action(let action):
                if isInside, action == "end" || action == "else" || action.hasPrefix("else ") { return nodes }
                if action.hasPrefix("if ") {
                    pieces.removeFirst()
                    nodes.append(try choice(String(action.dropFirst(3)), &pieces))
                    continue
                }
                if !action.isEmpty, !action.hasPrefix("/*") { nodes.append(.value(try term(action))) }
            }
            pieces.removeFirst()
        }
        if isInside { throw EngineError(.invalidInput, "the template has an 'if' without its 'end'") }
        return nodes
    }

    /// From behind the `if` to behind its `end`.
    private static func choice(_ condition: String, _ pieces: inout ArraySlice<Piece>) throws(EngineError) -> Node {
        let then = try parse(&pieces, isInside: true)
        guard case .action(let action)? = pieces.popFirst() else {
            throw EngineError(.invalidInput, "the template has an 'if' without its 'end'")
        }
        var otherwise: [Node] = []
        if action.hasPrefix("else if ") {
            otherwise = [try choice(String(action.dropFirst(8)), &pieces)]
        } else if action == "else" {
            otherwise = try parse(&pieces, isInside: true)
            _ = pieces.popFirst()
        }
        return .choice(condition: try term(condition), then: then, otherwise: otherwise)
    }

    private static let functions: Set = ["eq", "ne", "not", "and", "or"]

    private static func term(_ text: String) throws(EngineError) -> Term {
        var words = try self.words(text)[...]
        let term = try application(&words)
        guard words.isEmpty else { throw unknown(text) }
        return term
    }

    private static func application(_ words: inout ArraySlice<String>) throws(EngineError) -> Term {
        guard let first = words.first, functions.contains(first) else { return try atom(&words) }
        words.removeFirst()
        var terms: [Term] = []
        while let next = words.first, next != ")" { terms.append(try atom(&words)) }
        return .call(first, terms)
    }

    private static func atom(_ words: inout ArraySlice<String>) throws(EngineError) -> Term {
        guard let word = words.popFirst() else { throw EngineError(.invalidInput, "the template has an empty action") }
        if word == "(" {
            let inner = try application(&words)
            guard words.popFirst() == ")" else { throw unknown(word) }
            return inner
        }
        if word.hasPrefix(".") { return .field(word.dropFirst().split(separator: ".").map(String.init)) }
        if let value = try? JSONParser.parse(word), value.object == nil, value.array == nil { return .literal(value) }
        throw unknown(word)
    }

    private static func unknown(_ text: String) -> EngineError {
        EngineError(
            .invalidInput, "'{{\(text)}}' is beyond what templates of mock tools can do here",
            hint: "fields (.name), if, else, eq, ne, not, and, or")
    }

    /// Words, strings in their quotes, and parentheses.
    private static func words(_ text: String) throws(EngineError) -> [String] {
        var words: [String] = []
        var rest = Substring(text)
        while let first = rest.first {
            if first.isWhitespace {
                rest.removeFirst()
            } else if first == "(" || first == ")" {
                words.append(String(first))
                rest.removeFirst()
            } else if first == "\"" {
                guard let end = rest.dropFirst().firstIndex(of: "\"") else { throw unknown(text) }
                words.append(String(rest[...end]))
                rest = rest[rest.index(after: end)...]
            } else {
                let word = rest.prefix { !$0.isWhitespace && $0 != "(" && $0 != ")" }
                words.append(String(word))
                rest = rest[word.endIndex...]
            }
        }
        return words
    }

    // MARK: Filling

    private static func fill(_ nodes: [Node], _ value: JSONValue) -> String {
        nodes.reduce(into: "") { result, node in
            switch node {
            case .text(let text): result += text
            case .value(let term):
                let found = evaluate(term, value)
                result += found.isNull ? "" : found.string ?? found.text
            case .choice(let condition, let then, let otherwise):
                result += fill(isTrue(evaluate(condition, value)) ? then : otherwise, value)
            }
        }
    }

    private static func evaluate(_ term: Term, _ value: JSONValue) -> JSONValue {
        switch term {
        case .literal(let literal): return literal
        case .field(let path): return path.reduce(value) { $0[$1] ?? .null }
        case .call(let name, let terms):
            let values = terms.map { evaluate($0, value) }
            switch name {
            case "eq": return .bool(values.dropFirst().contains { $0.isSame(as: values[0]) })
            case "ne": return .bool(values.count > 1 && !values[1].isSame(as: values[0]))
            case "not": return .bool(!isTrue(values.first ?? .null))
            case "and": return values.first { !isTrue($0) } ?? values.last ?? .null
            default: return values.first(where: isTrue) ?? values.last ?? .null
            }
        }
    }

    private static func isTrue(_ value: JSONValue) -> Bool {
        switch value {
        case .null: false
        case .bool(let value): value
        case .number(let number): number.double != 0
        case .string(let text): !text.isEmpty
        case .array(let items): !items.isEmpty
        case .object(let object): !object.isEmpty
        }
    }
}
