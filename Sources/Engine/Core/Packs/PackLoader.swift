/// What reading a pack came to.
package struct PackInspection: Sendable {
    /// As much of the pack as could be read; nil when it has errors.
    package var pack: PromptPack?
    package var document: SourceDocument
    package var diagnostics: [Diagnostic]
    /// The published schemas that the pack satisfies.
    package var editions: Editions
    /// For each edition that it does not satisfy: the first reason.
    package var reasons: [Edition: Violation]

    /// Why an edition refuses the pack, with its place; nil when it does not.
    package func reason(_ edition: Edition) -> Diagnostic? {
        let sink = DiagnosticSink()
        if let reason = reasons[edition] { sink.add(reason, document) }
        return sink.diagnostics.first
    }

    package var loaded: Loaded<PromptPack> { Loaded(value: pack, diagnostics: diagnostics) }
}

/// Reads a PromptPack and reports everything that is wrong with it, on three levels: its shape, what it refers to,
/// and what it means.
package enum PackLoader {
    package static func load(_ document: SourceDocument, patterns: any PatternCompiler) -> Loaded<PromptPack> {
        inspect(document, patterns: patterns).loaded
    }

    package static func inspect(_ document: SourceDocument, patterns: any PatternCompiler) -> PackInspection {
        let violations = ShapeCheck.violations(in: document.value, of: PackShape.root)
        let editions = satisfied(violations)
        let report = DiagnosticSink()
        if editions.isEmpty {
            let edition = nearest(violations)
            for violation in violations where violation.editions.contains(edition) { report.add(violation, document) }
        }
        let pack = PackReader(document: document).pack()
        PackLint.check(pack, document, patterns, report)
        let failed = report.diagnostics.contains { $0.severity == .error }
        var reasons: [Edition: Violation] = [:]
        for edition in Edition.allCases where !editions.contains(edition) {
            reasons[edition] = violations.first { $0.editions.contains(edition) }
        }
        return PackInspection(
            pack: failed ? nil : pack, document: document, diagnostics: report.diagnostics, editions: editions,
            reasons: reasons)
    }

    /// The editions that have nothing against a document.
    package static func satisfied(_ violations: [Violation]) -> Editions {
        violations.reduce(Editions.all) { $0.subtracting($1.editions) }
    }

    /// Of the two editions that are in use, the one that has less against the pack; the specification's in doubt.
    private static func nearest(_ violations: [Violation]) -> Edition {
        let counts = [Edition.spec140, .promptKit].map { edition in
            violations.count { $0.editions.contains(edition) }
        }
        return counts[1] < counts[0] ? .promptKit : .spec140
    }
}

extension DiagnosticSink {
    /// A mistake in the shape of a document.
    package func add(_ violation: Violation, _ document: SourceDocument, severity: Diagnostic.Severity = .error) {
        add(
            severity, violation.message, in: document, at: violation.pointer, hint: violation.hint, rule: "schema",
            isKey: violation.isKey)
    }
}
