/// A JSON value that loses nothing: numbers keep their spelling, objects keep their order.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

/// A number as it was written, so that `1.10`, `1e400` and `12345678901234567890` survive a round trip.
package struct JSONNumber: Sendable, Hashable {
    package let text: String

    package init(_ text: String) { self.text = text }

    /// The exact integer, if there is one in range; `2.0` and `1e3` count as integers.
    package var int: Int? {
        if let value = Int(text) { return value }
        let value = double
        return value.rounded() == value && abs(value) < 9_007_199_254_740_992 ? Int(value) : nil
    }

    /// The nearest double; infinite when out of range.
    package var double: Double { Double(text) ?? .nan }
}

/// Names and values in the order in which they came. A later duplicate replaces the earlier one.
package struct JSONObject: Sendable {
    package private(set) var keys: [String] = []
    package private(set) var values: [JSONValue] = []
    /// Built once an object has more keys than a linear search should walk.
    private var index: [String: Int]?

    package init() {}

    package init(_ pairs: some Sequence<(String, JSONValue)>) {
        for (key, value) in pairs { self[key] = value }
    }

    package var count: Int { keys.count }
    package var isEmpty: Bool { keys.isEmpty }

    private func find(_ key: String) -> Int? {
        if let index { return index[key] }
        return keys.firstIndex(of: key)
    }

    package subscript(key: String) -> JSONValue? {
        get { find(key).map { values[$0] } }
        set {
            switch (find(key), newValue) {
            case (let position?, let value?): values[position] = value
            case (let position?, nil):
                keys.remove(at: position)
                values.remove(at: position)
                if index != nil { rebuildIndex() }
            case (nil, let value?):
                keys.append(key)
                values.append(value)
                if index != nil { index?[key] = keys.count - 1 } else if keys.count > 16 { rebuildIndex() }
            case (nil, nil): break
            }
        }
    }

    private mutating func rebuildIndex() {
        var rebuilt = [String: Int](minimumCapacity: keys.count * 2)
        for (position, key) in keys.enumerated() { rebuilt[key] = position }
        index = rebuilt
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

extension JSONObject: Sequence {
    package func makeIterator() -> Zip2Sequence<[String], [JSONValue]>.Iterator {
        zip(keys, values).makeIterator()
    }
}

extension JSONObject: Hashable {
    /// Objects are equal when they hold the same names and values; the order does not matter.
    package static func == (a: Self, b: Self) -> Bool {
        a.count == b.count && a.allSatisfy { key, value in b[key] == value }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for key in keys.sorted() { hasher.combine(key) }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
    package init(nilLiteral: ()) { self = .null }
}

extension JSONValue {
    package static func int(_ value: Int) -> JSONValue { .number(JSONNumber(String(value))) }

    /// A finite double; JSON has no word for the others, so they become null.
    package static func double(_ value: Double) -> JSONValue {
        guard value.isFinite else { return .null }
        return .number(JSONNumber(value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)))
    }

    package subscript(key: String) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    package subscript(index: Int) -> JSONValue? {
        if case .array(let items) = self, items.indices.contains(index) { items[index] } else { nil }
    }

    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var int: Int? { if case .number(let value) = self { value.int } else { nil } }
    package var double: Double? { if case .number(let value) = self { value.double } else { nil } }
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
    package var isNull: Bool { self == .null }

    /// What a message calls this value: "a string", "an object", …
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
