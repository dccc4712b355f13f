/// Applies schemas to values.
struct SchemaEvaluation {
    /// What of an object or array a schema has looked at; `unevaluated…` asks for the rest.
    struct Evaluated {
        var properties: Set<String> = []
        var leadingItems = 0
        var items: Set<Int> = []
        var allItems = false

        mutating func merge(_ other: Evaluated) {
            properties.formUnion(other.properties)
            leadingItems = max(leadingItems, other.leadingItems)
            items.formUnion(other.items)
            allItems = allItems || other.allItems
        }
    }

    /// One schema at one value.
    struct Frame {
        let node: SchemaNode
        let schema: JSONObject
        let instance: JSONValue
        let pointer: String
        let scope: [String]
        let depth: Int
        var evaluated = Evaluated()
        var issues: [JSONSchema.Issue] = []
        var isValid = true

        mutating func fail(_ keyword: String, _ message: String) {
            isValid = false
            add([JSONSchema.Issue(pointer: pointer, keyword: keyword, message: message)])
        }

        mutating func add(_ more: [JSONSchema.Issue]) {
            issues += more.prefix(JSONSchema.Limit.issues - issues.count)
        }

        func limit(_ keyword: String) -> Int? {
            guard case .number(let number)? = schema[keyword] else { return nil }
            return number.int ?? Int(exactly: number.double)
        }
    }

    struct Verdict {
        var isValid: Bool
        var evaluated = Evaluated()
        var issues: [JSONSchema.Issue] = []
    }

    let index: SchemaIndex
    var patterns: SchemaPatterns
    private var steps = 0

    init(index: SchemaIndex, patterns: SchemaPatterns) {
        self.index = index
        self.patterns = patterns
    }

    mutating func issues(of node: SchemaNode, _ instance: JSONValue) -> [JSONSchema.Issue] {
        apply(node, to: instance, at: "", scope: [], depth: 0).issues
    }

    mutating func apply(
        _ node: SchemaNode, to instance: JSONValue, at pointer: String, scope: [String], depth: Int
    ) -> Verdict {
        func refusal(_ keyword: String, _ message: String) -> Verdict {
            Verdict(
                isValid: false, issues: [JSONSchema.Issue(pointer: pointer, keyword: keyword, message: message)])
        }
        if case .bool(let isAllowed) = node.value {
            return isAllowed ? Verdict(isValid: true) : refusal("false", "nothing is allowed here")
        }
        guard case .object(var schema) = node.value else { return Verdict(isValid: true) }
        if !node.isValidating {
            for keyword in MetaSchemas.validationKeywords { schema[keyword] = nil }
        }
        steps += 1
        guard depth < JSONSchema.Limit.depth, steps < JSONSchema.Limit.steps else {
            return refusal("$ref", "the schema refers to itself without end")
        }
        var frame = Frame(
            node: node, schema: schema, instance: instance, pointer: pointer,
            scope: scope.last == node.base ? scope : scope + [node.base], depth: depth)
        applyReferences(&frame)
        if node.draft != .draft7 || schema["$ref"]?.string == nil {
            checkValue(&frame)
            applyToParts(&frame)
            applyLogic(&frame)
            if node.draft != .draft7 { applyUnevaluated(&frame) }
        }
        return Verdict(isValid: frame.isValid, evaluated: frame.evaluated, issues: frame.issues)
    }

    /// A schema inside this one, at the same value or a part of it.
    mutating func sub(
        _ value: JSONValue, _ frame: Frame, to instance: JSONValue, at pointer: String
    ) -> Verdict {
        apply(
            index.child(value, of: frame.node), to: instance, at: pointer, scope: frame.scope, depth: frame.depth + 1)
    }

    /// A schema inside this one that must fit the same value.
    mutating func require(_ value: JSONValue, _ frame: inout Frame) {
        take(sub(value, frame, to: frame.instance, at: frame.pointer), &frame)
    }

    /// A schema inside this one that a part of the value must fit.
    mutating func require(_ value: JSONValue, _ frame: inout Frame, part: JSONValue, key: String) {
        let verdict = sub(value, frame, to: part, at: frame.pointer + "/" + JSONPointer.escape(key))
        frame.add(verdict.issues)
        if !verdict.isValid { frame.isValid = false }
    }

    private func take(_ verdict: Verdict, _ frame: inout Frame) {
        frame.add(verdict.issues)
        if verdict.isValid { frame.evaluated.merge(verdict.evaluated) } else { frame.isValid = false }
    }

    // MARK: References

    private mutating func applyReferences(_ frame: inout Frame) {
        if let name = frame.schema["$ref"]?.string {
            follow(index.schema(at: URIReference.resolve(name, against: frame.node.base)), name, "$ref", &frame)
        }
        if frame.node.draft == .draft2020, let name = frame.schema["$dynamicRef"]?.string {
            let uri = URIReference.resolve(name, against: frame.node.base)
            follow(index.dynamicSchema(at: uri, scope: frame.scope), name, "$dynamicRef", &frame)
        }
        if frame.node.draft == .draft2019, let name = frame.schema["$recursiveRef"]?.string {
            let uri = URIReference.resolve(name, against: frame.node.base)
            follow(index.recursiveSchema(at: uri, scope: frame.scope), name, "$recursiveRef", &frame)
        }
    }

    private mutating func follow(_ target: SchemaNode?, _ name: String, _ keyword: String, _ frame: inout Frame) {
        guard let target else { return frame.fail(keyword, "the schema refers to '\(name)', which is not there") }
        take(
            apply(target, to: frame.instance, at: frame.pointer, scope: frame.scope, depth: frame.depth + 1), &frame)
    }

    // MARK: Logic

    private mutating func applyLogic(_ frame: inout Frame) {
        for schema in frame.schema["allOf"]?.array ?? [] { require(schema, &frame) }
        if let branches = frame.schema["anyOf"]?.array { applyAny(branches, &frame) }
        if let branches = frame.schema["oneOf"]?.array { applyOne(branches, &frame) }
        if let schema = frame.schema["not"],
            sub(schema, frame, to: frame.instance, at: frame.pointer).isValid
        {
            frame.fail("not", "the value is what the schema forbids")
        }
        if let condition = frame.schema["if"] {
            let verdict = sub(condition, frame, to: frame.instance, at: frame.pointer)
            if verdict.isValid { frame.evaluated.merge(verdict.evaluated) }
            if let branch = frame.schema[verdict.isValid ? "then" : "else"] { require(branch, &frame) }
        }
    }

    private mutating func applyAny(_ branches: [JSONValue], _ frame: inout Frame) {
        var hasMatch = false
        var nearest: [JSONSchema.Issue]?
        for branch in branches {
            let verdict = sub(branch, frame, to: frame.instance, at: frame.pointer)
            if verdict.isValid {
                hasMatch = true
                frame.evaluated.merge(verdict.evaluated)
            } else if nearest == nil || verdict.issues.count < nearest?.count ?? 0 {
                nearest = verdict.issues
            }
        }
        if !hasMatch {
            let why = nearest?.first.map { ": \($0.message)" } ?? ""
            frame.fail("anyOf", "the value fits none of the \(branches.count) alternatives\(why)")
        }
    }

    private mutating func applyOne(_ branches: [JSONValue], _ frame: inout Frame) {
        let verdicts = branches.map { sub($0, frame, to: frame.instance, at: frame.pointer) }
        let fitting = verdicts.filter(\.isValid)
        if fitting.count == 1 {
            frame.evaluated.merge(fitting[0].evaluated)
        } else {
            let why = fitting.isEmpty ? verdicts.compactMap(\.issues.first).first.map { ": \($0.message)" } ?? "" : ""
            frame.fail(
                "oneOf",
                "the value must fit exactly one of \(branches.count) alternatives, and fits \(fitting.count)\(why)")
        }
    }

    // MARK: What is left over

    private mutating func applyUnevaluated(_ frame: inout Frame) {
        if let schema = frame.schema["unevaluatedItems"], case .array(let items) = frame.instance,
            !frame.evaluated.allItems
        {
            for (position, item) in items.enumerated()
            where position >= frame.evaluated.leadingItems && !frame.evaluated.items.contains(position) {
                require(schema, &frame, part: item, key: String(position))
            }
            frame.evaluated.allItems = true
        }
        if let schema = frame.schema["unevaluatedProperties"], case .object(let object) = frame.instance {
            for (key, value) in object where !frame.evaluated.properties.contains(key) {
                require(schema, &frame, part: value, key: key)
                frame.evaluated.properties.insert(key)
            }
        }
    }
}
