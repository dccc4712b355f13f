/// Something in a document that some editions of its format do not allow.
package struct Violation: Sendable, Equatable {
    package var editions: Editions
    /// JSON pointer of the value, or of the name where `isKey`.
    package var pointer: String
    package var isKey: Bool
    package var message: String
    package var hint: String?
}

/// Compares a value with a shape, for all editions in one walk.
package struct ShapeCheck {
    private enum Step {
        case name(String)
        case index(Int)
    }

    private var violations: [Violation] = []
    private var path: [Step] = []
    private var depth = 0

    /// More would help nobody.
    private static let limit = 1_000

    package static func violations(
        in value: JSONValue, of shape: Shape, editions: Editions = .all
    ) -> [Violation] {
        var check = ShapeCheck()
        check.check(value, shape, editions)
        return check.violations
    }

    private init() {}

    private var pointer: String {
        path.reduce(into: "") { text, step in
            switch step {
            case .name(let name): text += "/" + JSONPointer.escape(name)
            case .index(let index): text += "/\(index)"
            }
        }
    }

    /// How a message calls the value.
    private var name: String {
        switch path.last {
        case .name(let name): return "'\(name)'"
        case .index(let index):
            guard path.count > 1, case .name(let list) = path[path.count - 2] else { return "item \(index)" }
            return "'\(list)[\(index)]'"
        case nil: return "the document"
        }
    }

    private mutating func fail(
        _ editions: Editions, _ message: String, hint: String? = nil, key: String? = nil
    ) {
        guard violations.count < Self.limit, !editions.isEmpty else { return }
        let place = key.map { pointer + "/" + JSONPointer.escape($0) } ?? pointer
        violations.append(
            Violation(editions: editions, pointer: place, isKey: key != nil, message: message, hint: hint))
    }

    private mutating func mismatch(_ editions: Editions, _ expected: String, _ value: JSONValue) {
        fail(editions, "\(name) must be \(expected), not \(value.kindName)")
    }

    // MARK: Walking

    private mutating func check(_ value: JSONValue, _ shape: Shape, _ editions: Editions) {
        guard !editions.isEmpty else { return }
        switch shape {
        case .anything: break
        case .boolean: if value.bool == nil { mismatch(editions, "true or false", value) }
        case .null: if !value.isNull { mismatch(editions, "null", value) }
        case .text(let rule): check(value, rule, editions)
        case .number(let min, let max): check(value, min, max, editions)
        case .integer(let min): checkInteger(value, min, editions)
        case .list(let item, let atLeast): checkList(value, item, atLeast, editions)
        case .map(let item, let atLeast): checkMap(value, item, atLeast, editions)
        case .object(let shape): checkObject(value, shape, editions)
        case .all(let shapes): for shape in shapes { check(value, shape, editions) }
        case .one(let shapes): checkAlternatives(value, shapes, editions, exactly: true)
        case .some(let shapes): checkAlternatives(value, shapes, editions, exactly: false)
        case .only(let some, let shape): check(value, shape, editions.intersection(some))
        case .needs(let missing):
            guard case .object(let object) = value else { return }
            for name in missing(object) { fail(editions, "'\(name)' is missing") }
        case .later(let shape): check(value, shape(), editions)
        }
    }

    private mutating func check(_ value: JSONValue, _ rule: TextRule, _ editions: Editions) {
        guard case .string(let text) = value else { return mismatch(editions, "a string", value) }
        if let words = rule.words {
            if !words.contains(text) {
                fail(
                    editions,
                    "\(name) has the value '\(SafeText.oneLine(text, limit: 80))'; expected one of: "
                        + words.joined(separator: ", "),
                    hint: Suggestion.hint(for: text, among: words))
            }
            return
        }
        if rule.atLeast > 0, text.isEmpty || text.unicodeScalars.count < rule.atLeast {
            fail(editions, text.isEmpty ? "\(name) is empty" : "\(name) is shorter than \(rule.atLeast) characters")
        }
        if let limit = rule.atMost, text.utf8.count > limit, text.unicodeScalars.count > limit {
            fail(editions, "\(name) is longer than \(limit) characters")
        }
        if let form = rule.form, !form.fits(Substring(text).utf8) {
            fail(
                editions, "\(name) must \(form.wording); it is '\(SafeText.oneLine(text, limit: 80))'",
                hint: "such as \"\(form.example)\"")
        }
    }

    private mutating func check(_ value: JSONValue, _ min: Double?, _ max: Double?, _ editions: Editions) {
        guard case .number(let number) = value else { return mismatch(editions, "a number", value) }
        if let min, number.double < min {
            fail(editions, "\(name) must be at least \(JSONValue.double(min).text), not \(number.text)")
        }
        if let max, number.double > max {
            fail(editions, "\(name) must be at most \(JSONValue.double(max).text), not \(number.text)")
        }
    }

    private mutating func checkInteger(_ value: JSONValue, _ min: Int?, _ editions: Editions) {
        guard case .number(let number) = value else { return mismatch(editions, "a whole number", value) }
        guard Int(number.text) != nil || ExactDecimal(number.text).isInteger else {
            return fail(editions, "\(name) must be a whole number, not \(number.text)")
        }
        if let min, number.double < Double(min) {
            fail(editions, "\(name) must be at least \(min), not \(number.text)")
        }
    }

    private mutating func checkList(_ value: JSONValue, _ item: Shape, _ atLeast: Int, _ editions: Editions) {
        guard case .array(let items) = value else { return mismatch(editions, "a list", value) }
        if items.count < atLeast {
            fail(editions, "\(name) needs at least \(atLeast) item\(atLeast == 1 ? "" : "s")")
        }
        if case .anything = item { return }
        for (index, inner) in items.enumerated() {
            path.append(.index(index))
            check(inner, item, editions)
            path.removeLast()
        }
    }

    private mutating func checkMap(_ value: JSONValue, _ item: Shape, _ atLeast: Int, _ editions: Editions) {
        guard case .object(let object) = value else { return mismatch(editions, "an object", value) }
        if object.count < atLeast { fail(editions, "\(name) needs at least one entry") }
        for (name, inner) in object { check(inner, item, editions, under: name) }
    }

    private mutating func check(_ value: JSONValue, _ shape: Shape, _ editions: Editions, under name: String) {
        path.append(.name(name))
        check(value, shape, editions)
        path.removeLast()
    }

    private mutating func checkObject(_ value: JSONValue, _ shape: ObjectShape, _ editions: Editions) {
        guard case .object(let object) = value else { return mismatch(editions, "an object", value) }
        for field in shape.required where object[field.name] == nil {
            fail(editions.intersection(field.required), "'\(field.name)' is missing")
        }
        for (name, inner) in object {
            let field = shape.fields[name]
            if let field { check(inner, field.shape, editions.intersection(field.editions), under: name) }
            let strangers = editions.subtracting(field?.editions ?? [])
            guard !strangers.isEmpty else { continue }
            switch shape.rest {
            case .open: break
            case .closed:
                let hint = field == nil ? Suggestion.hint(for: name, among: shape.names) : nil
                fail(strangers, "unknown field '\(name)'", hint: hint, key: name)
            case .shaped(let rest): check(inner, rest, strangers, under: name)
            }
        }
    }

    private mutating func checkAlternatives(
        _ value: JSONValue, _ shapes: [Shape], _ editions: Editions, exactly: Bool
    ) {
        let before = violations
        var found: [[Violation]] = []
        for shape in shapes {
            violations = []
            check(value, shape, editions)
            found.append(violations)
        }
        violations = before
        var few = Editions()
        var many = Editions()
        for edition in editions.members {
            let fitting = found.count { !$0.contains { $0.editions.contains(edition) } }
            if fitting == 0 { few.formUnion(Editions(edition)) }
            if fitting > 1, exactly { many.formUnion(Editions(edition)) }
        }
        if !few.isEmpty { report(found, few) }
        fail(many, "\(name) fits more than one of \(shapes.count) alternatives, and must fit exactly one")
    }

    /// What is wrong with the alternative that is nearest: the one whose `kind` is right, else the one with the
    /// fewest mistakes.
    private mutating func report(_ found: [[Violation]], _ editions: Editions) {
        let kind = pointer + "/kind"
        let ranked = found.enumerated().map { position, violations in
            let isOtherKind = violations.contains { $0.pointer == kind || $0.pointer == pointer && !$0.isKey }
            return (isOtherKind ? 1 : 0, violations.count, position)
        }
        guard let best = ranked.min(by: { $0 < $1 }) else { return }
        for var violation in found[best.2] {
            violation.editions.formIntersection(editions)
            if violations.count < Self.limit, !violation.editions.isEmpty { violations.append(violation) }
        }
    }
}
