/// Reads a file as JSON or YAML, by its name.
package struct DocumentReader: Sendable {
    package let files: any FileSource
    private let yaml: any YAMLReader

    package init(files: any FileSource, yaml: any YAMLReader) {
        self.files = files
        self.yaml = yaml
    }

    /// - Returns: the document; nil with one diagnostic when it cannot be read or parsed.
    package func read(_ path: String) -> Loaded<SourceDocument> {
        do throws(EngineError) {
            return parse(try files.read(path), file: path)
        } catch {
            return Loaded(value: nil, diagnostics: [Diagnostic(.error, error.message, file: path, hint: error.hint)])
        }
    }

    package func parse(_ bytes: [UInt8], file: String) -> Loaded<SourceDocument> {
        guard file.hasSuffix(".json") else { return yaml.read(bytes, file: file) }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            return Loaded(value: nil, diagnostics: [Diagnostic(.error, "the file is not UTF-8 text", file: file)])
        }
        var offsets: [String: Int] = [:]
        do throws(JSONSyntaxError) {
            let value = try JSONParser.parse(bytes) { offsets[$0] = $1 }
            let places = SourceText.places(of: offsets, in: bytes)
            return Loaded(value: SourceDocument(file: file, value: value, places: places), diagnostics: [])
        } catch {
            let place = Place(line: error.line, column: error.column)
            return Loaded(value: nil, diagnostics: [Diagnostic(.error, error.message, file: file, place: place)])
        }
    }
}
