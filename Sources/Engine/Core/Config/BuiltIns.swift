/// Tools that are part of this program; each is off until `builtin:` of `cleo.yaml` names it.
package enum BuiltInSpec: Sendable, Equatable {
    /// - Parameter writable: folders that may be written to.
    case files(writable: [String])
    case memory
    case retrieve(folders: [String], embedder: ProviderConfig?)
    case code(CodeTools.Limits)

    /// The handler's name.
    var name: String {
        switch self {
        case .files: "files"
        case .memory: "memory"
        case .retrieve: "retrieve"
        case .code: "code"
        }
    }
}

/// `builtin:` as it is written.
package struct BuiltIns: Sendable, Equatable {
    /// Nil: off; folders that may be written to.
    package var files: [String]?
    package var memory = false
    /// Nil: off.
    package var retrieve: [String]?
    package var embeddings: ProviderChoice?
    package var code: CodeTools.Limits?

    package init() {}

    /// Each is `true`, or a mapping with its settings.
    init(_ root: inout FieldReader) {
        guard var fields = root.child("builtin") else { return }
        if var files = Self.settings(&fields, "files") {
            self.files = files.strings("write") ?? []
            for folder in self.files ?? [] where folder.hasPrefix("/") || folder.split(separator: "/").contains("..") {
                files.error("'\(folder)' is not below the workspace", at: "write")
            }
            files.finish()
        }
        if let memory = Self.settings(&fields, "memory") {
            self.memory = true
            memory.finish()
        }
        if var retrieve = fields.child("retrieve") {
            // A path begins without `./` everywhere.
            self.retrieve = retrieve.strings("folders")?.map { $0 == "." ? "" : $0 }
            if self.retrieve?.isEmpty != false { retrieve.missing("folders", hint: "folders: [docs]") }
            embeddings = ProviderChoice.read(&retrieve, "embeddings")
            retrieve.finish()
        }
        if var code = Self.settings(&fields, "run_code") {
            var limits = CodeTools.Limits()
            limits.seconds = code.duration("timeout").map { max(1, $0 / 1_000) } ?? limits.seconds
            limits.memoryMiB = code.int("memory_mib", atLeast: 32) ?? limits.memoryMiB
            limits.processes = code.int("processes", atLeast: 4) ?? limits.processes
            limits.filesMiB = code.int("files_mib", atLeast: 1) ?? limits.filesMiB
            limits.outputKiB = code.int("output_kib", atLeast: 1) ?? limits.outputKiB
            self.code = limits
            code.finish()
        }
        fields.finish()
    }

    /// - Returns: nil where it is off.
    private static func settings(_ fields: inout FieldReader, _ name: String) -> FieldReader? {
        guard let value = fields.object[name] else { return nil }
        if case .object = value { return fields.child(name) }
        guard fields.bool(name) == true else { return nil }
        return fields.empty(name)
    }
}
