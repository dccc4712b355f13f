import Engine
import EngineSystem

/// Writes a small workspace to begin with.
enum InitCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        guard let name = arguments.words.first else {
            for template in InitTemplate.all { Console.out("\(template.name)\t\(template.summary)") }
            Console.err("hint: cleo-tui init \(InitTemplate.all[0].name) my-agent")
            return .done
        }
        do throws(EngineError) {
            return try write(name, to: arguments.words.count > 1 ? arguments.words[1] : ".", arguments.has(.force))
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    private static func write(_ name: String, to folder: String, _ mayReplace: Bool) throws(EngineError) -> ExitCode {
        guard let template = InitTemplate.all.first(where: { $0.name == name }) else {
            let names = InitTemplate.all.map(\.name)
            throw EngineError(
                .invalidInput, "there is no template '\(name)'",
                hint: Suggestion.hint(for: name, among: names) ?? "one of: \(names.joined(separator: ", "))")
        }
        let root = Folders.absolute(folder)
        let files = DiskFiles(root: root)
        let taken = template.files.map(\.path).filter { files.exists($0) }
        guard mayReplace || taken.isEmpty else {
            throw EngineError(
                .invalidInput, "these files are there already: \(taken.joined(separator: ", "))",
                hint: "choose another folder, or say --force to replace them")
        }
        for file in template.files {
            try DiskFiles.write(file.text, to: root + "/" + file.path, mayReplace: mayReplace)
            Console.out(folder == "." ? file.path : folder + "/" + file.path)
        }
        Console.err("try it: cleo-tui\(folder == "." ? "" : " --workspace " + folder)")
        return .done
    }
}
