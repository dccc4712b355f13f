/// Makes text from models, tools, files and networks safe to show: nothing in it can move the cursor, change the
/// terminal, hide, or reorder what stands beside it.
///
/// C0 controls become their pictures (U+2400…), other dangerous characters U+FFFD or nothing. See Unicode TR #36
/// and ECMA-48.
package enum SafeText {
    /// Text of one line: line ends and tabs become spaces.
    /// - Parameter limit: in characters; a longer text ends with `…`.
    package static func oneLine(_ text: String, limit: Int = 4_096) -> String {
        let needsChange = text.unicodeScalars.contains { isUnsafe($0) || $0 == "\n" || $0 == "\t" }
        var line = text
        if needsChange {
            line = clean(text).replacing("\n", with: " ").replacing("\t", with: " ")
        }
        // Counting bytes first: no text is longer in characters than in bytes.
        guard line.utf8.count > limit, line.count > limit else { return line }
        return line.prefix(max(limit - 1, 0)) + "…"
    }

    /// Text of many lines: line ends and tabs stay, CR LF and CR become LF.
    package static func block(_ text: String) -> String {
        text.unicodeScalars.contains(where: isUnsafe) ? clean(text) : text
    }

    private static func clean(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var wasReturn = false
        for scalar in text.unicodeScalars {
            defer { wasReturn = scalar == "\r" }
            switch scalar.value {
            case 0x0A: if !wasReturn { result.append(scalar) }
            case 0x0D: result.append("\n")
            case 0x09: result.append(scalar)
            case 0..<0x20: result.append(Unicode.Scalar(0x2400 + scalar.value) ?? "\u{FFFD}")
            case 0x7F: result.append("\u{2421}")
            default: if let kept = kept(scalar) { result.append(kept) }
            }
        }
        return String(result)
    }

    /// What stands for the scalar; nil for what is invisible and hides or reorders text.
    private static func kept(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        guard isUnsafe(scalar) else { return scalar }
        return (0x80...0x9F).contains(scalar.value) ? "\u{FFFD}" : nil
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        if value < 0x7F { return value < 0x20 && value != 0x0A && value != 0x09 }
        if value < 0xAD { return value <= 0x9F }
        switch value {
        case 0x61C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: return true  // direction
        case 0x200B, 0x2060...0x2064, 0xFEFF, 0xFFF9...0xFFFB: return true  // invisible
        case 0xE0000...0xE01EF: return true  // tags and more variation selectors
        default: return false
        }
    }
}
