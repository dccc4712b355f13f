import Synchronization

/// Reads a file as JSON or YAML, by its name.
package struct DocumentReader: Sendable {
    package let files: any FileSource
    private let yaml: any YAMLReader
    /// So that they can be watched, and are not written by a model.
    private let seen = SeenFiles()

    package init(files: any FileSource, yaml: any YAMLReader) {
        self.files = files
        self.yaml = yaml
    }

    /// - Returns: the document; nil with one diagnostic when it cannot be read or parsed.
    ///
    /// `FILE#KIND/NAME` is one of several documents of a YAML file, by what Kubernetes calls it; `FILE#ConfigMap/NAME/KEY`
    /// is a document that stands in it as a text.
    package func read(_ path: String) -> Loaded<SourceDocument> {
        if let hash = path.firstIndex(of: "#"), !files.exists(path) {
            return resource(String(path[..<hash]), path[path.index(after: hash)...])
        }
        seen.add(path)
        do throws(EngineError) {
            return parse(try files.read(path), file: path)
        } catch {
            return Loaded(value: nil, diagnostics: [Diagnostic(.error, error.message, file: path, hint: error.hint)])
        }
    }

    /// The documents of a YAML file that can be read, each with its own places.
    package func documents(_ file: String) -> [SourceDocument] {
        seen.add(file)
        guard let bytes = try? files.read(file) else { return [] }
        var documents: [[UInt8]] = [[]]
        for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            // So many empty lines before it that places stay true.
            if line.starts(with: Array("---".utf8)) { documents.append([UInt8](repeating: 0x0A, count: number)) }
            documents[documents.count - 1] += line + [0x0A]
        }
        return documents.compactMap { yaml.read($0, file: file).value }.filter { !$0.value.isNull }
    }

    private func resource(_ file: String, _ reference: Substring) -> Loaded<SourceDocument> {
        let parts = reference.split(separator: "/", maxSplits: 2).map(String.init)
        let document = documents(file).first { document in
            parts.count >= 2 && document.value.text("kind") == parts[0]
                && document.value["metadata"]?.text("name") == parts[1]
        }
        guard let document else {
            return Loaded(value: nil, diagnostics: [Diagnostic(.error, "there is no '\(reference)' in it", file: file)])
        }
        guard parts.count == 3 else { return Loaded(value: document, diagnostics: []) }
        let text = document.value["data"]?.text(parts[2]) ?? ""
        return parse(Array(text.utf8), file: "\(file)#\(reference)")
    }

    package func parse(_ bytes: [UInt8], file: String) -> Loaded<SourceDocument> {
        guard file.hasSuffix(".json") else { return yaml.read(bytes, file: file) }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            return Loaded(value: nil, diagnostics: [Diagnostic(.error, "the file is not UTF-8 text", file: file)])
        }
        var repeated: [JSONParser.Repeated] = []
        do throws(JSONSyntaxError) {
            let value = try JSONParser.parse(bytes, repeated: { repeated.append($0) })
            let document = SourceDocument(file: file, value: value, json: bytes)
            let warnings = repeated.prefix(20).map { key in
                let place = SourceText.lineAndColumn(of: key.offset, in: bytes)
                return Diagnostic(
                    .warning, "the name '\(key.name)' stands here twice in one object; the last one counts", file: file,
                    place: Place(line: place.line, column: place.column), rule: "repeated-name")
            }
            return Loaded(value: document, diagnostics: Array(warnings))
        } catch {
            let place = Place(line: error.line, column: error.column)
            return Loaded(value: nil, diagnostics: [Diagnostic(.error, error.message, file: file, place: place)])
        }
    }

    /// Folders of all files that this reader was asked for, sorted.
    package var folders: [String] {
        var folders: Set<String> = ["."]
        for path in paths {
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { continue }
            folders.insert(String(path[..<slash]))
        }
        return folders.sorted()
    }

    /// All files that this reader was asked for.
    package var paths: Set<String> { seen.all }
}

/// Files that were read, or looked for.
private final class SeenFiles: Sendable {
    private let paths = Mutex<Set<String>>([])
    func add(_ path: String) { paths.withLock { _ = $0.insert(path) } }
    var all: Set<String> { paths.withLock { $0 } }
}
