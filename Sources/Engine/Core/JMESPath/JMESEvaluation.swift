/// Applies an expression to a value. The work is bounded, so that an expression out of a file cannot hold anybody up.
struct JMESEvaluation {
    private var steps = 0
    private static let stepLimit = 1_000_000

    mutating func value(of node: JMESNode, _ value: JSONValue) throws(JMESPathError) -> JSONValue {
        steps += 1
        guard steps <= Self.stepLimit else { throw JMESPathError(.tooMuch, "the expression takes too much work") }
        switch node {
        case .current: return value
        case .field(let name): return value[name] ?? .null
        case .literal(let literal): return literal
        case .index(let index):
            guard let items = value.array else { return .null }
            return value[index < 0 ? items.count + index : index] ?? .null
        case .slice(let start, let end, let step): return try slice(value, start, end, step)
        case .chain(let left, let right), .pipe(let left, let right):
            return try self.value(of: right, try self.value(of: left, value))
        case .flatten(let inner): return Self.flattened(try self.value(of: inner, value))
        case .project(let left, let right): return try project(try self.value(of: left, value).array, right)
        case .projectValues(let left, let right):
            return try project(try self.value(of: left, value).object?.values, right)
        case .filter(let left, let condition, let right):
            return try filter(try self.value(of: left, value), condition, right)
        case .or(let left, let right):
            let first = try self.value(of: left, value)
            return first.isTrue ? first : try self.value(of: right, value)
        case .and(let left, let right):
            let first = try self.value(of: left, value)
            return first.isTrue ? try self.value(of: right, value) : first
        case .not(let inner): return .bool(!(try self.value(of: inner, value).isTrue))
        case .compare(let left, let comparison, let right):
            return Self.compare(try self.value(of: left, value), comparison, try self.value(of: right, value))
        case .list(let items): return try select(items, value).map { .array($0) } ?? .null
        case .object(let names, let items):
            return try select(items, value).map { .object(JSONObject(zip(names, $0))) } ?? .null
        case .call(let name, let arguments): return try JMESFunctions.call(name, arguments, value, &self)
        case .reference: throw JMESPathError(.invalidType, "'&' stands only before an argument of a function")
        }
    }

    /// Selecting from nothing gives nothing.
    private mutating func select(_ items: [JMESNode], _ value: JSONValue) throws(JMESPathError) -> [JSONValue]? {
        if value.isNull { return nil }
        var found: [JSONValue] = []
        for item in items { found.append(try self.value(of: item, value)) }
        return found
    }

    private mutating func project(_ items: [JSONValue]?, _ right: JMESNode) throws(JMESPathError) -> JSONValue {
        guard let items else { return .null }
        var found: [JSONValue] = []
        for item in items {
            let value = try value(of: right, item)
            if !value.isNull { found.append(value) }
        }
        return .array(found)
    }

    private mutating func filter(
        _ value: JSONValue, _ condition: JMESNode, _ right: JMESNode
    ) throws(JMESPathError) -> JSONValue {
        guard let items = value.array else { return .null }
        var fitting: [JSONValue] = []
        for item in items where try self.value(of: condition, item).isTrue { fitting.append(item) }
        return try project(fitting, right)
    }

    private static func flattened(_ value: JSONValue) -> JSONValue {
        guard let items = value.array else { return .null }
        return .array(items.flatMap { $0.array ?? [$0] })
    }

    private func slice(
        _ value: JSONValue, _ start: Int?, _ end: Int?, _ step: Int
    ) throws(JMESPathError) -> JSONValue {
        guard step != 0 else { throw JMESPathError(.invalidValue, "the step of a slice is zero") }
        guard let items = value.array else { return .null }
        let count = items.count
        func bound(_ index: Int?, _ standard: Int) -> Int {
            guard let index else { return standard }
            let place = index < 0 ? index + count : index
            return step > 0 ? min(max(place, 0), count) : min(max(place, -1), count - 1)
        }
        let from = bound(start, step > 0 ? 0 : count - 1)
        let to = bound(end, step > 0 ? count : -1)
        return .array(stride(from: from, to: to, by: step).map { items[$0] })
    }

    private static func compare(
        _ left: JSONValue, _ comparison: JMESNode.Comparison, _ right: JSONValue
    ) -> JSONValue {
        switch comparison {
        case .equal: return .bool(left.isSame(as: right))
        case .notEqual: return .bool(!left.isSame(as: right))
        default: break
        }
        guard let a = left.double, let b = right.double else { return .null }
        switch comparison {
        case .less: return .bool(a < b)
        case .lessOrEqual: return .bool(a <= b)
        case .greater: return .bool(a > b)
        default: return .bool(a >= b)
        }
    }
}

extension JSONValue {
    /// What counts as true: everything but null, false, and what is empty.
    var isTrue: Bool {
        switch self {
        case .null: false
        case .bool(let value): value
        case .string(let text): !text.isEmpty
        case .array(let items): !items.isEmpty
        case .object(let object): !object.isEmpty
        case .number: true
        }
    }
}
