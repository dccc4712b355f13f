/// Why a text is not JSON, and where.
package struct JSONSyntaxError: Error, Equatable, Sendable {
    package var message: String
    /// Counted in bytes from the start of the text.
    package var offset: Int
    package var line: Int
    package var column: Int
}

/// A strict parser for RFC 8259 text in UTF-8.
///
/// It accepts exactly the texts of nst/JSONTestSuite that must be accepted; nesting is bounded; a lone
/// surrogate escape becomes U+FFFD.
package struct JSONParser {
    /// Learns where each value starts: its JSON pointer (RFC 6901) and its offset in bytes.
    package typealias PlaceSink = (_ pointer: String, _ offset: Int) -> Void

    /// A name that stands twice in one object; RFC 8259 allows it and leaves open what it means.
    package struct Repeated: Sendable, Equatable {
        package var name: String
        /// Counted in bytes from the start of the text.
        package var offset: Int
    }

    private let bytes: [UInt8]
    private var at = 0
    private let depthLimit: Int
    private let sink: PlaceSink?
    private let repeated: ((Repeated) -> Void)?
    private var pointer = ""

    /// - Parameters:
    ///   - bytes: the whole text; a byte order mark at its start is skipped.
    ///   - depthLimit: how deep arrays and objects may nest.
    ///   - sink: learns the place of every value and key, at some cost; nil for wire traffic.
    ///   - repeated: learns of every name that an object has twice; its last value counts.
    package static func parse(
        _ bytes: [UInt8], depthLimit: Int = 256, places sink: PlaceSink? = nil,
        repeated: ((Repeated) -> Void)? = nil
    ) throws(JSONSyntaxError) -> JSONValue {
        var parser = JSONParser(bytes: bytes, depthLimit: depthLimit, sink: sink, repeated: repeated)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.at = 3 }
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.at == bytes.count else { throw parser.failure("unexpected text after the value") }
        return value
    }

    package static func parse(_ text: String) throws(JSONSyntaxError) -> JSONValue {
        try parse(Array(text.utf8))
    }

    private init(bytes: [UInt8], depthLimit: Int, sink: PlaceSink?, repeated: ((Repeated) -> Void)?) {
        self.bytes = bytes
        self.depthLimit = depthLimit
        self.sink = sink
        self.repeated = repeated
    }

    private func failure(_ message: String) -> JSONSyntaxError {
        let place = SourceText.lineAndColumn(of: min(at, bytes.count), in: bytes)
        return JSONSyntaxError(message: message, offset: at, line: place.line, column: place.column)
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        skipSpace()
        guard let byte = next else { throw failure("the text ends where a value is expected") }
        guard depth <= depthLimit else { throw failure("nested deeper than \(depthLimit)") }
        sink?(pointer, at)
        switch byte {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): if take("true") { return .bool(true) }
        case UInt8(ascii: "f"): if take("false") { return .bool(false) }
        case UInt8(ascii: "n"): if take("null") { return .null }
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        default: break
        }
        throw failure("expected a value")
    }

    private mutating func take(_ word: StaticString) -> Bool {
        let end = at + word.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        let matches = word.withUTF8Buffer { wanted in bytes[at..<end].elementsEqual(wanted) }
        if matches { at = end }
        return matches
    }

    private mutating func object(_ depth: Int) throws(JSONSyntaxError) -> JSONValue {
        at += 1
        var result = JSONObject()
        skipSpace()
        if next == UInt8(ascii: "}") {
            at += 1
            return .object(result)
        }
        let outer = pointer
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("expected a name in double quotes") }
            let keyOffset = at
            let key = try string()
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw failure("expected ':' after the name '\(key)'") }
            at += 1
            if let sink {
                pointer = outer + "/" + JSONPointer.escape(key)
                sink(pointer + SourceText.keySuffix, keyOffset)
            }
            let count = result.count
            result[key] = try value(depth: depth + 1)
            if result.count == count { repeated?(Repeated(name: key, offset: keyOffset)) }
            pointer = outer
            skipSpace()
            switch next {
            case UInt8(ascii: ","): at += 1
            case UInt8(ascii: "}"):
                at += 1
                return .object(result)
            default: throw failure("expected ',' or '}'")
            }
        }
    }

    private mutating func array(_ depth: Int) throws(JSONSyntaxError) -> JSONValue {
        at += 1
        var result: [JSONValue] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            at += 1
            return .array(result)
        }
        let outer = pointer
        while true {
            if sink != nil { pointer = outer + "/\(result.count)" }
            result.append(try value(depth: depth + 1))
            pointer = outer
            skipSpace()
            switch next {
            case UInt8(ascii: ","): at += 1
            case UInt8(ascii: "]"):
                at += 1
                return .array(result)
            default: throw failure("expected ',' or ']'")
            }
        }
    }

    private mutating func digits() -> Int {
        let start = at
        while let byte = next, byte &- 0x30 < 10 { at += 1 }
        return at - start
    }

    private mutating func number() throws(JSONSyntaxError) -> JSONNumber {
        let start = at
        if next == UInt8(ascii: "-") { at += 1 }
        if next == UInt8(ascii: "0") { at += 1 } else if digits() == 0 { throw failure("expected a digit") }
        if next == UInt8(ascii: ".") {
            at += 1
            if digits() == 0 { throw failure("expected a digit after '.'") }
        }
        if let byte = next, byte | 0x20 == UInt8(ascii: "e") {
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            if digits() == 0 { throw failure("expected a digit in the exponent") }
        }
        return JSONNumber(String(decoding: bytes[start..<at], as: UTF8.self))
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        at += 1
        let start = at
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                let text = String(validating: bytes[start..<at], as: UTF8.self)
                guard let text else { throw failure("the string is not valid UTF-8") }
                at += 1
                return text
            case UInt8(ascii: "\\"): return try stringWithEscapes(from: start)
            case 0..<0x20: throw failure("a control character must be escaped")
            default: at += 1
            }
        }
        throw failure("the string does not end")
    }

    private mutating func stringWithEscapes(from start: Int) throws(JSONSyntaxError) -> String {
        var decoded = Array(bytes[start..<at])
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: decoded, as: UTF8.self) else {
                    throw failure("the string is not valid UTF-8")
                }
                at += 1
                return text
            case UInt8(ascii: "\\"):
                at += 1
                try escape(into: &decoded)
            case 0..<0x20: throw failure("a control character must be escaped")
            default:
                decoded.append(byte)
                at += 1
            }
        }
        throw failure("the string does not end")
    }

    private mutating func escape(into decoded: inout [UInt8]) throws(JSONSyntaxError) {
        guard let byte = next else { throw failure("the string does not end") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(byte)
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"):
            decoded.append(contentsOf: String(try escapedScalar()).utf8)
        default:
            at -= 1
            throw failure("unknown escape")
        }
    }

    private mutating func escapedScalar() throws(JSONSyntaxError) -> Unicode.Scalar {
        let replacement: Unicode.Scalar = "\u{FFFD}"
        let first = try hexadecimal()
        guard (0xD800..<0xE000).contains(first) else { return Unicode.Scalar(first) ?? replacement }
        guard first < 0xDC00, next == UInt8(ascii: "\\"), at + 1 < bytes.count,
            bytes[at + 1] == UInt8(ascii: "u")
        else { return replacement }
        let resume = at
        at += 2
        let second = try hexadecimal()
        guard (0xDC00..<0xE000).contains(second) else {
            at = resume
            return replacement
        }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? replacement
    }

    private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt32 {
        guard at + 4 <= bytes.count, bytes[at..<at + 4].allSatisfy({ Self.isHexadecimal($0) }),
            let value = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { throw failure("expected four hexadecimal digits after \\u") }
        at += 4
        return value
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte & ~0x20)
    }
}

package enum JSONPointer {
    /// One reference token of RFC 6901, section 3.
    package static func escape(_ key: String) -> String {
        guard key.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return key }
        return key.replacing("~", with: "~0").replacing("/", with: "~1")
    }

    /// What a pointer leads to (RFC 6901, section 4).
    package static func find(_ pointer: String, in value: JSONValue) -> JSONValue? {
        var found = value
        for token in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let key = String(token.replacing("~1", with: "/").replacing("~0", with: "~"))
            guard let next = found[key] ?? Int(key).flatMap({ found[$0] }) else { return nil }
            found = next
        }
        return found
    }
}
