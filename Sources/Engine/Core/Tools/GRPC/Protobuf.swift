/// Writes the proto3 wire format (protobuf.dev, "Encoding"): strings and messages, which is all that
/// `omnia.tools.v1` asks with.
package struct ProtobufWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    private mutating func varint(_ value: UInt64) {
        var left = value
        while left > 0x7F {
            bytes.append(UInt8(left & 0x7F | 0x80))
            left >>= 7
        }
        bytes.append(UInt8(left))
    }

    /// An empty field is not written.
    package mutating func field(_ number: Int, _ content: some Collection<UInt8>) {
        guard !content.isEmpty else { return }
        varint(UInt64(number << 3 | 2))
        varint(UInt64(content.count))
        bytes += content
    }

    package mutating func field(_ number: Int, _ text: String) { field(number, text.utf8) }

    package mutating func field(_ number: Int, _ map: [String: String]) {
        for (key, value) in map.sorted(by: { $0.key < $1.key }) {
            var entry = ProtobufWriter()
            entry.field(1, key)
            entry.field(2, value)
            field(number, entry.bytes)
        }
    }
}

/// Reads a message: each field by its number, in the order of the wire. Unknown fields are the caller's to skip.
package struct ProtobufReader {
    package enum Value {
        case number(UInt64)
        case bytes(ArraySlice<UInt8>)

        package var text: String? {
            guard case .bytes(let bytes) = self else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }

        package var bool: Bool? {
            guard case .number(let number) = self else { return nil }
            return number != 0
        }
    }

    private var rest: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// - Returns: nil at the end.
    /// - Throws: `protocolViolation` where the bytes are no message.
    package mutating func next() throws(EngineError) -> (number: Int, value: Value)? {
        guard !rest.isEmpty else { return nil }
        let key = try varint()
        guard let number = Int(exactly: key >> 3), number > 0 else { throw Self.broken }
        switch key & 7 {
        case 0: return (number, .number(try varint()))
        case 1: return (number, .number(try fixed(8)))
        case 2:
            guard let count = Int(exactly: try varint()), count <= rest.count else { throw Self.broken }
            defer { rest = rest.dropFirst(count) }
            return (number, .bytes(rest.prefix(count)))
        case 5: return (number, .number(try fixed(4)))
        default: throw Self.broken
        }
    }

    private static var broken: EngineError {
        EngineError(.protocolViolation, "the answer is not the protobuf message that was expected")
    }

    private mutating func varint() throws(EngineError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard let byte = rest.popFirst() else { throw Self.broken }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw Self.broken
    }

    private mutating func fixed(_ count: Int) throws(EngineError) -> UInt64 {
        guard rest.count >= count else { throw Self.broken }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
