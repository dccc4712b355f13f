/// Reads the schemas that compositions name: files beside the pack.
package enum SchemaFiles {
    package static func load(_ pack: PromptPack, reader: DocumentReader) -> Loaded<[String: JSONValue]> {
        let named = Set(
            pack.compositions.flatMap { composition in
                [composition.inputSchema, composition.outputSchema] + composition.allSteps.map(\.outputSchema)
            }.compactMap(\.self))
        var schemas: [String: JSONValue] = [:]
        var diagnostics: [Diagnostic] = []
        for name in named.sorted() {
            let file = PackSources.resolve(name.hasPrefix("./") ? String(name.dropFirst(2)) : name, beside: pack.file)
            let loaded = reader.read(file)
            schemas[name] = loaded.value?.value
            // The pack works without it; what it would have held back gets through.
            diagnostics += loaded.diagnostics.map { diagnostic in
                var diagnostic = diagnostic
                diagnostic.severity = .warning
                diagnostic.rule = "schema-file"
                return diagnostic
            }
        }
        return Loaded(value: schemas, diagnostics: diagnostics)
    }
}
