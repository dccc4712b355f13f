/// Translates what ECMA-262, the dialect of JSON Schema, reads otherwise than PCRE does.
enum ECMAPattern {
    /// What `\s` has in ECMA-262 and not in PCRE.
    private static let spaces = "\\s\\x{FEFF}\\x{A0}\\x{2028}\\x{2029}\\p{Zs}"

    /// Long names of general categories; PCRE knows the short ones.
    private static let categories = [
        "Letter": "L", "Cased_Letter": "L&", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll",
        "Titlecase_Letter": "Lt", "Modifier_Letter": "Lm", "Other_Letter": "Lo",
        "Mark": "M", "Combining_Mark": "M", "Nonspacing_Mark": "Mn", "Spacing_Mark": "Mc",
        "Enclosing_Mark": "Me", "Number": "N", "Decimal_Number": "Nd", "digit": "Nd",
        "Letter_Number": "Nl", "Other_Number": "No", "Punctuation": "P", "punct": "P",
        "Connector_Punctuation": "Pc", "Dash_Punctuation": "Pd", "Open_Punctuation": "Ps",
        "Close_Punctuation": "Pe", "Initial_Punctuation": "Pi", "Final_Punctuation": "Pf",
        "Other_Punctuation": "Po", "Symbol": "S", "Math_Symbol": "Sm", "Currency_Symbol": "Sc",
        "Modifier_Symbol": "Sk", "Other_Symbol": "So", "Separator": "Z", "Space_Separator": "Zs",
        "Line_Separator": "Zl", "Paragraph_Separator": "Zp", "Other": "C", "Control": "Cc",
        "Format": "Cf", "Surrogate": "Cs", "Private_Use": "Co", "Unassigned": "Cn",
    ]

    /// The pattern as PCRE has to be given it.
    static func translate(_ pattern: String) -> String {
        var result = ""
        var isInClass = false
        var rest = Substring(pattern).unicodeScalars
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\\": result += escape(&rest, isInClass: isInClass)
            case "[" where isInClass: result += "\\["  // PCRE would see `[:alpha:]` in a class.
            case "[", "]":
                isInClass = scalar == "["
                result.unicodeScalars.append(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// What follows a backslash, translated, with the backslash.
    private static func escape(
        _ rest: inout Substring.UnicodeScalarView, isInClass: Bool
    ) -> String {
        guard let scalar = rest.popFirst() else { return "\\" }
        switch scalar {
        case "s": return isInClass ? spaces : "[\(spaces)]"
        case "S" where !isInClass: return "[^\(spaces)]"
        case "p", "P":
            guard rest.first == "{", let end = rest.firstIndex(of: "}") else { break }
            let name = property(String(rest[..<end].dropFirst()))
            rest = rest[rest.index(after: end)...]
            return "\\\(scalar){\(name)}"
        default: break
        }
        return "\\\(scalar)"
    }

    /// The name of a Unicode property without its kind, in the short form.
    private static func property(_ name: String) -> String {
        let value = name.split(separator: "=").last.map(String.init) ?? name
        return categories[value] ?? value
    }
}
