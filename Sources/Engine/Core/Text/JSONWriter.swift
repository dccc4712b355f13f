extension JSONValue {
    /// The shortest JSON text: no spaces, names in their order.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }

    /// JSON text for people: two spaces a level, names in their order.
    package var prettyText: String {
        var writer = JSONWriter(indent: 0)
        writer.write(self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// One text for equal values: names sorted. For comparing and hashing, not for people.
    package var canonicalText: String {
        var writer = JSONWriter(sorted: true)
        writer.write(self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

private struct JSONWriter {
    var bytes: [UInt8] = []
    /// The level, when the text is for people.
    var indent: Int?
    var sorted = false

    init(indent: Int? = nil, sorted: Bool = false) {
        self.indent = indent
        self.sorted = sorted
    }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: bytes += Array("null".utf8)
        case .bool(let value): bytes += Array((value ? "true" : "false").utf8)
        case .number(let number): bytes += Array(number.text.utf8)
        case .string(let text): write(text)
        case .array(let items): list("[", "]", items) { writer, item in writer.write(item) }
        case .object(let object):
            let pairs = sorted ? object.sorted { $0.0 < $1.0 } : Array(object)
            list("{", "}", pairs) { writer, pair in
                writer.write(pair.0)
                writer.bytes.append(UInt8(ascii: ":"))
                if writer.indent != nil { writer.bytes.append(0x20) }
                writer.write(pair.1)
            }
        }
    }

    private mutating func list<Item>(
        _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ items: [Item], _ item: (inout JSONWriter, Item) -> Void
    ) {
        bytes.append(UInt8(ascii: open))
        if !items.isEmpty {
            indent = indent.map { $0 + 1 }
            for (position, element) in items.enumerated() {
                if position > 0 { bytes.append(UInt8(ascii: ",")) }
                newLine()
                item(&self, element)
            }
            indent = indent.map { $0 - 1 }
            newLine()
        }
        bytes.append(UInt8(ascii: close))
    }

    private mutating func newLine() {
        guard let indent else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: indent * 2))
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x0A: bytes += Array("\\n".utf8)
            case 0x0D: bytes += Array("\\r".utf8)
            case 0x09: bytes += Array("\\t".utf8)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
