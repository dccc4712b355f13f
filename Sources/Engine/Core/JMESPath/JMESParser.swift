/// Builds the tree of an expression: operator precedence, top down.
struct JMESParser {
    private let tokens: [JMESLexer.Token]
    private var at = 0
    private var depth = 0

    private static let depthLimit = 200

    init(_ tokens: [JMESLexer.Token]) { self.tokens = tokens }

    private var kind: JMESLexer.Kind { tokens[min(at, tokens.count - 1)].kind }
    private var offset: Int { tokens[min(at, tokens.count - 1)].offset }

    private func failure(_ message: String) -> JMESPathError { JMESPathError(.syntax, message, at: offset) }

    private mutating func skip(_ mark: String) throws(JMESPathError) {
        guard kind == .mark(mark) else { throw failure("expected '\(mark)'") }
        at += 1
    }

    private func isNext(_ mark: String) -> Bool { kind == .mark(mark) }

    mutating func whole() throws(JMESPathError) -> JMESNode {
        let node = try expression(0)
        guard kind == .end else { throw failure("unexpected text behind the expression") }
        return node
    }

    /// How tightly a mark binds what stands on its left.
    private static func binding(_ kind: JMESLexer.Kind) -> Int {
        guard case .mark(let mark) = kind else { return 0 }
        switch mark {
        case "|": return 1
        case "||": return 2
        case "&&": return 3
        case "==", "!=", "<", "<=", ">", ">=": return 5
        case "[]": return 9
        case "*": return 20
        case "[?": return 21
        case ".": return 40
        case "!": return 45
        case "{": return 50
        case "[": return 55
        case "(": return 60
        default: return 0
        }
    }

    private mutating func expression(_ binding: Int) throws(JMESPathError) -> JMESNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else {
            throw JMESPathError(.tooMuch, "nested deeper than \(Self.depthLimit)", at: offset)
        }
        var left = try prefix()
        var links = 0
        while binding < Self.binding(kind) {
            left = try infix(left)
            links += 1
            // The tree grows to the left, and is walked by recursion.
            guard links <= 1_000 else { throw JMESPathError(.tooMuch, "the expression is too long", at: offset) }
        }
        return left
    }

    // MARK: What begins an expression

    private mutating func prefix() throws(JMESPathError) -> JMESNode {
        let start = kind
        switch start {
        case .literal(let value):
            at += 1
            return .literal(value)
        case .name(let name):
            at += 1
            return .field(name)
        case .quoted(let name):
            at += 1
            if isNext("(") { throw failure("a quoted name is not the name of a function") }
            return .field(name)
        case .mark(let mark): return try prefix(mark)
        case .number: throw failure("a number stands where an expression is expected")
        case .end: throw failure("the expression ends too early")
        }
    }

    private mutating func prefix(_ mark: String) throws(JMESPathError) -> JMESNode {
        switch mark {
        case "*":
            at += 1
            return .projectValues(.current, isNext("]") ? .current : try projected(20))
        case "[?": return try filter(.current)
        case "{":
            at += 1
            return try selectObject()
        case "[]":
            at += 1
            return .project(.flatten(.current), try projected(9))
        case "[":
            at += 1
            return try bracket(.current, isPrefix: true)
        case "@":
            at += 1
            return .current
        case "&":
            at += 1
            return .reference(try expression(0))
        case "!":
            at += 1
            return .not(try expression(45))
        case "(":
            at += 1
            let inner = try expression(0)
            try skip(")")
            return inner
        default: throw failure("unexpected '\(mark)'")
        }
    }

    // MARK: What goes on behind one

    private mutating func infix(_ left: JMESNode) throws(JMESPathError) -> JMESNode {
        guard case .mark(let mark) = kind else { throw failure("unexpected token") }
        switch mark {
        case ".":
            at += 1
            guard isNext("*") else { return .chain(left, try behindDot(40)) }
            at += 1
            return .projectValues(left, try projected(20))
        case "|":
            at += 1
            return .pipe(left, try expression(1))
        case "||":
            at += 1
            return .or(left, try expression(2))
        case "&&":
            at += 1
            return .and(left, try expression(3))
        case "[]":
            at += 1
            return .project(.flatten(left), try projected(9))
        case "[?": return try filter(left)
        case "[":
            at += 1
            return try bracket(left, isPrefix: false)
        case "(":
            guard case .field(let name) = left, case .name = tokens[at - 1].kind else {
                throw failure("only a name can be called")
            }
            at += 1
            return .call(name, try arguments())
        default:
            guard let comparison = Self.comparisons[mark] else { throw failure("unexpected '\(mark)'") }
            at += 1
            return .compare(left, comparison, try expression(5))
        }
    }

    private static let comparisons: [String: JMESNode.Comparison] = [
        "==": .equal, "!=": .notEqual, "<": .less, "<=": .lessOrEqual, ">": .greater, ">=": .greaterOrEqual,
    ]

    /// The right side of a projection.
    private mutating func projected(_ binding: Int) throws(JMESPathError) -> JMESNode {
        if Self.binding(kind) < 10 { return .current }
        switch kind {
        case .mark("["), .mark("[?"): return try expression(binding)
        case .mark("."):
            at += 1
            guard isNext("*") else { return try behindDot(binding) }
            return try expression(binding)
        default: throw failure("unexpected text behind a projection")
        }
    }

    private mutating func behindDot(_ binding: Int) throws(JMESPathError) -> JMESNode {
        switch kind {
        case .name, .quoted, .mark("*"): return try expression(binding)
        case .mark("["):
            at += 1
            return try selectList()
        case .mark("{"):
            at += 1
            return try selectObject()
        default: throw failure("expected a name behind '.'")
        }
    }

    private mutating func filter(_ left: JMESNode) throws(JMESPathError) -> JMESNode {
        try skip("[?")
        let condition = try expression(0)
        try skip("]")
        return .filter(left, condition, isNext("[]") ? .current : try projected(21))
    }

    /// Behind `[`: an index, a slice, `*`, or, at the beginning of an expression, a list of expressions.
    private mutating func bracket(_ left: JMESNode, isPrefix: Bool) throws(JMESPathError) -> JMESNode {
        if case .number = kind { return try indexOrSlice(left) }
        if isNext(":") { return try indexOrSlice(left) }
        if isNext("*"), tokens[at + 1].kind == .mark("]") {
            at += 2
            return .project(left, try projected(20))
        }
        guard isPrefix else { throw failure("expected an index, a slice or '*'") }
        return try selectList()
    }

    private mutating func indexOrSlice(_ left: JMESNode) throws(JMESPathError) -> JMESNode {
        var parts: [Int?] = [nil]
        while !isNext("]") {
            if case .number(let value) = kind {
                guard parts[parts.count - 1] == nil else { throw failure("expected ':' or ']'") }
                parts[parts.count - 1] = value
            } else if isNext(":"), parts.count < 3 {
                parts.append(nil)
            } else {
                throw failure("expected a number, ':' or ']'")
            }
            at += 1
        }
        at += 1
        if parts.count == 1 { return .chain(left, .index(parts[0] ?? 0)) }
        let step = parts.count > 2 ? parts[2] ?? 1 : 1
        return .project(.chain(left, .slice(parts[0], parts[1], step)), try projected(20))
    }

    private mutating func selectList() throws(JMESPathError) -> JMESNode {
        var items: [JMESNode] = []
        repeat {
            if !items.isEmpty { try skip(",") }
            items.append(try expression(0))
        } while isNext(",")
        try skip("]")
        return .list(items)
    }

    private mutating func selectObject() throws(JMESPathError) -> JMESNode {
        var names: [String] = []
        var values: [JMESNode] = []
        repeat {
            if !names.isEmpty { try skip(",") }
            switch kind {
            case .name(let name), .quoted(let name): names.append(name)
            default: throw failure("expected a name")
            }
            at += 1
            try skip(":")
            values.append(try expression(0))
        } while isNext(",")
        try skip("}")
        return .object(names, values)
    }

    private mutating func arguments() throws(JMESPathError) -> [JMESNode] {
        var found: [JMESNode] = []
        while !isNext(")") {
            if !found.isEmpty { try skip(",") }
            found.append(try expression(0))
        }
        at += 1
        return found
    }
}
