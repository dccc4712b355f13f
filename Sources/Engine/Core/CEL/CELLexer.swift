enum CELToken: Equatable {
    case name(String), int(Int), double(Double), string(String), symbol(String)
}

enum CELLexer {
    private static let symbols = ["&&", "||", "==", "!=", "<=", ">="] + "+-*/%!<>?:.,()[]{}".map { String($0) }

    static func tokens(_ text: String) throws(CELError) -> [(token: CELToken, offset: Int)] {
        let source = Array(text)
        guard source.count <= 10_000 else { throw CELError("the expression is longer than 10000 characters") }
        var tokens: [(token: CELToken, offset: Int)] = []
        var at = 0
        while at < source.count {
            let character = source[at]
            if character.isWhitespace {
                at += 1
            } else if character == "/", at + 1 < source.count, source[at + 1] == "/" {
                while at < source.count, !source[at].isNewline { at += 1 }
            } else if let (text, end) = try string(source, at) {
                tokens.append((.string(text), at))
                at = end
            } else if isNameStart(character) {
                let start = at
                while at < source.count, isNameStart(source[at]) || isDigit(source[at]) { at += 1 }
                tokens.append((.name(String(source[start..<at])), start))
            } else if isDigit(character) || (character == "." && at + 1 < source.count && isDigit(source[at + 1])) {
                let (token, end) = try number(source, at)
                tokens.append((token, at))
                at = end
            } else {
                let rest = String(source[at..<min(at + 2, source.count)])
                guard let symbol = symbols.first(where: rest.hasPrefix) else {
                    throw CELError("'\(character)' has no meaning here", at: at)
                }
                tokens.append((.symbol(symbol), at))
                at += symbol.count
            }
        }
        return tokens
    }

    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }
    private static func isNameStart(_ character: Character) -> Bool {
        character == "_" || ("a"..."z").contains(character) || ("A"..."Z").contains(character)
    }

    private static func number(_ source: [Character], _ start: Int) throws(CELError) -> (CELToken, Int) {
        var at = start
        if source[at] == "0", at + 1 < source.count, source[at + 1] == "x" {
            at += 2
            while at < source.count, source[at].isHexDigit { at += 1 }
            guard let value = Int(String(source[(start + 2)..<at]), radix: 16) else {
                throw CELError("this is no number", at: start)
            }
            return (.int(value), at)
        }
        var isDouble = false
        while at < source.count {
            let character = source[at]
            let isSign = (character == "-" || character == "+") && (source[at - 1] == "e" || source[at - 1] == "E")
            if character == "." || character == "e" || character == "E" {
                isDouble = true
            } else if !isDigit(character), !(isDouble && isSign) {
                break
            }
            at += 1
        }
        let text = String(source[start..<at])
        if isDouble {
            guard let value = Double(text) else { throw CELError("'\(text)' is no number", at: start) }
            return (.double(value), at)
        }
        guard let value = Int(text) else { throw CELError("'\(text)' is too large", at: start) }
        if at < source.count, source[at] == "u" || source[at] == "U" { at += 1 }
        return (.int(value), at)
    }

    /// A text, which may be raw and may have three quotes.
    /// - Returns: nil where none begins.
    private static func string(_ source: [Character], _ start: Int) throws(CELError) -> (String, Int)? {
        var at = start
        let isRaw = (source[at] == "r" || source[at] == "R") && at + 1 < source.count && isQuote(source[at + 1])
        if isRaw { at += 1 }
        if source[at] == "b" || source[at] == "B", at + 1 < source.count, isQuote(source[at + 1]) {
            throw CELError("bytes are not evaluated here", at: start)
        }
        let quote = source[at]
        guard isQuote(quote) else { return nil }
        let isTriple = at + 2 < source.count && source[at + 1] == quote && source[at + 2] == quote
        let end = [Character](repeating: quote, count: isTriple ? 3 : 1)
        at += end.count
        var text = ""
        while at + end.count <= source.count {
            if Array(source[at..<(at + end.count)]) == end { return (text, at + end.count) }
            if source[at] == "\\", !isRaw {
                text.unicodeScalars.append(try escape(source, &at, start))
            } else {
                if source[at].isNewline, !isTriple { break }
                text.append(source[at])
                at += 1
            }
        }
        throw CELError("the text does not end", at: start)
    }

    private static func isQuote(_ character: Character) -> Bool { character == "\"" || character == "'" }

    private static func escape(
        _ source: [Character], _ at: inout Int, _ start: Int
    ) throws(CELError) -> Unicode.Scalar {
        let plain: [Character: Unicode.Scalar] = [
            "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "\"": "\"", "'": "'", "`": "`", "?": "?", "a": "\u{7}",
            "b": "\u{8}", "f": "\u{C}", "v": "\u{B}",
        ]
        guard at + 1 < source.count else { throw CELError("the text does not end", at: start) }
        let kind = source[at + 1]
        if let scalar = plain[kind] {
            at += 2
            return scalar
        }
        let lengths: [Character: Int] = ["x": 2, "X": 2, "u": 4, "U": 8]
        let isOctal = ("0"..."3").contains(kind)
        let count = isOctal ? 3 : lengths[kind] ?? 0
        let first = isOctal ? at + 1 : at + 2
        guard count > 0, first + count <= source.count,
            let code = UInt32(String(source[first..<(first + count)]), radix: isOctal ? 8 : 16),
            let scalar = Unicode.Scalar(code)
        else { throw CELError("'\\\(kind)' is no escape", at: at) }
        at = first + count
        return scalar
    }
}
