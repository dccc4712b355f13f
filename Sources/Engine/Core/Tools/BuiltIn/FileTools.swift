/// Files below the workspace: read, list, search, and write where it is allowed.
package struct FileTools: Sendable {
    private let folder: any ConfinedFolder
    private let patterns: any PatternCompiler
    /// Folders that may be written to; empty: none.
    private let writable: [String]
    /// Files that tell this program what it may do are never written.
    private let isProtected: @Sendable (String) -> Bool

    private static let readLimit = 4 << 20
    private static let writeLimit = 1 << 20
    private static let searchedBytes = 1 << 20
    private static let searchedFiles = 20_000
    private static let searchedLine = 4_096

    package init(
        _ folder: any ConfinedFolder, patterns: any PatternCompiler, writable: [String],
        isProtected: @escaping @Sendable (String) -> Bool
    ) {
        self.folder = folder
        self.patterns = patterns
        self.writable = writable
        self.isProtected = isProtected
    }

    package var tools: [BuiltInTool] {
        var all = [
            BuiltInTool(
                "read_file", "Reads a text file of the workspace.",
                [
                    "path": Argument.text("relative to the workspace"),
                    "line": Argument.number("the first line to read, from 1 on", 1...10_000_000),
                    "lines": Argument.number("how many lines; 500 when not given", 1...5_000),
                ], required: ["path"], run: read),
            BuiltInTool(
                "list_files", "Lists the files and folders in a folder of the workspace; hidden ones are left out.",
                ["path": Argument.text("relative to the workspace; the workspace itself when not given")], run: list),
            BuiltInTool(
                "search_files",
                "Finds lines in the workspace's text files by a regular expression, whatever their case.",
                [
                    "pattern": Argument.text("a regular expression (PCRE2)"),
                    "path": Argument.text("the folder to search; the workspace when not given"),
                    "limit": Argument.number("how many lines; 100 when not given", 1...1_000),
                ], required: ["pattern"], run: search),
        ]
        if !writable.isEmpty {
            all.append(
                BuiltInTool(
                    "write_file",
                    "Writes a text file, whole, in one of these folders of the workspace: "
                        + writable.joined(separator: ", "),
                    [
                        "path": Argument.text("relative to the workspace"),
                        "content": Argument.text("the whole content"),
                    ], required: ["path", "content"], readOnly: false, run: write))
        }
        return all
    }

    @Sendable private func read(_ call: BuiltInCall) async throws(EngineError) -> ToolAnswer {
        let (folder, path) = (folder, call.text("path"))
        let (first, count) = (call.number("line", 1), call.number("lines", 500))
        return try await folder.apart { _ in
            Result { () throws(EngineError) in
                let bytes = try folder.read(path, limit: Self.readLimit)
                guard let text = Self.text(bytes) else { throw EngineError(.invalidInput, "'\(path)' is no text") }
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
                guard first <= lines.count else {
                    throw EngineError(
                        .invalidInput, "'\(path)' has \(lines.count) lines, and none has the number \(first)")
                }
                let part = lines.dropFirst(first - 1).prefix(count)
                var answer = ToolAnswer(text: part.joined(separator: "\n"))
                let left = lines.count - (first - 1) - part.count
                if left > 0 { answer.text += "\n[\(left) more lines; the next is \(first + part.count)]" }
                return answer
            }
        }
    }

    @Sendable private func list(_ call: BuiltInCall) async throws(EngineError) -> ToolAnswer {
        let (folder, path) = (folder, call.text("path"))
        let entries = try await folder.apart { _ in Result { () throws(EngineError) in try folder.list(path) } }
        let lines = entries.prefix(2_000).map { $0.isFolder ? "\($0.name)/" : "\($0.name)\t\($0.bytes)" }
        let more = entries.count > lines.count ? "\n[\(entries.count - lines.count) more]" : ""
        return ToolAnswer(text: lines.isEmpty ? "[empty]" : lines.joined(separator: "\n") + more)
    }

    @Sendable private func search(_ call: BuiltInCall) async throws(EngineError) -> ToolAnswer {
        let pattern = try patterns.compile(call.text("pattern"), ignoringCase: true)
        let (folder, start, limit) = (folder, call.text("path"), call.number("limit", 100))
        return try await folder.apart { isCancelled in
            Result { () throws(EngineError) in
                var found: [String] = []
                var files = 0
                try FolderWalk.files(folder, below: start, limit: Self.searchedFiles) { path, entry in
                    guard entry.bytes <= Self.searchedBytes,
                        let bytes = try? folder.read(path, limit: Self.searchedBytes), let text = Self.text(bytes)
                    else { return true }
                    files += 1
                    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                        if isCancelled() { return false }
                        guard pattern.matches(String(line.prefix(Self.searchedLine))) else { continue }
                        found.append("\(path):\(index + 1): \(line.prefix(300))")
                        if found.count == limit { return false }
                    }
                    return true
                }
                let more = found.count == limit ? "\n[stopped at \(limit) lines]" : ""
                return ToolAnswer(
                    text: found.isEmpty ? "[no line matches, in \(files) files]" : found.joined(separator: "\n") + more)
            }
        }
    }

    @Sendable private func write(_ call: BuiltInCall) async throws(EngineError) -> ToolAnswer {
        let (folder, path, bytes) = (folder, call.text("path"), Array(call.text("content").utf8))
        guard bytes.count <= Self.writeLimit else {
            throw EngineError(.tooLarge, "a file that is written may have \(Self.writeLimit >> 20) MiB")
        }
        let parts = path.split(separator: "/").filter { $0 != "." }
        let plain = parts.joined(separator: "/")
        let isAllowed = writable.contains { allowed in
            let wanted = allowed.split(separator: "/").filter { $0 != "." }
            return parts.count > wanted.count && Array(parts.prefix(wanted.count)) == wanted
        }
        guard isAllowed, !parts.contains("..") else {
            throw EngineError(
                .refused, "'\(path)' is no file in a folder that may be written: \(writable.joined(separator: ", "))")
        }
        guard !isProtected(plain), !WorkspaceLoader.allSuffixes.contains(where: plain.hasSuffix) else {
            throw EngineError(.refused, "'\(path)' tells this program what it may do, and is not written by a model")
        }
        try await folder.apart { _ in Result { () throws(EngineError) in try folder.write(plain, bytes) } }
        return ToolAnswer(text: "wrote \(bytes.count) bytes to \(plain)")
    }

    /// Nil for what is no text.
    static func text(_ bytes: [UInt8]) -> String? {
        bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }
}

/// Every file below a folder, in the order of names, without recursion.
enum FolderWalk {
    /// - Parameter visit: false ends the walk.
    static func files(
        _ folder: any ConfinedFolder, below start: String, limit: Int,
        _ visit: (String, FolderEntry) -> Bool
    ) throws(EngineError) {
        var waiting = [start]
        var seen = 0
        while let path = waiting.popLast() {
            let isStart = path == start
            let entries: [FolderEntry]
            do throws(EngineError) {
                entries = try folder.list(path)
            } catch {
                // One that may not be read does not hide the others.
                if isStart { throw error }
                continue
            }
            var folders: [String] = []
            for entry in entries {
                let name = path.isEmpty ? entry.name : "\(path)/\(entry.name)"
                if entry.isFolder {
                    folders.append(name)
                } else {
                    seen += 1
                    if seen > limit || !visit(name, entry) { return }
                }
            }
            waiting += folders.reversed()
        }
    }
}
