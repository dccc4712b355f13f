/// A schema with what its place in its document says about it.
struct SchemaNode: Sendable {
    var value: JSONValue
    /// The URI that its references are relative to, its own `$id` included; without a fragment.
    var base: String
    var draft: JSONSchema.Draft
    /// False where the schema's dialect (`$schema`, with a `$vocabulary` of its own) has no validation keywords.
    var isValidating = true
}

/// Finds schemas by URI, by anchor and by JSON pointer.
struct SchemaIndex: Sendable {
    /// Schemas with a URI of their own.
    private(set) var roots: [String: SchemaNode] = [:]
    /// Documents that a `$schema` may name.
    var dialects: [String: JSONValue] = [:]
    /// Every pattern that was met on the way.
    private(set) var patterns: Set<String> = []
    /// By URI with the anchor as its fragment.
    private var anchors: [String: SchemaNode] = [:]
    /// The anchors of `$dynamicAnchor`.
    private var dynamicAnchors: Set<String> = []
    /// The documents with `$recursiveAnchor`.
    private var recursiveRoots: Set<String> = []

    /// Keywords whose value is a schema.
    private static let schemaKeywords: Set<String> = [
        "additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if",
        "items", "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
    ]
    /// Keywords whose value is a list of schemas.
    private static let listKeywords: Set<String> = [
        "allOf", "anyOf", "items", "oneOf", "prefixItems",
    ]
    /// Keywords whose value holds schemas by name.
    private static let mapKeywords: Set<String> = [
        "$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties",
        "properties",
    ]

    /// Adds a document with everything in it that can be referred to.
    mutating func add(_ document: JSONValue, uri: String, draft: JSONSchema.Draft) {
        var outer = SchemaNode(
            value: document, base: URIReference.withoutFragment(uri),
            draft: JSONSchema.Draft(of: document) ?? draft)
        if let words = document["$schema"]?.string.flatMap({ dialects[$0] })?["$vocabulary"]?.object {
            outer.isValidating = words.keys.contains { $0.hasSuffix("/vocab/validation") }
        }
        let node = Self.enter(document, from: outer)
        roots[outer.base] = node
        register(node, outer: outer)
    }

    /// A schema inside another, with the base and draft that its `$id` and `$schema` give it.
    private static func enter(_ value: JSONValue, from outer: SchemaNode) -> SchemaNode {
        var node = outer
        node.value = value
        guard case .object(let schema) = value, let identifier = schema["$id"]?.string else {
            return node
        }
        node.draft = JSONSchema.Draft(of: value) ?? outer.draft
        if node.draft == .draft7, identifier.hasPrefix("#") || schema["$ref"]?.string != nil {
            return node  // An anchor, or a sibling of `$ref`, which draft 7 ignores.
        }
        node.base = URIReference.withoutFragment(
            URIReference.resolve(identifier, against: outer.base))
        return node
    }

    /// The schema inside another; an `$id` that no document registered says nothing.
    func child(_ value: JSONValue, of outer: SchemaNode) -> SchemaNode {
        let node = Self.enter(value, from: outer)
        if node.base == outer.base || roots[node.base] != nil { return node }
        return SchemaNode(value: value, base: outer.base, draft: outer.draft)
    }

    private mutating func register(_ node: SchemaNode, outer: SchemaNode) {
        guard case .object(let schema) = node.value else { return }
        registerNames(of: node, schema)
        if let pattern = schema["pattern"]?.string { patterns.insert(pattern) }
        if let keys = schema["patternProperties"]?.object?.keys { patterns.formUnion(keys) }
        for (keyword, value) in schema {
            var children: [JSONValue] = []
            switch value {
            case .object(let members) where Self.mapKeywords.contains(keyword):
                children = members.values
            case .array(let items) where Self.listKeywords.contains(keyword): children = items
            case .object where Self.schemaKeywords.contains(keyword): children = [value]
            default: break
            }
            for child in children { register(Self.enter(child, from: node), outer: node) }
        }
    }

    private mutating func registerNames(of node: SchemaNode, _ schema: JSONObject) {
        let identifier = schema["$id"]?.string
        guard node.draft == .draft7 else {
            if identifier != nil { roots[node.base] = node }
            if let name = schema["$anchor"]?.string { anchors[node.base + "#" + name] = node }
            if node.draft == .draft2020, let name = schema["$dynamicAnchor"]?.string {
                anchors[node.base + "#" + name] = node
                dynamicAnchors.insert(node.base + "#" + name)
            }
            if node.draft == .draft2019, schema["$recursiveAnchor"] == .bool(true) {
                recursiveRoots.insert(node.base)
            }
            return
        }
        guard let identifier, schema["$ref"]?.string == nil else { return }
        let reference = URIReference(identifier)
        if !identifier.hasPrefix("#") { roots[node.base] = node }
        if let anchor = reference.fragment, !anchor.isEmpty {
            anchors[node.base + "#" + anchor] = node
        }
    }

    /// The schema that a whole URI names; nil when no document has it.
    func schema(at uri: String) -> SchemaNode? {
        let document = URIReference.withoutFragment(uri)
        guard let root = roots[document] else { return nil }
        let fragment = String(uri.dropFirst(document.count + 1))
        if fragment.isEmpty { return root }
        guard fragment.hasPrefix("/") else { return anchors[uri] }
        return descend(from: root, pointer: URIReference.withoutPercents(fragment))
    }

    private func descend(from root: SchemaNode, pointer: String) -> SchemaNode? {
        var node = root
        for token in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            let key = token.replacing("~1", with: "/").replacing("~0", with: "~")
            let next = Int(key).flatMap { node.value[$0] } ?? node.value[String(key)]
            guard let next else { return nil }
            node = child(next, of: node)
        }
        return node
    }

    /// The target of `$dynamicRef`: the outermost schema in scope that has the anchor.
    func dynamicSchema(at uri: String, scope: [String]) -> SchemaNode? {
        guard dynamicAnchors.contains(uri), let mark = uri.firstIndex(of: "#") else {
            return schema(at: uri)
        }
        let outermost = scope.first { dynamicAnchors.contains($0 + uri[mark...]) }
        return outermost.flatMap { anchors[$0 + uri[mark...]] } ?? schema(at: uri)
    }

    /// The target of `$recursiveRef`: the outermost document in scope that allows it.
    func recursiveSchema(at uri: String, scope: [String]) -> SchemaNode? {
        guard let target = schema(at: uri), recursiveRoots.contains(target.base) else {
            return schema(at: uri)
        }
        return scope.first { recursiveRoots.contains($0) }.flatMap { roots[$0] } ?? target
    }
}
