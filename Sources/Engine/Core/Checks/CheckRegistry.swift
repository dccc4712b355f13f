/// All kinds of checks, by name and alias.
package enum CheckRegistry {
    private static let byName: [String: any Check.Type] = {
        var found: [String: any Check.Type] = [:]
        for kind in CheckList.all {
            for name in kind.names { found[name] = kind }
        }
        return found
    }()

    /// Every name, sorted.
    package static let names = byName.keys.sorted()

    /// The first name of each kind.
    package static let canonicalNames = CheckList.all.map { $0.name }

    package static func kind(_ name: String) -> (any Check.Type)? { byName[name] }

    /// Fields that every check may have beside its own.
    private static let common = ["direction", "message", "min_score", "max_score", "severity"]

    /// Makes a check from its parameters.
    /// - Parameters:
    ///   - pointer: where the parameters stand in the document.
    ///   - report: takes what is wrong with them: unusable ones as errors, unknown ones as warnings.
    /// - Returns: nil for an unknown type and for parameters that cannot be used.
    package static func make(
        _ type: String, _ params: JSONObject, in document: SourceDocument = SourceDocument(file: "", value: .null),
        at pointer: String = "", report: DiagnosticSink = DiagnosticSink()
    ) -> (any Check)? {
        guard let kind = kind(type) else { return nil }
        let mine = DiagnosticSink()
        guard
            var fields = FieldReader(document, at: pointer, value: .object(params), what: "'params'", report: mine)
        else { return nil }
        let check = kind.init(&fields)
        let isUsable = !mine.diagnostics.contains { $0.severity == .error }
        fields.ignore(common)
        fields.finish(.warning)
        report.diagnostics += mine.diagnostics
        return isUsable ? check : nil
    }

    /// The bounds of a passing score: at least 1 where nothing is said.
    package static func passes(_ score: Double, _ params: JSONObject) -> Bool {
        score >= (params["min_score"]?.double ?? 1) && score <= (params["max_score"]?.double ?? .infinity)
    }
}
