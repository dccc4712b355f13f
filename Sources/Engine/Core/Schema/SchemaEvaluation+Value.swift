/// Keywords that look at the value alone.
extension SchemaEvaluation {
    mutating func checkValue(_ frame: inout Frame) {
        checkType(&frame)
        if let allowed = frame.schema["enum"]?.array, !allowed.contains(where: { $0.isSame(as: frame.instance) }) {
            let listed = allowed.prefix(12).map(\.text).joined(separator: ", ") + (allowed.count > 12 ? ", …" : "")
            frame.fail("enum", "\(Self.shown(frame.instance)) is not one of: \(listed)")
        }
        if let value = frame.schema["const"], !value.isSame(as: frame.instance) {
            frame.fail("const", "expected \(Self.shown(value)), got \(Self.shown(frame.instance))")
        }
        switch frame.instance {
        case .number(let number): checkNumber(number, &frame)
        case .string(let text): checkText(text, &frame)
        case .null, .bool, .array, .object: break
        }
    }

    private static func shown(_ value: JSONValue) -> String {
        let text = value.text
        return text.count > 80 ? text.prefix(79) + "…" : text
    }

    private func checkType(_ frame: inout Frame) {
        guard let wanted = frame.schema["type"] else { return }
        let names = wanted.array?.compactMap(\.string) ?? [wanted.string].compactMap(\.self)
        guard !names.isEmpty, !names.contains(where: { Self.isType($0, frame.instance) }) else { return }
        let expected = names.map { "\("aeio".contains($0.prefix(1)) ? "an" : "a") \($0)" }.joined(separator: " or ")
        let kind: String =
            switch frame.instance {
            case .null: "null"
            case .bool: "a boolean"
            case .number: "the number \(Self.shown(frame.instance))"
            case .string: "the string \(Self.shown(frame.instance))"
            case .array: "an array"
            case .object: "an object"
            }
        frame.fail("type", "expected \(names == ["null"] ? "null" : expected), got \(kind)")
    }

    private static func isType(_ name: String, _ value: JSONValue) -> Bool {
        switch (name, value) {
        case ("null", .null), ("boolean", .bool), ("string", .string), ("array", .array), ("object", .object),
            ("number", .number):
            true
        case ("integer", .number(let number)): number.exact.isInteger
        default: false
        }
    }

    private func checkNumber(_ number: JSONNumber, _ frame: inout Frame) {
        let value = number.exact
        func bound(_ keyword: String) -> (ExactDecimal, String)? {
            guard case .number(let limit)? = frame.schema[keyword] else { return nil }
            return (limit.exact, limit.text)
        }
        if let (limit, text) = bound("maximum"), limit < value {
            frame.fail("maximum", "\(number.text) is more than \(text)")
        }
        if let (limit, text) = bound("minimum"), value < limit {
            frame.fail("minimum", "\(number.text) is less than \(text)")
        }
        if let (limit, text) = bound("exclusiveMaximum"), !(value < limit) {
            frame.fail("exclusiveMaximum", "\(number.text) is not less than \(text)")
        }
        if let (limit, text) = bound("exclusiveMinimum"), !(limit < value) {
            frame.fail("exclusiveMinimum", "\(number.text) is not more than \(text)")
        }
        if let (divisor, text) = bound("multipleOf"), !value.isMultiple(of: divisor) {
            frame.fail("multipleOf", "\(number.text) is not a multiple of \(text)")
        }
    }

    private mutating func checkText(_ text: String, _ frame: inout Frame) {
        if let limit = frame.limit("maxLength"), text.unicodeScalars.count > limit {
            frame.fail("maxLength", "the text is longer than \(limit) characters")
        }
        if let limit = frame.limit("minLength"), text.unicodeScalars.count < limit {
            frame.fail("minLength", "the text is shorter than \(limit) characters")
        }
        guard let source = frame.schema["pattern"]?.string else { return }
        do throws(EngineError) {
            if try !patterns.pattern(source).matches(text) {
                frame.fail("pattern", "\(Self.shown(.string(text))) does not match the pattern \(source)")
            }
        } catch {
            frame.fail("pattern", error.message)
        }
    }
}
