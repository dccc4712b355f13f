/// `Codable` values to and from `JSONValue`, without Foundation: an event's payload is a plain struct and needs no
/// codec of its own.
extension JSONValue {
    /// The JSON form of a payload. Payloads are plain structs of ours, which always have one.
    package init(encoding value: some Encodable) {
        let encoder = ValueEncoder(path: [])
        do {
            try value.encode(to: encoder)
            self = encoder.box.value
        } catch {
            preconditionFailure("JSONValue(encoding:): \(type(of: value)) cannot be encoded: \(error)")
        }
    }

    package func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        try Value(from: ValueDecoder(value: self, codingPath: []))
    }
}

extension JSONValue: Codable {
    package init(from decoder: any Decoder) throws {
        guard let decoder = decoder as? ValueDecoder else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not JSON"))
        }
        self = decoder.value
    }

    package func encode(to encoder: any Encoder) throws {
        guard let encoder = encoder as? ValueEncoder else {
            throw EncodingError.invalidValue(self, .init(codingPath: encoder.codingPath, debugDescription: "not JSON"))
        }
        encoder.box.value = self
    }
}

private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int?
    init(stringValue: String) { self.stringValue = stringValue }
    init(intValue: Int) {
        stringValue = String(intValue)
        self.intValue = intValue
    }
}

/// Where an encoder leaves its result; a child writes itself into its parent when it is asked for its value.
private final class Box {
    private var own: JSONValue = .null
    private var children: [(key: String?, box: Box)]?
    private var isArray = false

    var value: JSONValue {
        get {
            guard let children else { return own }
            if isArray { return .array(children.map(\.box.value)) }
            return .object(JSONObject(children.map { ($0.key ?? "", $0.box.value) }))
        }
        set { own = newValue }
    }

    func becomeContainer(array: Bool) {
        children = children ?? []
        isArray = array
    }

    func child(_ key: String?) -> Box {
        let box = Box()
        children?.append((key, box))
        return box
    }

    var count: Int { children?.count ?? 0 }
}

private final class ValueEncoder: Encoder {
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]
    let box: Box

    init(path: [any CodingKey], box: Box = Box()) {
        codingPath = path
        self.box = box
    }

    func container<K: CodingKey>(keyedBy type: K.Type) -> KeyedEncodingContainer<K> {
        box.becomeContainer(array: false)
        return KeyedEncodingContainer(Keyed<K>(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        box.becomeContainer(array: true)
        return Unkeyed(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Single(encoder: self) }

    func encode(_ value: some Encodable, into box: Box) throws {
        switch value {
        case let value as String: box.value = .string(value)
        case let value as Bool: box.value = .bool(value)
        case let value as Double: box.value = .double(value)
        case let value as any BinaryInteger: box.value = .number(JSONNumber(String(describing: value)))
        default: try value.encode(to: ValueEncoder(path: codingPath, box: box))
        }
    }

    struct Keyed<K: CodingKey>: KeyedEncodingContainerProtocol {
        let encoder: ValueEncoder
        var codingPath: [any CodingKey] { encoder.codingPath }
        mutating func encodeNil(forKey key: K) throws { _ = encoder.box.child(key.stringValue) }
        mutating func encode(_ value: some Encodable, forKey key: K) throws {
            try encoder.encode(value, into: encoder.box.child(key.stringValue))
        }
        mutating func nestedContainer<N: CodingKey>(
            keyedBy type: N.Type, forKey key: K
        ) -> KeyedEncodingContainer<N> {
            ValueEncoder(path: codingPath, box: encoder.box.child(key.stringValue)).container(keyedBy: type)
        }
        mutating func nestedUnkeyedContainer(forKey key: K) -> any UnkeyedEncodingContainer {
            ValueEncoder(path: codingPath, box: encoder.box.child(key.stringValue)).unkeyedContainer()
        }
        mutating func superEncoder() -> any Encoder { encoder }
        mutating func superEncoder(forKey key: K) -> any Encoder { encoder }
    }

    struct Unkeyed: UnkeyedEncodingContainer {
        let encoder: ValueEncoder
        var codingPath: [any CodingKey] { encoder.codingPath }
        var count: Int { encoder.box.count }
        mutating func encodeNil() throws { _ = encoder.box.child(nil) }
        mutating func encode(_ value: some Encodable) throws {
            try encoder.encode(value, into: encoder.box.child(nil))
        }
        mutating func nestedContainer<N: CodingKey>(keyedBy type: N.Type) -> KeyedEncodingContainer<N> {
            ValueEncoder(path: codingPath, box: encoder.box.child(nil)).container(keyedBy: type)
        }
        mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
            ValueEncoder(path: codingPath, box: encoder.box.child(nil)).unkeyedContainer()
        }
        mutating func superEncoder() -> any Encoder { encoder }
    }

    struct Single: SingleValueEncodingContainer {
        let encoder: ValueEncoder
        var codingPath: [any CodingKey] { encoder.codingPath }
        mutating func encodeNil() throws { encoder.box.value = .null }
        mutating func encode(_ value: some Encodable) throws { try encoder.encode(value, into: encoder.box) }
    }
}

private final class ValueDecoder: Decoder {
    let value: JSONValue
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]

    init(value: JSONValue, codingPath: [any CodingKey]) {
        self.value = value
        self.codingPath = codingPath
    }

    func mismatch(_ expected: Any.Type) -> DecodingError {
        .typeMismatch(expected, .init(codingPath: codingPath, debugDescription: "found \(value.kindName)"))
    }

    func container<K: CodingKey>(keyedBy type: K.Type) throws -> KeyedDecodingContainer<K> {
        guard case .object(let object) = value else { throw mismatch([String: Any].self) }
        return KeyedDecodingContainer(Keyed<K>(decoder: self, object: object))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let items) = value else { throw mismatch([Any].self) }
        return Unkeyed(decoder: self, items: items)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { Single(decoder: self) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        func checked(_ found: Any?) throws -> Value {
            guard let found = found as? Value else { throw mismatch(type) }
            return found
        }
        switch type {
        case is String.Type: return try checked(value.string)
        case is Bool.Type: return try checked(value.bool)
        case is Int.Type: return try checked(value.int)
        case is Double.Type: return try checked(value.double)
        default: return try Value(from: self)
        }
    }

    struct Keyed<K: CodingKey>: KeyedDecodingContainerProtocol {
        let decoder: ValueDecoder
        let object: JSONObject
        var codingPath: [any CodingKey] { decoder.codingPath }
        var allKeys: [K] { object.keys.compactMap { K(stringValue: $0) } }
        func contains(_ key: K) -> Bool { object[key.stringValue] != nil }
        private func child(_ key: some CodingKey) throws -> ValueDecoder {
            guard let value = object[key.stringValue] else {
                throw DecodingError.keyNotFound(
                    key, .init(codingPath: codingPath, debugDescription: "no value for '\(key.stringValue)'"))
            }
            return ValueDecoder(value: value, codingPath: codingPath + [key])
        }
        func decodeNil(forKey key: K) throws -> Bool { try child(key).value.isNull }
        func decode<Value: Decodable>(_ type: Value.Type, forKey key: K) throws -> Value {
            try child(key).decode(type)
        }
        func nestedContainer<N: CodingKey>(keyedBy type: N.Type, forKey key: K) throws -> KeyedDecodingContainer<N> {
            try child(key).container(keyedBy: type)
        }
        func nestedUnkeyedContainer(forKey key: K) throws -> any UnkeyedDecodingContainer {
            try child(key).unkeyedContainer()
        }
        func superDecoder() throws -> any Decoder { decoder }
        func superDecoder(forKey key: K) throws -> any Decoder { try child(key) }
    }

    struct Unkeyed: UnkeyedDecodingContainer {
        let decoder: ValueDecoder
        let items: [JSONValue]
        var currentIndex = 0
        var codingPath: [any CodingKey] { decoder.codingPath }
        var count: Int? { items.count }
        var isAtEnd: Bool { currentIndex >= items.count }

        init(decoder: ValueDecoder, items: [JSONValue]) {
            self.decoder = decoder
            self.items = items
        }

        private mutating func next() throws -> ValueDecoder {
            guard !isAtEnd else { throw decoder.mismatch(Any.self) }
            defer { currentIndex += 1 }
            return ValueDecoder(value: items[currentIndex], codingPath: codingPath + [Key(intValue: currentIndex)])
        }
        mutating func decodeNil() throws -> Bool {
            guard !isAtEnd, items[currentIndex].isNull else { return false }
            currentIndex += 1
            return true
        }
        mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().decode(type) }
        mutating func nestedContainer<N: CodingKey>(keyedBy type: N.Type) throws -> KeyedDecodingContainer<N> {
            try next().container(keyedBy: type)
        }
        mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
            try next().unkeyedContainer()
        }
        mutating func superDecoder() throws -> any Decoder { decoder }
    }

    struct Single: SingleValueDecodingContainer {
        let decoder: ValueDecoder
        var codingPath: [any CodingKey] { decoder.codingPath }
        func decodeNil() -> Bool { decoder.value.isNull }
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.decode(type) }
    }
}
