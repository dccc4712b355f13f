/// Works an expression out. The work is bounded, so that one out of a file cannot hold anybody up.
struct CELEvaluation {
    private var variables: [String: CELValue]
    let patterns: any PatternCompiler
    private var steps = 0

    private static let stepLimit = 100_000

    init(variables: [String: CELValue], patterns: any PatternCompiler) {
        self.variables = variables
        self.patterns = patterns
    }

    mutating func value(of node: CELNode) throws(CELError) -> CELValue {
        steps += 1
        guard steps <= Self.stepLimit else { throw CELError("the expression takes too much work") }
        switch node {
        case .literal(let value): return value
        case .variable(let name): return variables[name] ?? .null
        case .field(let base, let name): return try field(try value(of: base), name)
        case .has(let base, let name):
            guard case .map(let map) = try value(of: base) else { throw CELError("only a map has fields") }
            return .bool(map[name] != nil)
        case .index(let base, let place): return try element(try value(of: base), try value(of: place))
        case .list(let items): return .list(try values(of: items))
        case .map(let pairs): return try map(pairs)
        case .not(let inner): return .bool(!(try bool(inner)))
        case .minus(let inner):
            switch try value(of: inner) {
            case .int(let number) where number != .min: return .int(-number)
            case .double(let number): return .double(-number)
            case let other: throw CELError("'-' does not go with \(other.kind)")
            }
        case .and(let left, let right): return try logic(left, right, decides: false)
        case .or(let left, let right): return try logic(left, right, decides: true)
        case .choice(let condition, let yes, let no): return try value(of: try bool(condition) ? yes : no)
        case .binary(let symbol, let left, let right):
            return try CELOperators.apply(symbol, try value(of: left), try value(of: right))
        case .call(let name, let target, let arguments):
            let all = (target.map { [$0] } ?? []) + arguments
            return try CELFunctions.call(name, try values(of: all), patterns)
        case .macro(let name, let over, let variable, let body):
            return try macro(name, try value(of: over), variable, body)
        }
    }

    private mutating func values(of nodes: [CELNode]) throws(CELError) -> [CELValue] {
        var found: [CELValue] = []
        for node in nodes { found.append(try value(of: node)) }
        return found
    }

    private mutating func bool(_ node: CELNode) throws(CELError) -> Bool {
        guard case .bool(let value) = try value(of: node) else { throw CELError("a truth value was expected") }
        return value
    }

    /// One side that decides makes the other's error good, whichever side it is.
    private mutating func logic(
        _ left: CELNode, _ right: CELNode, decides: Bool
    ) throws(CELError) -> CELValue {
        let first: Bool
        do throws(CELError) {
            first = try bool(left)
        } catch {
            if try bool(right) == decides { return .bool(decides) }
            throw error
        }
        return .bool(first == decides ? decides : try bool(right))
    }

    private func field(_ base: CELValue, _ name: String) throws(CELError) -> CELValue {
        guard case .map(let map) = base else { throw CELError("\(base.kind) has no field '\(name)'") }
        guard let value = map[name] else { throw CELError("there is no '\(name)'") }
        return value
    }

    private func element(_ base: CELValue, _ place: CELValue) throws(CELError) -> CELValue {
        switch (base, place) {
        case (.map, .string(let key)): return try field(base, key)
        case (.list(let items), .int(let index)) where items.indices.contains(index): return items[index]
        case (.list(let items), .double(let index)) where items.indices.contains(Int(exactly: index) ?? -1):
            return items[Int(index)]
        case (.list, _): throw CELError("the list has no such element")
        default: throw CELError("\(base.kind) has no element \(place.text)")
        }
    }

    private mutating func map(_ pairs: [(key: CELNode, value: CELNode)]) throws(CELError) -> CELValue {
        var map: [String: CELValue] = [:]
        for pair in pairs {
            guard case .string(let key) = try value(of: pair.key) else {
                throw CELError("only texts are keys of maps here")
            }
            map[key] = try value(of: pair.value)
        }
        return .map(map)
    }

    /// Over a map it goes through the keys.
    private mutating func macro(
        _ name: String, _ over: CELValue, _ variable: String, _ body: CELNode
    ) throws(CELError) -> CELValue {
        let items: [CELValue]
        switch over {
        case .list(let list): items = list
        case .map(let map): items = map.keys.sorted().map { .string($0) }
        default: throw CELError("'\(name)' goes over lists and maps, not \(over.kind)")
        }
        let outer = variables[variable]
        defer { variables[variable] = outer }
        var kept: [CELValue] = []
        var failure: CELError?
        for item in items {
            variables[variable] = item
            if name == "map" {
                kept.append(try value(of: body))
                continue
            }
            do throws(CELError) {
                let holds = try bool(body)
                if name == "exists", holds { return .bool(true) }
                if name == "all", !holds { return .bool(false) }
                if holds { kept.append(item) }
            } catch {
                // Another element may still decide.
                guard name == "exists" || name == "all" else { throw error }
                failure = error
            }
        }
        if let failure { throw failure }
        switch name {
        case "exists": return .bool(false)
        case "all": return .bool(true)
        case "exists_one": return .bool(kept.count == 1)
        default: return .list(kept)
        }
    }
}

enum CELOperators {
    static func apply(_ symbol: String, _ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
        switch symbol {
        case "==": return .bool(left.equals(right))
        case "!=": return .bool(!left.equals(right))
        case "in":
            switch right {
            case .list(let items): return .bool(items.contains { $0.equals(left) })
            case .map(let map):
                guard case .string(let key) = left else { return .bool(false) }
                return .bool(map[key] != nil)
            default: throw misfit(symbol, left, right)
            }
        case "<":
            return .bool(
                try order(symbol, left, right) {
                    $0 < $1
                } texts: {
                    $0 < $1
                })
        case "<=":
            return .bool(
                try order(symbol, left, right) {
                    $0 <= $1
                } texts: {
                    $0 <= $1
                })
        case ">":
            return .bool(
                try order(symbol, left, right) {
                    $0 > $1
                } texts: {
                    $0 > $1
                })
        case ">=":
            return .bool(
                try order(symbol, left, right) {
                    $0 >= $1
                } texts: {
                    $0 >= $1
                })
        default: return try arithmetic(symbol, left, right)
        }
    }

    private static func misfit(_ symbol: String, _ left: CELValue, _ right: CELValue) -> CELError {
        CELError("'\(symbol)' does not go with \(left.kind) and \(right.kind)")
    }

    private static func order(
        _ symbol: String, _ left: CELValue, _ right: CELValue, numbers: (Double, Double) -> Bool,
        texts: (String, String) -> Bool
    ) throws(CELError) -> Bool {
        switch (left, right) {
        case (.int(let a), .int(let b)): return numbers(a == b ? 0 : a < b ? -1 : 1, 0)
        case (.int(let a), .double(let b)): return numbers(Double(a), b)
        case (.double(let a), .int(let b)): return numbers(a, Double(b))
        case (.double(let a), .double(let b)): return numbers(a, b)
        case (.string(let a), .string(let b)): return texts(a, b)
        case (.bool(let a), .bool(let b)): return numbers(a ? 1 : 0, b ? 1 : 0)
        default: throw misfit(symbol, left, right)
        }
    }

    private static func arithmetic(
        _ symbol: String, _ left: CELValue, _ right: CELValue
    ) throws(CELError) -> CELValue {
        switch (symbol, left, right) {
        case ("+", .string(let a), .string(let b)): return .string(try CELFunctions.bounded(a + b))
        case ("+", .list(let a), .list(let b)): return .list(try CELFunctions.bounded(a + b))
        case (_, .int(let a), .int(let b)): return .int(try whole(symbol, a, b))
        case ("+", .double(let a), .double(let b)): return .double(a + b)
        case ("-", .double(let a), .double(let b)): return .double(a - b)
        case ("*", .double(let a), .double(let b)): return .double(a * b)
        case ("/", .double(let a), .double(let b)): return .double(a / b)
        default: throw misfit(symbol, left, right)
        }
    }

    private static func whole(_ symbol: String, _ a: Int, _ b: Int) throws(CELError) -> Int {
        if symbol == "/" || symbol == "%", b == 0 { throw CELError("division by zero") }
        let (value, overflows) =
            switch symbol {
            case "+": a.addingReportingOverflow(b)
            case "-": a.subtractingReportingOverflow(b)
            case "*": a.multipliedReportingOverflow(by: b)
            case "/": a.dividedReportingOverflow(by: b)
            default: a.remainderReportingOverflow(dividingBy: b)
            }
        guard !overflows else { throw CELError("the number is too large") }
        return value
    }
}
