/// A schema, ready to check values. Drafts 7, 2019-09 and 2020-12; it never fetches anything.
///
/// `format` and the `content…` keywords are annotations and check nothing. Of `$vocabulary`, what it says about the
/// validation keywords acts.
package final class JSONSchema: Sendable {
    /// The dialect of a schema whose `$schema` does not say.
    package enum Draft: Sendable {
        case draft7, draft2019, draft2020

        /// What `$schema` names; nil when it is absent or unknown. Drafts 4 and 6 are read as 7.
        init?(of schema: JSONValue) {
            guard let name = schema["$schema"]?.string else { return nil }
            if name.contains("draft/2020-12/") {
                self = .draft2020
            } else if name.contains("draft/2019-09/") {
                self = .draft2019
            } else if ["draft-04", "draft-06", "draft-07"].contains(where: { name.contains($0) }) {
                self = .draft7
            } else {
                return nil
            }
        }
    }

    /// One thing that is wrong with a value.
    package struct Issue: Sendable, Equatable {
        /// Where: a JSON pointer into the value; empty for the whole of it.
        package var pointer: String
        /// The keyword of the schema that says so.
        package var keyword: String
        /// What is wrong and what was expected, without a final period.
        package var message: String

        /// - Parameter pointer: a JSON pointer into the value.
        package init(pointer: String, keyword: String, message: String) {
            self.pointer = pointer
            self.keyword = keyword
            self.message = message
        }
    }

    /// What bounds the work.
    enum Limit {
        /// More would help nobody.
        static let issues = 64
        /// How deep schemas may apply schemas; a schema that refers to itself without end gets here.
        static let depth = 500
        /// How many times a schema may be applied to a value.
        static let steps = 1_000_000
    }

    private static let rootURI = "mem:///schema"
    private let index: SchemaIndex
    private let patterns: SchemaPatterns

    /// - Parameters:
    ///   - schema: an object or a boolean; one that is neither allows everything.
    ///   - patterns: compiles `pattern` and the names of `patternProperties`.
    ///   - documents: other schema documents by their URI, for `$ref`.
    ///   - draft: what documents without a `$schema` are written in.
    package init(
        _ schema: JSONValue, patterns: any PatternCompiler, documents: [String: JSONValue] = [:],
        draft: Draft = .draft2020
    ) {
        var index = SchemaIndex()
        if MetaSchemas.isNamed(in: schema) || documents.values.contains(where: { MetaSchemas.isNamed(in: $0) }) {
            for (uri, document) in MetaSchemas.documents { index.add(document, uri: uri, draft: .draft2020) }
        }
        index.dialects = documents
        for (uri, document) in documents.sorted(by: { $0.key < $1.key }) {
            index.add(document, uri: uri, draft: draft)
        }
        index.add(schema, uri: Self.rootURI, draft: draft)
        self.index = index
        self.patterns = SchemaPatterns(index.patterns, compiler: patterns)
    }

    /// Everything that is wrong with the value, up to 64 issues; empty when it fits the schema.
    package func issues(in instance: JSONValue) -> [Issue] {
        guard let root = index.schema(at: Self.rootURI) else { return [] }
        var evaluation = SchemaEvaluation(index: index, patterns: patterns)
        return evaluation.issues(of: root, instance)
    }
}

/// Patterns of a schema, compiled once.
struct SchemaPatterns: Sendable {
    private enum Entry: Sendable {
        case ready(any Pattern)
        case broken(EngineError)
    }

    private var entries: [String: Entry] = [:]
    private let compiler: any PatternCompiler

    init(_ patterns: Set<String>, compiler: any PatternCompiler) {
        self.compiler = compiler
        for pattern in patterns { entries[pattern] = Self.entry(pattern, compiler) }
    }

    private static func entry(_ pattern: String, _ compiler: any PatternCompiler) -> Entry {
        do throws(EngineError) {
            return .ready(
                try compiler.compile(ECMAPattern.translate(pattern), ignoringCase: false))
        } catch {
            return .broken(error)
        }
    }

    /// The pattern; one that stood where the index does not look is compiled now.
    mutating func pattern(_ text: String) throws(EngineError) -> any Pattern {
        let entry = entries[text] ?? Self.entry(text, compiler)
        entries[text] = entry
        switch entry {
        case .ready(let pattern): return pattern
        case .broken(let error): throw error
        }
    }
}
