/// A JSON number without rounding: a sign, digits without zeros at either end, and a power of ten.
struct ExactDecimal: Equatable {
    private(set) var isNegative = false
    /// The most significant digit first; empty for zero.
    private(set) var digits: [UInt8] = []
    private(set) var exponent = 0

    /// - Parameter text: a number as JSON spells it.
    init(_ text: String) {
        var digitsAfterPoint = 0
        var isAfterPoint = false
        var written = 0
        var rest = Substring(text).utf8
        if rest.first == UInt8(ascii: "-") {
            isNegative = true
            rest = rest.dropFirst()
        }
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits.append(byte - UInt8(ascii: "0"))
                if isAfterPoint { digitsAfterPoint += 1 }
            case UInt8(ascii: "."): isAfterPoint = true
            default:
                written = Self.exponent(Substring(rest))
                rest = rest.dropFirst(rest.count)
            }
        }
        exponent = written - digitsAfterPoint
        normalize()
    }

    /// The number after `e`; one that is out of range stays very large or very small.
    private static func exponent(_ text: Substring) -> Int {
        let bound = Int.max / 4
        guard let value = Int(text) else { return text.hasPrefix("-") ? -bound : bound }
        return min(max(value, -bound), bound)
    }

    private mutating func normalize() {
        while digits.last == 0 {
            digits.removeLast()
            exponent += 1
        }
        digits.removeFirst(digits.prefix { $0 == 0 }.count)
        if digits.isEmpty {
            exponent = 0
            isNegative = false
        }
    }

    var isInteger: Bool { digits.isEmpty || exponent >= 0 }

    /// One spelling for equal numbers.
    var normalText: String {
        let text = String(decoding: digits.map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
        return digits.isEmpty ? "0" : "\(isNegative ? "-" : "")\(text)e\(exponent)"
    }

    /// Whether this is a whole number of times the divisor.
    ///
    /// A divisor of more than 37 digits does not fit the arithmetic; it has only itself and zero as multiples here.
    func isMultiple(of divisor: ExactDecimal) -> Bool {
        if digits.isEmpty { return true }
        // Both end in a digit other than zero: a finer last digit cannot come out whole.
        let shift = exponent - divisor.exponent
        guard !divisor.digits.isEmpty, shift >= 0 else { return false }
        guard divisor.digits.count <= 37 else {
            return digits == divisor.digits && exponent == divisor.exponent
        }
        let modulus = divisor.digits.reduce(UInt128(0)) { $0 * 10 + UInt128($1) }
        var remainder = digits.reduce(UInt128(0)) { ($0 * 10 + UInt128($1)) % modulus }
        // After 128 more zeros every two and five of the modulus is used up; nothing changes then.
        for _ in 0..<min(shift, 128) where remainder != 0 { remainder = remainder * 10 % modulus }
        return remainder == 0
    }
}

extension ExactDecimal: Comparable {
    static func < (left: Self, right: Self) -> Bool {
        guard left.isNegative == right.isNegative else { return left.isNegative }
        return left.isNegative
            ? isSmaller(right, than: left) : isSmaller(left, than: right)
    }

    /// Compares without the signs.
    private static func isSmaller(_ left: Self, than right: Self) -> Bool {
        if left.digits.isEmpty || right.digits.isEmpty {
            return left.digits.count < right.digits.count
        }
        let leftPlace = left.digits.count + left.exponent
        let rightPlace = right.digits.count + right.exponent
        guard leftPlace == rightPlace else { return leftPlace < rightPlace }
        return left.digits.lexicographicallyPrecedes(right.digits)
    }
}

extension JSONNumber {
    var exact: ExactDecimal { ExactDecimal(text) }
}

extension JSONValue {
    /// Equal as JSON means it: numbers by value, strings by code points.
    package func isSame(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.number(let left), .number(let right)):
            left.text == right.text || left.exact == right.exact
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && left.allSatisfy { name, value in right[name].map { value.isSame(as: $0) } ?? false }
        default: self == other
        }
    }

    /// The same bytes for values that are the same, for finding duplicates in a long list.
    var identity: [UInt8] { Array(withNormalNumbers.canonicalText.utf8) }

    private var withNormalNumbers: JSONValue {
        switch self {
        case .number(let number): .number(JSONNumber(number.exact.normalText))
        case .array(let items): .array(items.map(\.withNormalNumbers))
        case .object(let object):
            .object(JSONObject(object.map { ($0, $1.withNormalNumbers) }))
        default: self
        }
    }
}
