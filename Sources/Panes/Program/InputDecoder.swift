/// Turns a terminal's bytes into input: UTF-8, control characters, CSI and SS3 sequences (ECMA-48, xterm's
/// modifyOtherKeys, the `CSI u` form), bracketed paste, SGR mouse reports. Bytes may come in any pieces.
///
/// A sequence that is not known, or is an answer to a question, is swallowed; it never becomes text.
package struct InputDecoder: Sendable {
    /// More of one paste is cut off.
    package static let pasteLimit = 1 << 20

    private var bytes: [UInt8] = []
    private var at = 0
    private var isPasting = false
    private var pasted: [UInt8] = []

    private static let pasteEnd: [UInt8] = Array("\u{1B}[201~".utf8)
    private static let escape: UInt8 = 0x1B

    package init() {}

    /// An escape character came and may be the key, or the start of a sequence: call `flush` when nothing follows.
    package var isWaiting: Bool { at < bytes.count && !isPasting }

    package mutating func feed(_ more: some Sequence<UInt8>) -> [Input] {
        bytes.append(contentsOf: more)
        return decode(isLast: false)
    }

    /// Nothing more comes: what waits is what it looks like.
    package mutating func flush() -> [Input] { decode(isLast: true) }

    private enum Step {
        case input(Input)
        case skipped
        case needsMore
    }

    private mutating func decode(isLast: Bool) -> [Input] {
        var inputs: [Input] = []
        while at < bytes.count {
            switch isPasting ? paste() : step(isLast: isLast) {
            case .input(let input): inputs.append(input)
            case .skipped: continue
            case .needsMore:
                bytes.removeFirst(at)
                at = 0
                return inputs
            }
        }
        bytes.removeAll(keepingCapacity: true)
        at = 0
        return inputs
    }

    private mutating func step(isLast: Bool) -> Step {
        let byte = bytes[at]
        if byte == Self.escape { return escapeSequence(isLast: isLast) }
        if byte < 0x20 || byte == 0x7F {
            at += 1
            return .input(.key(Self.control(byte)))
        }
        guard let character = character(isLast: isLast) else { return .needsMore }
        return .input(.key(Key(.character(character))))
    }

    private static func control(_ byte: UInt8, _ modifiers: Key.Modifiers = []) -> Key {
        switch byte {
        case 0x0D: Key(.enter, modifiers)
        case 0x09: Key(.tab, modifiers)
        case 0x7F, 0x08: Key(.backspace, modifiers)
        case 0x00: Key(.character(" "), modifiers.union(.control))
        case 0x01...0x1A: Key(.character(Character(Unicode.Scalar(byte + 0x60))), modifiers.union(.control))
        default: Key(.character(Character(Unicode.Scalar(byte + 0x40))), modifiers.union(.control))
        }
    }

    /// One scalar; what is not UTF-8 becomes U+FFFD.
    private mutating func character(isLast: Bool) -> Character? {
        let first = bytes[at]
        let length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0
        guard length > 0 else {
            at += 1
            return "\u{FFFD}"
        }
        let available = bytes[at..<min(at + length, bytes.count)]
        let isBroken = available.dropFirst().contains { $0 & 0xC0 != 0x80 }
        if available.count < length, !isBroken, !isLast { return nil }
        guard available.count == length, !isBroken,
            let text = String(validating: available, as: UTF8.self), let character = text.first
        else {
            at += max(1, available.dropFirst().prefix { $0 & 0xC0 == 0x80 }.count + 1)
            return "\u{FFFD}"
        }
        at += length
        return character
    }

    // MARK: Paste

    private mutating func paste() -> Step {
        var index = at
        while index < bytes.count {
            if bytes[index] == Self.escape {
                let piece = bytes[index..<min(index + Self.pasteEnd.count, bytes.count)]
                if Self.pasteEnd.starts(with: piece) {
                    keep(to: index)
                    guard piece.count == Self.pasteEnd.count else { return .needsMore }
                    at = index + piece.count
                    isPasting = false
                    defer { pasted = [] }
                    let text = String(decoding: pasted, as: UTF8.self)
                    return .input(.paste(text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")))
                }
            }
            index += 1
        }
        keep(to: bytes.count)
        return .needsMore
    }

    private mutating func keep(to end: Int) {
        pasted.append(contentsOf: bytes[at..<end].prefix(Self.pasteLimit - pasted.count))
        at = end
    }

    // MARK: Escape sequences

    private mutating func escapeSequence(isLast: Bool) -> Step {
        guard at + 1 < bytes.count else {
            guard isLast else { return .needsMore }
            at += 1
            return .input(.key(Key(.escape)))
        }
        let next = bytes[at + 1]
        switch next {
        case UInt8(ascii: "["): return controlSequence(isLast: isLast)
        case UInt8(ascii: "O"): return singleShift(isLast: isLast)
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"), UInt8(ascii: "X"):
            return controlString(isLast: isLast)
        case Self.escape:
            at += 1
            return .input(.key(Key(.escape)))
        default: break
        }
        at += 1
        if next == 0x0D || next == 0x7F {
            at += 1
            return .input(.key(Self.control(next, .alt)))
        }
        // Nobody presses Alt with Control; this is Escape and then the other key, quickly.
        if next < 0x20 { return .input(.key(Key(.escape))) }
        guard let character = character(isLast: isLast) else {
            at -= 1
            return .needsMore
        }
        return .input(.key(Key(.character(character), .alt)))
    }

    /// What cannot become a sequence any more is Alt with a character.
    private mutating func altCharacter() -> Step {
        let character = Character(Unicode.Scalar(bytes[at + 1]))
        at += 2
        return .input(.key(.alt(character)))
    }

    private mutating func singleShift(isLast: Bool) -> Step {
        guard at + 2 < bytes.count else { return isLast ? altCharacter() : .needsMore }
        let final = bytes[at + 2]
        at += 3
        switch final {
        case UInt8(ascii: "P")...UInt8(ascii: "S"): return .input(.key(Key(.function(Int(final) - 0x4F))))
        case UInt8(ascii: "M"): return .input(.key(Key(.enter)))
        default: return Self.arrow(final).map { .input(.key(Key($0))) } ?? .skipped
        }
    }

    /// The terminal's answers: from the introducer to ST or BEL.
    private mutating func controlString(isLast: Bool) -> Step {
        var index = at + 2
        while index < bytes.count {
            if bytes[index] == 0x07 || index - at > 4_096 {
                at = index + 1
                return .skipped
            }
            if bytes[index] == Self.escape {
                guard index + 1 < bytes.count || isLast else { return .needsMore }
                at = index + (index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "\\") ? 2 : 0)
                return .skipped
            }
            index += 1
        }
        return isLast ? altCharacter() : .needsMore
    }

    private mutating func controlSequence(isLast: Bool) -> Step {
        var index = at + 2
        while index < bytes.count, (0x20...0x3F).contains(bytes[index]), index - at < 64 { index += 1 }
        guard index < bytes.count else { return isLast ? altCharacter() : .needsMore }
        let parameters = bytes[(at + 2)..<index]
        let final = bytes[index]
        guard (0x40...0x7E).contains(final) else {
            at = index
            return .skipped
        }
        at = index + 1
        if parameters.first == UInt8(ascii: "<") { return mouse(Self.numbers(parameters.dropFirst()), final) }
        if let first = parameters.first, first == UInt8(ascii: "?") || first == UInt8(ascii: ">") { return .skipped }
        return Self.key(final, Self.numbers(parameters)).map { .input($0) } ?? pasteStart(final, parameters)
    }

    private mutating func pasteStart(_ final: UInt8, _ parameters: ArraySlice<UInt8>) -> Step {
        if final == UInt8(ascii: "~"), Array(parameters) == Array("200".utf8) {
            isPasting = true
            pasted = []
        }
        return .skipped
    }

    private static func numbers(_ bytes: ArraySlice<UInt8>) -> [Int] {
        bytes.isEmpty
            ? []
            : bytes.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map { part in
                part.prefix { (0x30...0x39).contains($0) }.prefix(6).reduce(0) { $0 * 10 + Int($1) - 0x30 }
            }
    }

    private static func modifiers(_ numbers: [Int], at index: Int) -> Key.Modifiers {
        guard numbers.indices.contains(index) else { return [] }
        return Key.Modifiers(rawValue: UInt8(clamping: max(0, numbers[index] - 1) & 7))
    }

    private static func arrow(_ final: UInt8) -> Key.Code? {
        switch final {
        case UInt8(ascii: "A"): .up
        case UInt8(ascii: "B"): .down
        case UInt8(ascii: "C"): .right
        case UInt8(ascii: "D"): .left
        case UInt8(ascii: "H"): .home
        case UInt8(ascii: "F"): .end
        default: nil
        }
    }

    private static func key(_ final: UInt8, _ numbers: [Int]) -> Input? {
        let held = modifiers(numbers, at: 1)
        if let code = arrow(final) { return .key(Key(code, held)) }
        switch final {
        case UInt8(ascii: "P")...UInt8(ascii: "S"):
            // A cursor report looks like F3.
            return numbers.count == 2 && numbers[0] > 1 ? nil : .key(Key(.function(Int(final) - 0x4F), held))
        case UInt8(ascii: "Z"): return .key(Key(.tab, held.union(.shift)))
        case UInt8(ascii: "I"): return .focus(true)
        case UInt8(ascii: "O"): return .focus(false)
        case UInt8(ascii: "u"): return numbers.first.flatMap { .key(coded($0, held)) }
        case UInt8(ascii: "~"):
            if numbers.first == 27, numbers.count >= 3 { return .key(coded(numbers[2], held)) }
            return numbers.first.flatMap(tilde).map { .key(Key($0, held)) }
        default: return nil
        }
    }

    private static func coded(_ value: Int, _ held: Key.Modifiers) -> Key {
        switch value {
        case 13: return Key(.enter, held)
        case 9: return Key(.tab, held)
        case 27: return Key(.escape, held)
        case 127, 8: return Key(.backspace, held)
        default:
            let scalar = Unicode.Scalar(UInt32(clamping: value)) ?? "\u{FFFD}"
            return Key(.character(Character(scalar)), held)
        }
    }

    private static func tilde(_ number: Int) -> Key.Code? {
        switch number {
        case 1, 7: .home
        case 2: .insert
        case 3: .delete
        case 4, 8: .end
        case 5: .pageUp
        case 6: .pageDown
        case 11...15: .function(number - 10)
        case 17...21: .function(number - 11)
        case 23, 24: .function(number - 12)
        default: nil
        }
    }

    /// SGR reports: button, column, row. Only the wheel and a press of the left button act.
    private func mouse(_ numbers: [Int], _ final: UInt8) -> Step {
        guard numbers.count == 3 else { return .skipped }
        let (row, column) = (numbers[2] - 1, numbers[1] - 1)
        if numbers[0] & 64 != 0 { return .input(.wheel(numbers[0] & 1 == 0 ? -3 : 3, row: row, column: column)) }
        guard numbers[0] & 0b10_0011 == 0, final == UInt8(ascii: "M") else { return .skipped }
        return .input(.click(row: row, column: column))
    }
}
