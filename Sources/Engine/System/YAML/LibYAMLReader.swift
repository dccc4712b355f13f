import CYAML
package import Engine

/// YAML 1.2 (core schema) over libyaml: `yes` and `on` are texts, numbers keep their digits.
package struct LibYAMLReader: YAMLReader {
    package init() {}

    package func read(_ bytes: [UInt8], file: String) -> Loaded<SourceDocument> {
        do throws(YAMLProblem) {
            guard bytes.count <= YAMLLimit.bytes else {
                throw YAMLProblem("the file is larger than \(YAMLLimit.bytes) bytes", Place(line: 1, column: 1))
            }
            let parsed = try YAMLComposer.compose(bytes)
            var converter = YAMLConverter()
            let value = try parsed.root.map { node throws(YAMLProblem) in try converter.value(node, at: "", depth: 0) }
            let document = SourceDocument(file: file, value: value ?? .null, places: converter.places)
            let more = parsed.second.map {
                Diagnostic(.warning, "only the first document of the file is read", file: file, place: $0)
            }
            return Loaded(value: document, diagnostics: more.map { [$0] } ?? [])
        } catch {
            return Loaded(value: nil, diagnostics: [Diagnostic(.error, error.message, file: file, place: error.place)])
        }
    }
}

/// A file beyond these is no configuration but an attack.
enum YAMLLimit {
    static let bytes = 8 << 20
    static let depth = 100
    static let events = 400_000
    /// Values after aliases are put in.
    static let values = 500_000
}

struct YAMLProblem: Error {
    var message: String
    var place: Place

    init(_ message: String, _ place: Place) {
        self.message = message
        self.place = place
    }
}

/// A node; shared, so that an alias costs one pointer.
final class YAMLNode {
    enum Kind { case scalar(String, isPlain: Bool), sequence, mapping }

    let kind: Kind
    let place: Place
    let tag: String?
    var items: [YAMLNode] = []
    var pairs: [(key: YAMLNode, value: YAMLNode)] = []

    init(_ kind: Kind, _ place: Place, tag: String?) {
        self.kind = kind
        self.place = place
        self.tag = tag
    }
}
