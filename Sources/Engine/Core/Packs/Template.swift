/// A template in its parts: text, and placeholders `{{name}}`.
///
/// Names are `name`, `name.inner[0]`, `fragments.name` and `fragment:name`; spaces inside the braces are allowed.
/// What stands between braces and is none of these stays a placeholder that nothing fills.
package struct Template: Sendable {
    /// A way into a value.
    package struct Path: Sendable, Equatable {
        package enum Step: Sendable, Equatable {
            case name(String)
            case index(Int)
        }

        package var root: String
        package var steps: [Step]
    }

    package struct Placeholder: Sendable, Equatable {
        package var range: Range<String.Index>
        /// What stands between the braces, without spaces around it.
        package var inside: String
        package var path: Path
        /// The fragment that it names by `fragments.` or `fragment:`.
        package var fragment: String?
    }

    /// Names that the engine fills itself.
    package static let providedNames: Set<String> = ["workflow_context", "artifacts", "memory_context"]

    package let text: String
    package let placeholders: [Placeholder]

    package init(_ text: String) {
        var text = text
        text.makeContiguousUTF8()
        self.text = text
        placeholders = Self.find(in: text)
    }

    private static func find(in text: String) -> [Placeholder] {
        let utf8 = text.utf8
        let spans: [(open: Int, close: Int)] =
            utf8.withContiguousStorageIfAvailable { bytes in
                var spans: [(Int, Int)] = []
                var open: Int?
                var at = 0
                while at + 1 < bytes.count {
                    let byte = bytes[at]
                    if byte == 0x7B, bytes[at + 1] == 0x7B {
                        // Of three braces, the inner two open.
                        while at + 2 < bytes.count, bytes[at + 2] == 0x7B { at += 1 }
                        open = at + 2
                        at += 2
                    } else if byte == 0x7D, bytes[at + 1] == 0x7D, let start = open {
                        spans.append((start, at))
                        open = nil
                        at += 2
                    } else {
                        at += 1
                    }
                }
                return spans
            } ?? []
        var index = utf8.startIndex
        var offset = 0
        return spans.map { open, close in
            index = utf8.index(index, offsetBy: open - offset)
            let end = utf8.index(index, offsetBy: close - open)
            let inside = trimmed(text[index..<end])
            let range = utf8.index(index, offsetBy: -2)..<utf8.index(end, offsetBy: 2)
            index = end
            offset = close
            return Placeholder(range: range, inside: inside, path: path(inside), fragment: fragment(inside))
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        let front = text.drop { $0 == " " || $0 == "\t" }
        guard let last = front.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return String(front[...last])
    }

    private static func fragment(_ inside: String) -> String? {
        for mark in ["fragments.", "fragment:"] where inside.hasPrefix(mark) {
            return String(inside.dropFirst(mark.count))
        }
        return nil
    }

    /// `a.b[0].c`; a text that is no path is its own root.
    private static func path(_ inside: String) -> Path {
        let whole = Path(root: inside, steps: [])
        guard inside.utf8.contains(where: { $0 == 0x2E || $0 == 0x5B }) else { return whole }
        var steps: [Path.Step] = []
        for part in inside.split(separator: ".", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: "[", omittingEmptySubsequences: false)
            guard let name = pieces.first, !name.isEmpty else { return whole }
            steps.append(.name(String(name)))
            for piece in pieces.dropFirst() {
                guard piece.hasSuffix("]"), let index = Int(piece.dropLast()), index >= 0 else { return whole }
                steps.append(.index(index))
            }
        }
        guard case .name(let root) = steps.removeFirst() else { return whole }
        return Path(root: root, steps: steps)
    }
}

extension JSONValue {
    /// What a path leads to; nil where there is nothing.
    func value(at steps: [Template.Path.Step]) -> JSONValue? {
        var value: JSONValue? = self
        for step in steps {
            switch step {
            case .name(let name): value = value?[name]
            case .index(let index): value = value?[index]
            }
        }
        return value
    }

    /// As a template writes it: texts as they are, null as nothing, the rest as JSON.
    package var templateText: String { scalarText ?? (isNull ? "" : text) }
}
