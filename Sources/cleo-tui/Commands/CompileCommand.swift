import Engine
import EngineSystem
import Glibc

/// Writes the pack that sources make.
enum CompileCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        do throws(EngineError) {
            return try compile(arguments)
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    private static func compile(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        guard !arguments.words.isEmpty else {
            throw EngineError(
                .invalidInput, "'compile' needs a file", hint: "cleo-tui compile config.arena.yaml -o my.pack.json")
        }
        guard let target = PackCompiler.Target(rawValue: arguments[.target] ?? "spec") else {
            throw EngineError(
                .invalidInput, "there is no target '\(arguments[.target] ?? "")'", hint: "one of: spec, promptkit")
        }
        let files = DiskFiles(root: Folders.current())
        let reader = DocumentReader(files: files, yaml: LibYAMLReader())
        var documents: [SourceDocument] = []
        for word in arguments.words {
            let loaded = reader.read(word)
            Console.report(loaded.diagnostics)
            guard let document = loaded.value else { return .usage }
            documents.append(document)
        }
        guard documents.count == 1 || documents.allSatisfy(PackSources.isSource) else {
            throw EngineError(.invalidInput, "several files can be compiled only where all are PromptConfig or Arena")
        }
        let made =
            PackSources.isSource(documents[0])
            ? PackSources.pack(from: documents, reader: reader, isStrict: arguments.has(.strict))
            : Loaded(value: documents[0], diagnostics: [])
        Console.report(made.diagnostics)
        guard let document = made.value else { return .usage }
        let inspection = PackLoader.inspect(document, patterns: PCREPatternCompiler())
        Console.report(inspection.diagnostics.filter { $0.severity != .note })
        guard inspection.pack != nil else { return .usage }
        let date = getenv("SOURCE_DATE_EPOCH").flatMap { Int(String(cString: $0)) }
        let text = PackCompiler.compile(document, for: target, createdAt: date)
        guard let path = arguments[.output] else {
            Console.out(text, terminator: "")
            return .done
        }
        try DiskFiles.write(text, to: Folders.absolute(path), mayReplace: true)
        Console.err("\(path): \(inspection.editions.members.map(\.title).joined(separator: ", "))")
        return .done
    }
}
