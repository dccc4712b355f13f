/// Puts a pack together from what prompt engineers write: PromptConfig files, fragments, tools, an arena file
/// (RFC 0002 of promptpack-spec; promptarena, `schemas/v1alpha1`).
///
/// What comes out is a pack document like any other, in which every part knows the file that it comes from.
package struct PackSources {
    let reader: DocumentReader
    var diagnostics: [Diagnostic] = []
    var pack = JSONObject()
    var parts: [SourceDocument.Part] = []
    /// Deviations from PromptArena's own schema are errors; else warnings, because its own files have some.
    let isStrict: Bool

    /// Names of files that hold sources.
    package static let promptSuffixes = [".prompt.yaml", ".prompt.yml"]
    package static let arenaSuffixes = [".arena.yaml", ".arena.yml"]

    /// Whether a document is a source, and not a pack itself.
    package static func isSource(_ document: SourceDocument) -> Bool {
        ["PromptConfig", "Arena"].contains(document.value.text("kind"))
    }

    /// The pack that a document is, or that can be made of it.
    package static func pack(
        from document: SourceDocument, reader: DocumentReader, isStrict: Bool = false
    ) -> Loaded<SourceDocument> {
        isSource(document)
            ? pack(from: [document], reader: reader, isStrict: isStrict) : Loaded(value: document, diagnostics: [])
    }

    /// One pack of several sources.
    package static func pack(
        from documents: [SourceDocument], reader: DocumentReader, isStrict: Bool = false
    ) -> Loaded<SourceDocument> {
        var sources = PackSources(reader: reader, isStrict: isStrict)
        for document in documents {
            if document.value.text("kind") == "Arena" {
                sources.takeArena(document)
            } else {
                sources.takePrompt(document)
            }
        }
        sources.finish(documents[0])
        let failed = sources.diagnostics.contains { $0.severity == .error }
        let value = SourceDocument(
            file: documents[0].file, value: .object(sources.pack), parts: sources.parts)
        return Loaded(value: failed ? nil : value, diagnostics: sources.diagnostics)
    }

    private init(reader: DocumentReader, isStrict: Bool) {
        self.reader = reader
        self.isStrict = isStrict
    }

    // MARK: Reporting

    mutating func fail(
        _ message: String, in document: SourceDocument, at pointer: String, hint: String? = nil,
        severity: Diagnostic.Severity = .error, rule: String = "source"
    ) {
        let sink = DiagnosticSink()
        sink.add(severity, message, in: document, at: pointer, hint: hint, rule: rule)
        diagnostics += sink.diagnostics
    }

    mutating func check(_ document: SourceDocument, _ shape: Shape) {
        let sink = DiagnosticSink()
        for violation in ShapeCheck.violations(in: document.value, of: shape, editions: .promptKit) {
            sink.add(violation, document, severity: isStrict ? .error : .warning)
        }
        diagnostics += sink.diagnostics
    }

    /// A path as a file names it: relative to the file itself.
    static func resolve(_ path: String, beside file: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }

    mutating func read(_ path: String, for document: SourceDocument, at pointer: String) -> SourceDocument? {
        guard reader.files.exists(path) else {
            fail(
                "there is no file '\(path)'", in: document, at: pointer, hint: "paths start at the file that names them"
            )
            return nil
        }
        let loaded = reader.read(path)
        diagnostics += loaded.diagnostics
        return loaded.value
    }

    // MARK: Putting together

    /// Adds an entry of a map of the pack.
    mutating func put(
        _ value: JSONValue, under map: String, _ key: String, of document: SourceDocument, from origin: String
    ) {
        var entries = pack[map]?.object ?? JSONObject()
        if let other = entries[key], other != value, map != "fragments" {
            fail("a second '\(key)' stands under '\(map)'", in: document, at: origin, severity: .warning)
        }
        entries[key] = value
        pack[map] = .object(entries)
        parts.append(SourceDocument.Part(at: "/\(map)/\(JSONPointer.escape(key))", of: document, from: origin))
    }

    /// What a pack has to have and sources do not say.
    private mutating func finish(_ document: SourceDocument) {
        let name = document.value["metadata"]?.text("name") ?? Self.stem(document.file)
        let prompts = pack["prompts"]?.object ?? JSONObject()
        if prompts.isEmpty, diagnostics.allSatisfy({ $0.severity != .error }) {
            fail("the sources hold no prompt", in: document, at: "")
        }
        let versions = Set(prompts.values.compactMap { $0.text("version") })
        var whole: JSONObject = [
            "id": .string(Self.packID(name)), "name": .string(name),
            "version": .string(versions.count == 1 ? versions.first ?? "1.0.0" : "1.0.0"),
            "template_engine": pack["template_engine"] ?? ["version": "v1", "syntax": "{{variable}}"],
        ]
        let order = [
            "prompts", "fragments", "tools", "metadata", "evals", "workflow", "agents", "skills", "compositions",
        ]
        for key in order { whole[key] = pack[key] }
        pack = whole
        parts.append(SourceDocument.Part(at: "", of: document, from: ""))
    }

    /// A name as a pack's id has to be written.
    static func packID(_ name: String) -> String {
        let letters = name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let id = String(letters.drop { !$0.isLetter }.prefix(100))
        return id.isEmpty ? "pack" : id
    }

    private static func stem(_ file: String) -> String {
        let name = file.split(separator: "/").last.map(String.init) ?? file
        return name.split(separator: ".").first.map(String.init) ?? "pack"
    }
}
