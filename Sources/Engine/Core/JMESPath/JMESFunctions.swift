/// The functions of the specification.
enum JMESFunctions {
    private enum Argument {
        case value(JSONValue)
        case expression(JMESNode)
    }

    /// How many arguments each function takes; one of `nil` takes any number from one on.
    private static let arity: [String: Int?] = [
        "abs": 1, "avg": 1, "ceil": 1, "contains": 2, "ends_with": 2, "floor": 1, "join": 2, "keys": 1, "length": 1,
        "map": 2, "max": 1, "max_by": 2, "merge": nil, "min": 1, "min_by": 2, "not_null": nil, "reverse": 1, "sort": 1,
        "sort_by": 2, "starts_with": 2, "sum": 1, "to_array": 1, "to_number": 1, "to_string": 1, "type": 1, "values": 1,
    ]

    static func call(
        _ name: String, _ nodes: [JMESNode], _ value: JSONValue, _ evaluation: inout JMESEvaluation
    ) throws(JMESPathError) -> JSONValue {
        guard let count = arity[name] else {
            throw JMESPathError(.unknownFunction, "there is no function '\(name)'")
        }
        guard count.map({ nodes.count == $0 }) ?? !nodes.isEmpty else {
            throw JMESPathError(
                .invalidArity,
                "'\(name)' takes \(count.map(String.init) ?? "one or more") arguments, not \(nodes.count)")
        }
        var arguments: [Argument] = []
        for node in nodes {
            if case .reference(let inner) = node {
                arguments.append(.expression(inner))
            } else {
                arguments.append(.value(try evaluation.value(of: node, value)))
            }
        }
        if ["map", "max_by", "min_by", "sort_by"].contains(name) {
            return try applyExpression(name, arguments, &evaluation)
        }
        var values: [JSONValue] = []
        for argument in arguments {
            guard case .value(let value) = argument else { throw wrong(name, "a value") }
            values.append(value)
        }
        return try apply(name, values)
    }

    private static func wrong(_ name: String, _ expected: String) -> JMESPathError {
        JMESPathError(.invalidType, "'\(name)' takes \(expected)")
    }

    // MARK: Functions of values

    private static func apply(_ name: String, _ values: [JSONValue]) throws(JMESPathError) -> JSONValue {
        let first = values[0]
        switch name {
        case "abs", "ceil", "floor": return try round(name, first)
        case "avg", "sum":
            let numbers = try numbers(name, first)
            let sum = numbers.reduce(0, +)
            if name == "sum" { return .double(sum) }
            return numbers.isEmpty ? .null : .double(sum / Double(numbers.count))
        case "contains": return try contains(first, values[1])
        case "starts_with", "ends_with":
            guard let text = first.string, let part = values[1].string else { throw wrong(name, "two strings") }
            return .bool(name == "starts_with" ? text.hasPrefix(part) : text.hasSuffix(part))
        case "join":
            guard let glue = first.string, let items = values[1].array else { throw wrong(name, "a string and a list") }
            let texts = items.compactMap(\.string)
            guard texts.count == items.count else { throw wrong(name, "a list of strings") }
            return .string(texts.joined(separator: glue))
        case "keys", "values":
            guard let object = first.object else { throw wrong(name, "an object") }
            return .array(name == "keys" ? object.keys.map { .string($0) } : object.values)
        case "length":
            if let text = first.string { return .int(text.unicodeScalars.count) }
            guard let count = first.array?.count ?? first.object?.count else {
                throw wrong(name, "a string, a list or an object")
            }
            return .int(count)
        case "max", "min": return try extreme(name, first)
        case "merge":
            var merged = JSONObject()
            for value in values {
                guard let object = value.object else { throw wrong(name, "objects") }
                for (key, inner) in object { merged[key] = inner }
            }
            return .object(merged)
        case "not_null": return values.first { !$0.isNull } ?? .null
        case "reverse":
            if let text = first.string {
                return .string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
            }
            guard let items = first.array else { throw wrong(name, "a list or a string") }
            return .array(items.reversed())
        case "sort": return .array(try sorted(name, first.array ?? nil, keys: first.array))
        case "to_array": return first.array == nil ? .array([first]) : first
        case "to_number":
            if first.double != nil { return first }
            guard let text = first.string, case .number(let number)? = try? JSONParser.parse(text) else { return .null }
            return .number(number)
        case "to_string": return first.string == nil ? .string(first.text) : first
        default: return .string(typeName(first))
        }
    }

    private static func typeName(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    private static func round(_ name: String, _ value: JSONValue) throws(JMESPathError) -> JSONValue {
        guard let number = value.double else { throw wrong(name, "a number") }
        switch name {
        case "abs": return .double(abs(number))
        case "ceil": return .double(number.rounded(.up))
        default: return .double(number.rounded(.down))
        }
    }

    private static func numbers(_ name: String, _ value: JSONValue) throws(JMESPathError) -> [Double] {
        let numbers = value.array?.compactMap(\.double)
        guard let numbers, numbers.count == value.array?.count else { throw wrong(name, "a list of numbers") }
        return numbers
    }

    private static func contains(_ value: JSONValue, _ wanted: JSONValue) throws(JMESPathError) -> JSONValue {
        if let items = value.array { return .bool(items.contains { $0.isSame(as: wanted) }) }
        guard let text = value.string else { throw wrong("contains", "a list or a string") }
        guard let part = wanted.string else { return .bool(false) }
        return .bool(part.isEmpty || text.contains(part))
    }

    // MARK: Order

    /// All numbers, or all strings.
    private static func isOrdered(_ keys: [JSONValue]) -> Bool {
        keys.allSatisfy { $0.double != nil } || keys.allSatisfy { $0.string != nil }
    }

    private static func isLess(_ a: JSONValue, _ b: JSONValue) -> Bool {
        if let x = a.double, let y = b.double { return x < y }
        return (a.string ?? "").unicodeScalars.lexicographicallyPrecedes((b.string ?? "").unicodeScalars)
    }

    private static func extreme(_ name: String, _ value: JSONValue) throws(JMESPathError) -> JSONValue {
        guard let items = value.array, isOrdered(items) else { throw wrong(name, "a list of numbers or of strings") }
        return (name == "max" ? items.max(by: isLess) : items.min(by: isLess)) ?? .null
    }

    /// Items in the order of their keys; equal ones stay as they stood.
    private static func sorted(
        _ name: String, _ items: [JSONValue]?, keys: [JSONValue]?
    ) throws(JMESPathError) -> [JSONValue] {
        guard let items, let keys, isOrdered(keys) else { throw wrong(name, "a list of numbers or of strings") }
        return zip(items, keys).enumerated().sorted { a, b in
            isLess(a.element.1, b.element.1) || (!isLess(b.element.1, a.element.1) && a.offset < b.offset)
        }.map(\.element.0)
    }

    // MARK: Functions of an expression

    private static func applyExpression(
        _ name: String, _ arguments: [Argument], _ evaluation: inout JMESEvaluation
    ) throws(JMESPathError) -> JSONValue {
        let isMap = name == "map"
        guard case .expression(let expression) = arguments[isMap ? 0 : 1],
            case .value(let list) = arguments[isMap ? 1 : 0], let items = list.array
        else { throw wrong(name, "a list and an expression") }
        var keys: [JSONValue] = []
        for item in items { keys.append(try evaluation.value(of: expression, item)) }
        switch name {
        case "map": return .array(keys)
        case "sort_by": return .array(try sorted(name, items, keys: keys))
        default:
            guard isOrdered(keys) else { throw wrong(name, "an expression that gives numbers or strings") }
            let places = keys.indices
            let best =
                name == "max_by" ? places.max { isLess(keys[$0], keys[$1]) } : places.min { isLess(keys[$0], keys[$1]) }
            return best.map { items[$0] } ?? .null
        }
    }
}
