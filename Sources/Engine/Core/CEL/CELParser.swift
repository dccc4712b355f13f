/// Makes a tree of an expression; the levels are those of the grammar in cel-spec.
struct CELParser {
    private let tokens: [(token: CELToken, offset: Int)]
    private var variables: Set<String>
    private var at = 0
    private var depth = 0

    private static let depthLimit = 100
    private static let macros: Set<String> = ["all", "exists", "exists_one", "filter", "map"]
    private static let binary: [[String]] = [
        ["==", "!=", "<", "<=", ">", ">=", "in"], ["+", "-"], ["*", "/", "%"],
    ]

    init(_ tokens: [(token: CELToken, offset: Int)], variables: Set<String>) {
        self.tokens = tokens
        self.variables = variables
    }

    mutating func whole() throws(CELError) -> CELNode {
        let node = try expression()
        guard at == tokens.count else { throw unexpected() }
        return node
    }

    // MARK: tokens

    private var offset: Int? { at < tokens.count ? tokens[at].offset : nil }

    private func unexpected(_ wanted: String? = nil) -> CELError {
        guard at < tokens.count else { return CELError("the expression ends too early") }
        return CELError(wanted.map { "expected \($0)" } ?? "this does not go on the expression", at: offset)
    }

    private func peek(_ symbol: String) -> Bool { at < tokens.count && tokens[at].token == .symbol(symbol) }

    private mutating func take(_ symbol: String) -> Bool {
        guard peek(symbol) else { return false }
        at += 1
        return true
    }

    private mutating func need(_ symbol: String) throws(CELError) {
        guard take(symbol) else { throw unexpected("'\(symbol)'") }
    }

    private mutating func name() throws(CELError) -> String {
        guard at < tokens.count, case .name(let name) = tokens[at].token else { throw unexpected("a name") }
        at += 1
        return name
    }

    // MARK: levels

    private mutating func expression() throws(CELError) -> CELNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw CELError("the expression is nested too deeply", at: offset) }
        let condition = try or()
        guard take("?") else { return condition }
        let yes = try or()
        try need(":")
        return .choice(condition, yes, try expression())
    }

    private mutating func or() throws(CELError) -> CELNode {
        var left = try and()
        while take("||") { left = .or(left, try and()) }
        return left
    }

    private mutating func and() throws(CELError) -> CELNode {
        var left = try operation(0)
        while take("&&") { left = .and(left, try operation(0)) }
        return left
    }

    private mutating func operation(_ level: Int) throws(CELError) -> CELNode {
        guard level < Self.binary.count else { return try unary() }
        var left = try operation(level + 1)
        while at < tokens.count {
            let symbol: String
            switch tokens[at].token {
            case .symbol(let text): symbol = text
            case .name("in"): symbol = "in"
            default: return left
            }
            guard Self.binary[level].contains(symbol) else { return left }
            at += 1
            left = .binary(symbol, left, try operation(level + 1))
        }
        return left
    }

    private mutating func unary() throws(CELError) -> CELNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw CELError("the expression is nested too deeply", at: offset) }
        if take("!") { return .not(try unary()) }
        if take("-") { return .minus(try unary()) }
        return try member()
    }

    private mutating func member() throws(CELError) -> CELNode {
        var node = try primary()
        while true {
            if take(".") {
                let place = offset
                let name = try name()
                guard take("(") else {
                    node = .field(node, name)
                    continue
                }
                node =
                    Self.macros.contains(name)
                    ? try macro(name, over: node)
                    : try call(name, target: node, try arguments(")"), place)
            } else if take("[") {
                node = .index(node, try expression())
                try need("]")
            } else {
                return node
            }
        }
    }

    private mutating func arguments(_ end: String) throws(CELError) -> [CELNode] {
        var found: [CELNode] = []
        if take(end) { return found }
        repeat {
            // A list may end with a comma.
            if end == "]", peek(end) { break }
            found.append(try expression())
        } while take(",")
        try need(end)
        return found
    }

    private func call(
        _ name: String, target: CELNode?, _ arguments: [CELNode], _ place: Int?
    ) throws(CELError) -> CELNode {
        guard let counts = CELFunctions.counts[name], counts.contains(arguments.count + (target == nil ? 0 : 1)) else {
            let isKnown = CELFunctions.counts[name] != nil
            throw CELError(
                isKnown
                    ? "'\(name)' does not take \(arguments.count) arguments"
                    : "the function '\(name)' is not evaluated here", at: place)
        }
        return .call(name, target: target, arguments)
    }

    private mutating func macro(_ name: String, over: CELNode) throws(CELError) -> CELNode {
        let variable = try self.name()
        try need(",")
        let isNew = variables.insert(variable).inserted
        let body = try expression()
        if isNew { variables.remove(variable) }
        try need(")")
        return .macro(name, over: over, variable: variable, body)
    }

    private mutating func primary() throws(CELError) -> CELNode {
        guard at < tokens.count else { throw unexpected() }
        let (token, place) = tokens[at]
        at += 1
        switch token {
        case .int(let value): return .literal(.int(value))
        case .double(let value): return .literal(.double(value))
        case .string(let value): return .literal(.string(value))
        case .symbol("("):
            let inner = try expression()
            try need(")")
            return inner
        case .symbol("["): return .list(try arguments("]"))
        case .symbol("{"): return try map()
        case .name("true"): return .literal(.bool(true))
        case .name("false"): return .literal(.bool(false))
        case .name("null"): return .literal(.null)
        case .name("has") where take("("):
            guard case .field(let base, let name) = try expression() else {
                throw CELError("'has' takes a field: has(body.amount)", at: place)
            }
            try need(")")
            return .has(base, name)
        case .name(let name) where take("("): return try call(name, target: nil, try arguments(")"), place)
        case .name(let name):
            guard variables.contains(name) else {
                let hint = Suggestion.nearest(to: name, among: variables.sorted()).map { "; did you mean '\($0)'?" }
                throw CELError("there is no '\(name)' here\(hint ?? "")", at: place)
            }
            return .variable(name)
        case .symbol:
            at -= 1
            throw unexpected()
        }
    }

    private mutating func map() throws(CELError) -> CELNode {
        var pairs: [(key: CELNode, value: CELNode)] = []
        while !take("}") {
            let key = try expression()
            try need(":")
            pairs.append((key, try expression()))
            if !take(",") {
                try need("}")
                break
            }
        }
        return .map(pairs)
    }
}
