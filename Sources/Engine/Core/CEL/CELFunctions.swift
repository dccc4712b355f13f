/// The functions of the standard library and of the strings extension (google/cel-go, `ext/strings.go`) that need
/// nothing but texts, numbers and lists.
enum CELFunctions {
    /// How many values each takes, with its target.
    static let counts: [String: ClosedRange<Int>] = [
        "size": 1...1, "int": 1...1, "uint": 1...1, "double": 1...1, "string": 1...1, "bool": 1...1, "dyn": 1...1,
        "contains": 2...2, "startsWith": 2...2, "endsWith": 2...2, "matches": 2...2, "charAt": 2...2,
        "indexOf": 2...3, "lastIndexOf": 2...3, "join": 1...2, "lowerAscii": 1...1, "upperAscii": 1...1,
        "replace": 3...4, "split": 2...3, "substring": 2...3, "trim": 1...1, "reverse": 1...1,
    ]

    private static let sizeLimit = 1 << 20

    static func bounded(_ text: String) throws(CELError) -> String {
        guard text.utf8.count <= sizeLimit else { throw CELError("the text becomes too long") }
        return text
    }

    static func bounded(_ list: [CELValue]) throws(CELError) -> [CELValue] {
        guard list.count <= 10_000 else { throw CELError("the list becomes too long") }
        return list
    }

    static func call(
        _ name: String, _ values: [CELValue], _ patterns: any PatternCompiler
    ) throws(CELError) -> CELValue {
        switch (name, values[0]) {
        case ("dyn", let value): return value
        case ("size", .string(let text)): return .int(text.unicodeScalars.count)
        case ("size", .list(let items)): return .int(items.count)
        case ("size", .map(let map)): return .int(map.count)
        case ("int", _), ("uint", _): return .int(try int(values[0]))
        case ("double", _): return .double(try double(values[0]))
        case ("string", .list), ("string", .map), ("string", .null): break
        case ("string", let value): return .string(value.text)
        case ("bool", .bool): return values[0]
        case ("bool", .string(let text)):
            if ["true", "True", "TRUE", "t", "1"].contains(text) { return .bool(true) }
            if ["false", "False", "FALSE", "f", "0"].contains(text) { return .bool(false) }
            throw CELError("'\(text)' is no truth value")
        case ("join", .list(let items)):
            let texts = items.compactMap { if case .string(let text) = $0 { text } else { nil } }
            guard texts.count == items.count else { throw CELError("'join' takes a list of texts") }
            return .string(try bounded(texts.joined(separator: values.count > 1 ? values[1].text : "")))
        case (_, .string(let text)): return try onText(name, text, Array(values.dropFirst()), patterns)
        default: break
        }
        throw CELError("'\(name)' does not go with \(values[0].kind)")
    }

    private static func int(_ value: CELValue) throws(CELError) -> Int {
        switch value {
        case .int(let number): return number
        case .double(let number):
            if let whole = Int(exactly: number.rounded(.towardZero)) { return whole }
        case .string(let text):
            if let number = Int(text) { return number }
        default: break
        }
        throw CELError("'\(value.text)' is no whole number")
    }

    private static func double(_ value: CELValue) throws(CELError) -> Double {
        switch value {
        case .int(let number): return Double(number)
        case .double(let number): return number
        case .string(let text):
            if let number = Double(text) { return number }
        default: break
        }
        throw CELError("'\(value.text)' is no number")
    }

    private static func onText(
        _ name: String, _ text: String, _ values: [CELValue], _ patterns: any PatternCompiler
    ) throws(CELError) -> CELValue {
        func word(_ place: Int) throws(CELError) -> String {
            guard case .string(let word) = values[place] else {
                throw CELError("'\(name)' does not go with \(values[place].kind)")
            }
            return word
        }
        switch name {
        case "contains":
            let part = try word(0)
            return .bool(part.isEmpty || text.contains(part))
        case "startsWith": return .bool(text.hasPrefix(try word(0)))
        case "endsWith": return .bool(text.hasSuffix(try word(0)))
        case "matches":
            let word = try word(0)
            guard let pattern = try? patterns.compile(word, ignoringCase: false) else {
                throw CELError("'\(word)' is no regular expression")
            }
            // A limit that was reached is no "no": the policy says what happens then.
            do throws(EngineError) { return .bool(try pattern.holds(in: text)) } catch { throw CELError(error.message) }
        case "lowerAscii": return .string(String(text.map { $0.isASCII ? Character($0.lowercased()) : $0 }))
        case "upperAscii": return .string(String(text.map { $0.isASCII ? Character($0.uppercased()) : $0 }))
        case "trim":
            let scalars = text.unicodeScalars.drop { $0.properties.isWhitespace }
            var kept = Array(scalars)
            while kept.last?.properties.isWhitespace == true { kept.removeLast() }
            return .string(String(String.UnicodeScalarView(kept)))
        case "reverse": return .string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
        case "replace":
            let limit = values.count > 2 ? try int(values[2]) : -1
            let parts = split(text, try word(0), limit < 0 || limit >= text.utf8.count ? -1 : limit + 1)
            return .string(try bounded(parts.joined(separator: try word(1))))
        case "split":
            let limit = values.count > 1 ? try int(values[1]) : -1
            return .list(limit == 0 ? [] : split(text, try word(0), limit).map { .string($0) })
        default: return try place(name, Array(text.unicodeScalars), values)
        }
    }

    /// - Parameter limit: parts at the most; below zero, all.
    private static func split(_ text: String, _ separator: String, _ limit: Int) -> [String] {
        if separator.isEmpty { return text.map { String($0) } }
        let parts = text.split(
            separator: separator, maxSplits: limit > 0 ? limit - 1 : .max, omittingEmptySubsequences: false)
        return parts.map(String.init)
    }

    /// Functions that count in code points.
    private static func place(
        _ name: String, _ scalars: [Unicode.Scalar], _ values: [CELValue]
    ) throws(CELError) -> CELValue {
        func text(_ part: ArraySlice<Unicode.Scalar>) -> CELValue { .string(String(String.UnicodeScalarView(part))) }
        switch (name, values[0]) {
        case ("charAt", _):
            let index = try int(values[0])
            guard (0...scalars.count).contains(index) else { throw CELError("the text has no character \(index)") }
            return text(scalars[index..<min(index + 1, scalars.count)])
        case ("substring", _):
            let (start, end) = (try int(values[0]), values.count > 1 ? try int(values[1]) : scalars.count)
            guard start >= 0, end <= scalars.count, start <= end else {
                throw CELError("the text has no part from \(start) to \(end)")
            }
            return text(scalars[start..<end])
        case ("indexOf", .string(let word)), ("lastIndexOf", .string(let word)):
            let wanted = Array(word.unicodeScalars)
            let last = scalars.count - wanted.count
            guard last >= 0 else { return .int(-1) }
            let from = values.count > 1 ? try int(values[1]) : name == "indexOf" ? 0 : last
            guard (0...scalars.count).contains(from) else { throw CELError("the text has no character \(from)") }
            func isThere(_ place: Int) -> Bool { Array(scalars[place..<(place + wanted.count)]) == wanted }
            let found =
                name == "indexOf"
                ? (min(from, last + 1)..<(last + 1)).first(where: isThere)
                : (0...min(from, last)).last(where: isThere)
            return .int(found ?? -1)
        default: throw CELError("'\(name)' does not go with \(values[0].kind)")
        }
    }
}
