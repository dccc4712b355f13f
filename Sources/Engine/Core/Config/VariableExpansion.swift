/// Replaces `${NAME}` and `${NAME:-default}` in the texts of a document; `$${` stands for itself.
package enum VariableExpansion {
    /// Reports every variable that is not set, with the place of the text that names it.
    package static func expand(
        _ document: SourceDocument, from variables: any VariableSource, report: DiagnosticSink
    ) -> SourceDocument {
        var document = document
        document.unexpanded = document.value
        document.value = expand(document.value, at: "", document, variables, report)
        return document
    }

    private static func expand(
        _ value: JSONValue, at pointer: String, _ document: SourceDocument, _ variables: any VariableSource,
        _ report: DiagnosticSink
    ) -> JSONValue {
        switch value {
        case .string(let text):
            return .string(
                expand(text, from: variables) { name in
                    report.add(
                        .error, "the variable '\(name)' is not set", in: document, at: pointer,
                        hint: "set it, or give a default: ${\(name):-VALUE}")
                })
        case .array(let items):
            return .array(
                items.enumerated().map { index, item in
                    expand(item, at: pointer + "/\(index)", document, variables, report)
                })
        case .object(let object):
            return .object(
                JSONObject(
                    object.map { key, item in
                        (key, expand(item, at: pointer + "/" + JSONPointer.escape(key), document, variables, report))
                    }))
        case .null, .bool, .number: return value
        }
    }

    package static func expand(
        _ text: String, from variables: any VariableSource, missing: (String) -> Void
    ) -> String {
        guard text.contains("${") else { return text }
        var result = ""
        var rest = Substring(text)
        while let open = rest.firstRange(of: "${") {
            result += rest[..<open.lowerBound]
            if result.hasSuffix("$") {
                result += "{"
                rest = rest[open.upperBound...]
                continue
            }
            guard let close = rest[open.upperBound...].firstIndex(of: "}") else {
                return result + rest[open.lowerBound...]
            }
            let inside = rest[open.upperBound..<close]
            let split = inside.firstRange(of: ":-")
            let name = String(split.map { inside[..<$0.lowerBound] } ?? inside)
            if let value = variables.value(of: name), !(value.isEmpty && split != nil) {
                result += value
            } else if let split {
                result += inside[split.upperBound...]
            } else {
                missing(name)
            }
            rest = rest[rest.index(after: close)...]
        }
        return result + rest
    }
}
