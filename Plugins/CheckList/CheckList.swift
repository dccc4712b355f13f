import Foundation
import PackagePlugin

/// Writes the list of all checks from the names of the files in `Checks/Kinds`: a new check is a new file, and
/// nothing else.
@main
struct CheckList: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        guard let target = target as? any SourceModuleTarget else { return [] }
        let kinds = target.sourceFiles.map(\.url)
            .filter { $0.deletingLastPathComponent().lastPathComponent == "Kinds" }
            .map { $0.deletingPathExtension().lastPathComponent }.sorted()
        let output = context.pluginWorkDirectoryURL.appending(path: "CheckList.swift")
        let list = kinds.map { "        \($0).self,\n" }.joined()
        let text = """
            /// Made from the files in `Checks/Kinds`.
            enum CheckList {
                static let all: [any Check.Type] = [
            \(list)    ]
            }
            """
        return [
            .buildCommand(
                displayName: "Listing \(kinds.count) checks", executable: URL(filePath: "/bin/sh"),
                arguments: ["-c", "printf '%s\\n' \"$1\" > \"$2\"", "sh", text, output.path],
                outputFiles: [output])
        ]
    }
}
