import CProcess
import EngineSystem
import Glibc

/// Where files live: the program's own, and the person's by the XDG base directory specification.
struct Folders {
    /// Conversations; nothing is written anywhere else, but for the line mode's history beside it.
    let data: String
    /// What comes with the program: the demo and the prices. Nil when it was moved away from them.
    let share: String?

    init() {
        let environment = EnvironmentVariables()
        let home = environment.value(of: "HOME") ?? "/"
        func folder(_ name: String, _ standard: String) -> String {
            let value = environment.value(of: name) ?? ""
            return (value.hasPrefix("/") ? value : home + standard) + "/cleo-tui"
        }
        data = folder("XDG_DATA_HOME", "/.local/share")
        share = Self.findShare(environment.value(of: "CLEO_TUI_SHARE"))
    }

    /// `$CLEO_TUI_SHARE`, then `../share/cleo-tui` beside the program, then the checkout that it was built in.
    private static func findShare(_ named: String?) -> String? {
        if let named, !named.isEmpty { return absolute(named) }
        var folder = parent(program())
        let installed = parent(folder) + "/share/cleo-tui"
        if access(installed + "/tools.yaml.example", R_OK) == 0 { return installed }
        while folder != "/", folder != "" {
            if access(folder + "/Package.swift", R_OK) == 0, access(folder + "/tools.yaml.example", R_OK) == 0 {
                return folder
            }
            folder = parent(folder)
        }
        return nil
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func program() -> String {
        var buffer = [CChar](repeating: 0, count: 4_096)
        let length = cproc_program_path(&buffer, buffer.count)
        return String(decoding: buffer.prefix(max(length, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func current() -> String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    static func absolute(_ path: String) -> String { absolute(path, in: current()) }

    static func absolute(_ path: String, in folder: String) -> String {
        if path.hasPrefix("/") { return path }
        if path.hasPrefix("~/") { return (EnvironmentVariables().value(of: "HOME") ?? "") + path.dropFirst() }
        return path == "." ? folder : folder + "/" + path
    }
}
