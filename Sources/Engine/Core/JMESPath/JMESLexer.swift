/// Splits an expression into tokens.
struct JMESLexer {
    enum Kind: Sendable, Equatable {
        case name(String), quoted(String), number(Int), literal(JSONValue)
        /// `.`, `[?`, `&&` and the like.
        case mark(String)
        case end
    }

    struct Token: Sendable, Equatable {
        var kind: Kind
        var offset: Int
    }

    private let text: [Character]
    private var at = 0

    /// More cannot be meant.
    private static let lengthLimit = 100_000

    static func tokens(of expression: String) throws(JMESPathError) -> [Token] {
        guard expression.utf8.count <= lengthLimit else {
            throw JMESPathError(.tooMuch, "the expression is longer than \(lengthLimit) bytes")
        }
        var lexer = JMESLexer(text: Array(expression))
        var tokens: [Token] = []
        while let token = try lexer.next() { tokens.append(token) }
        tokens.append(Token(kind: .end, offset: lexer.text.count))
        return tokens
    }

    private init(text: [Character]) { self.text = text }

    private func peek(_ distance: Int = 0) -> Character? {
        at + distance < text.count ? text[at + distance] : nil
    }

    private mutating func next() throws(JMESPathError) -> Token? {
        while let character = peek(), character == " " || character == "\t" || character.isNewline { at += 1 }
        guard let character = peek() else { return nil }
        let start = at
        let kind: Kind
        switch character {
        case "a"..."z", "A"..."Z", "_": kind = .name(take { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
        case "0"..."9", "-": kind = try number()
        case "\"": kind = try quoted()
        case "'": kind = .literal(.string(try raw()))
        case "`": kind = .literal(try literal())
        default: kind = try mark(character)
        }
        return Token(kind: kind, offset: start)
    }

    private mutating func take(_ belongs: (Character) -> Bool) -> String {
        let start = at
        while let character = peek(), belongs(character) { at += 1 }
        return String(text[start..<at])
    }

    private mutating func number() throws(JMESPathError) -> Kind {
        let start = at
        if peek() == "-" { at += 1 }
        _ = take { $0.isASCII && $0.isNumber }
        guard let value = Int(String(text[start..<at])) else {
            throw JMESPathError(.syntax, "'\(String(text[start..<at]))' is not a number", at: start)
        }
        return .number(value)
    }

    private mutating func mark(_ character: Character) throws(JMESPathError) -> Kind {
        let pair = String([character, peek(1) ?? " "])
        let pairs = ["[?", "[]", "||", "&&", "==", "!=", "<=", ">="]
        if pairs.contains(pair) {
            at += 2
            return .mark(pair)
        }
        guard ".*[]{}(),:|&@!<>".contains(character) else {
            throw JMESPathError(.syntax, "unexpected '\(character)'", at: at)
        }
        at += 1
        return .mark(String(character))
    }

    /// The text up to a mark, which a backslash may protect.
    private mutating func delimited(by mark: Character) throws(JMESPathError) -> (inside: [Character], start: Int) {
        let start = at
        at += 1
        while let character = peek(), character != mark { at += character == "\\" ? 2 : 1 }
        guard at < text.count else { throw JMESPathError(.syntax, "\(mark) is not closed", at: start) }
        at += 1
        return (Array(text[(start + 1)..<(at - 1)]), start)
    }

    private mutating func quoted() throws(JMESPathError) -> Kind {
        let (inside, start) = try delimited(by: "\"")
        guard case .string(let name)? = try? JSONParser.parse("\"" + String(inside) + "\"") else {
            throw JMESPathError(.syntax, "the quoted name is not a JSON string", at: start)
        }
        return .quoted(name)
    }

    /// A raw string: only `\'` is an escape.
    private mutating func raw() throws(JMESPathError) -> String {
        let (inside, _) = try delimited(by: "'")
        var result = ""
        var isEscaped = false
        for character in inside {
            if isEscaped {
                if character != "'" { result.append("\\") }
                result.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                result.append(character)
            }
        }
        return result
    }

    /// JSON between backticks. A text that is no JSON counts as a string, as it did in the first version.
    private mutating func literal() throws(JMESPathError) -> JSONValue {
        let (inside, start) = try delimited(by: "`")
        let json = String(inside).replacing("\\`", with: "`")
        if let value = try? JSONParser.parse(json) { return value }
        let trimmed = json.drop { $0.isWhitespace }
        if let value = try? JSONParser.parse("\"" + trimmed + "\"") { return value }
        throw JMESPathError(.syntax, "the literal is not JSON", at: start)
    }
}
