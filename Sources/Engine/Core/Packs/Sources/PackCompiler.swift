/// Writes the pack file that runtimes load: the same bytes for the same input.
package enum PackCompiler {
    package enum Target: String, Sendable, CaseIterable {
        /// The specification as it stands.
        case spec
        /// PromptKit's closed schema, which lacks some fields of the specification and insists on others.
        case promptKit = "promptkit"
    }

    /// - Parameters:
    ///   - document: a pack, put together or as it is.
    ///   - createdAt: seconds since 1970 for `compilation.created_at`; nil leaves `compilation` out, because the
    ///     time would make every output another.
    package static func compile(_ document: SourceDocument, for target: Target, createdAt: Int? = nil) -> String {
        var pack = document.value.object ?? JSONObject()
        if let createdAt {
            pack["compilation"] = [
                "compiled_with": .string("cleo-tui \(ProgramInfo.version)"),
                "created_at": .string(Timestamp(milliseconds: createdAt * 1_000).utcText), "schema": "v1",
            ]
        }
        if target == .promptKit { pack = fitted(pack) }
        return JSONValue.object(pack).prettyText + "\n"
    }

    // MARK: PromptKit

    private static func fitted(_ pack: JSONObject) -> JSONObject {
        var pack = pack
        pack["prompts"] = map(pack["prompts"]) { prompt in
            prompt["variables"] = list(prompt["variables"]) { $0["binding"] = nil }
            prompt["validators"] = list(prompt["validators"], validator)
            prompt["evals"] = list(prompt["evals"], eval)
        }
        pack["evals"] = list(pack["evals"], eval)
        return pack
    }

    private static func validator(_ validator: inout JSONObject) {
        if validator["enabled"] == nil { validator["enabled"] = true }
        guard let message = validator["message"] else { return }
        validator["message"] = nil
        var params = validator["params"]?.object ?? JSONObject()
        params["message"] = message
        validator["params"] = .object(params)
    }

    private static func eval(_ eval: inout JSONObject) {
        for key in ["threshold", "message", "when", "groups"] { eval[key] = nil }
    }

    private static func list(_ value: JSONValue?, _ change: (inout JSONObject) -> Void) -> JSONValue? {
        value?.array.map { items in
            .array(
                items.map { item in
                    guard var object = item.object else { return item }
                    change(&object)
                    return .object(object)
                })
        }
    }

    private static func map(_ value: JSONValue?, _ change: (inout JSONObject) -> Void) -> JSONValue? {
        value?.object.map { entries in
            .object(
                JSONObject(
                    entries.map { key, item in
                        guard var object = item.object else { return (key, item) }
                        change(&object)
                        return (key, .object(object))
                    }))
        }
    }
}
