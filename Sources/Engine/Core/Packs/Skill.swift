/// A skill that a model can load: instructions, and files beside them (RFC 0008).
package struct Skill: Sendable, Equatable {
    package var name: String
    package var description: String
    package var instructions: String
    /// Tools that the instructions need.
    package var tools: [String]
    package var preload: Bool
    /// The folder of its files; nil for one that stands in the pack.
    package var folder: String?

    package init(
        name: String, description: String, instructions: String, tools: [String] = [], preload: Bool = false,
        folder: String? = nil
    ) {
        self.name = name
        self.description = description
        self.instructions = instructions
        self.tools = tools
        self.preload = preload
        self.folder = folder
    }

    /// Whether a state's `skills` lets the skill in: a pattern over folders with `*` and `?`, or `none`.
    package func isIn(_ filter: String?) -> Bool {
        guard let filter else { return true }
        if filter == "none" { return false }
        guard let folder else { return filter == "*" || Glob.matches(filter, name) }
        let wanted = filter.hasPrefix("./") ? String(filter.dropFirst(2)) : filter
        return [folder, name].contains {
            Glob.matches(wanted, $0) || $0.hasSuffix("/" + wanted) || $0.contains(wanted + "/")
        }
    }
}

/// Patterns over paths with `*` (no slash) and `?`.
enum Glob {
    static func matches(_ pattern: String, _ text: String) -> Bool {
        matches(Array(pattern.unicodeScalars)[...], Array(text.unicodeScalars)[...])
    }

    private static func matches(
        _ pattern: ArraySlice<Unicode.Scalar>, _ text: ArraySlice<Unicode.Scalar>
    ) -> Bool {
        var (pattern, text) = (pattern, text)
        var retry: (ArraySlice<Unicode.Scalar>, ArraySlice<Unicode.Scalar>)?
        while true {
            if pattern.first == "*" {
                pattern = pattern.dropFirst()
                retry = (pattern, text)
            } else if let letter = text.first, let wanted = pattern.first,
                wanted == letter || (wanted == "?" && letter != "/")
            {
                pattern = pattern.dropFirst()
                text = text.dropFirst()
            } else if pattern.isEmpty, text.isEmpty {
                return true
            } else if let (rest, from) = retry, let skipped = from.first, skipped != "/" {
                retry = (rest, from.dropFirst())
                pattern = rest
                text = from.dropFirst()
            } else {
                return false
            }
        }
    }
}

/// Reads the skills of a pack.
package struct SkillLoader {
    private let reader: DocumentReader
    private let pack: PromptPack
    private let report = DiagnosticSink()
    private static let sizeLimit = 256 << 10

    package static func load(_ pack: PromptPack, reader: DocumentReader) -> Loaded<[Skill]> {
        let loader = SkillLoader(reader: reader, pack: pack)
        var skills: [Skill] = []
        for skill in pack.skills.flatMap(loader.skills) where !skills.contains(where: { $0.name == skill.name }) {
            skills.append(skill)
        }
        return Loaded(value: skills, diagnostics: loader.report.diagnostics)
    }

    private init(reader: DocumentReader, pack: PromptPack) {
        self.reader = reader
        self.pack = pack
    }

    private func warn(_ message: String, file: String, hint: String? = nil) {
        report.diagnostics.append(Diagnostic(.warning, message, file: file, hint: hint, rule: "skill"))
    }

    private func skills(_ source: SkillSource) -> [Skill] {
        switch source {
        case .inline(let name, let description, let instructions):
            return [Skill(name: name, description: description, instructions: instructions)]
        case .folder(let path, let preload):
            guard !path.hasPrefix("@") else {
                warn("the skill '\(path)' stands on the network, which is not asked", file: pack.file)
                return []
            }
            let trimmed = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
            let folder = PackSources.resolve(
                trimmed.hasSuffix("/") ? String(trimmed.dropLast()) : trimmed, beside: pack.file)
            if reader.files.exists(folder + "/SKILL.md") { return [skill(folder, preload)].compactMap(\.self) }
            let inner = reader.files.list(folder).map { folder + "/" + $0 }.filter {
                reader.files.exists($0 + "/SKILL.md")
            }
            if inner.isEmpty {
                warn("there is no skill in '\(folder)'", file: pack.file, hint: "a skill is a folder with SKILL.md")
            }
            return inner.compactMap { skill($0, preload) }
        }
    }

    private func skill(_ folder: String, _ preload: Bool) -> Skill? {
        let file = folder + "/SKILL.md"
        guard let bytes = try? reader.files.read(file), bytes.count <= Self.sizeLimit else {
            warn("the skill cannot be read, or is larger than \(Self.sizeLimit >> 10) KiB", file: file)
            return nil
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first?.trimmedEnd == "---",
            let end = lines.dropFirst().firstIndex(where: { $0.trimmedEnd == "---" })
        else {
            warn("the skill has no front matter", file: file, hint: "begin with: ---, name: …, description: …, ---")
            return nil
        }
        let head = lines[1..<end].joined(separator: "\n")
        let loaded = reader.parse(Array(head.utf8), file: file)
        report.diagnostics += loaded.diagnostics
        guard let value = loaded.value?.value, let name = value.text("name"),
            let description = value.text("description")
        else {
            warn("the skill needs 'name' and 'description'", file: file)
            return nil
        }
        let allowed = value["allowed-tools"]
        let tools = value.texts("allowed-tools") ?? allowed?.string?.split { $0 == " " || $0 == "," }.map(String.init)
        let body = lines[(end + 1)...].joined(separator: "\n").drop { $0.isNewline }
        return Skill(
            name: name, description: description, instructions: String(body), tools: tools ?? [], preload: preload,
            folder: folder)
    }
}

extension Substring {
    /// Without a carriage return and spaces at the end.
    fileprivate var trimmedEnd: Substring {
        guard let last = lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return self[...last]
    }
}
