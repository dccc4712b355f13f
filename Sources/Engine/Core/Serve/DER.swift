/// As much of DER (X.690) as public keys and signatures need.
enum DER {
    static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        if content.count < 0x80 {
            length = [UInt8(content.count)]
        } else {
            var rest = content.count
            while rest > 0 {
                length.insert(UInt8(rest & 0xFF), at: 0)
                rest >>= 8
            }
            length.insert(0x80 | UInt8(length.count), at: 0)
        }
        return [tag] + length + content
    }

    static func sequence(_ parts: [UInt8]...) -> [UInt8] { value(0x30, parts.flatMap { $0 }) }

    /// Of an unsigned number, most significant byte first.
    static func integer(_ number: some Collection<UInt8>) -> [UInt8] {
        let digits = Array(number.drop { $0 == 0 })
        return value(0x02, (digits.first ?? 0x80) >= 0x80 ? [0] + digits : digits)
    }

    private static func bits(_ content: [UInt8]) -> [UInt8] { value(0x03, [0] + content) }

    /// RFC 8017, appendix A.1.
    static func rsaKey(modulus: [UInt8], exponent: [UInt8]) -> [UInt8] {
        let algorithm = sequence([0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01], [0x05, 0x00])
        return sequence(algorithm, bits(sequence(integer(modulus), integer(exponent))))
    }

    /// RFC 5480: an uncompressed point of P-256.
    static func p256Key(x: [UInt8], y: [UInt8]) -> [UInt8] {
        let algorithm = sequence(
            [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01],
            [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07])
        return sequence(algorithm, bits([0x04] + x + y))
    }

    /// Of the two halves of a JSON Web Signature (RFC 7518, section 3.4).
    static func ecdsaSignature(_ halves: [UInt8]) -> [UInt8] {
        sequence(integer(halves.prefix(32)), integer(halves.suffix(32)))
    }
}
