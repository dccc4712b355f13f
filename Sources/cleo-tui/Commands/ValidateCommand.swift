import Engine
import EngineSystem

/// Checks files, each by what it is, and prints every mistake with its place.
enum ValidateCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        guard !arguments.words.isEmpty else {
            Console.err("cleo-tui: 'validate' needs a file or a folder\nhint: cleo-tui validate prompts/ tools.yaml")
            return .usage
        }
        let format = arguments.has(.json) ? "json" : arguments[.format] ?? "text"
        guard ["text", "json", "sarif"].contains(format) else {
            Console.err("cleo-tui: there is no format '\(format)'\nhint: one of: text, json, sarif")
            return .usage
        }
        let checker = FileChecker(isStrict: arguments.has(.strict))
        var report = ValidationReport()
        for word in arguments.words { checker.check(word, &report) }
        switch format {
        case "json": Console.out(report.json.prettyText)
        case "sarif": Console.out(report.sarif.prettyText)
        default: print(report, withParity: arguments.has(.parity))
        }
        return report.errors == 0 ? .done : .usage
    }

    private static func print(_ report: ValidationReport, withParity: Bool) {
        for diagnostic in report.diagnostics { Console.out(diagnostic.description) }
        for pack in report.packs { Console.out(portability(pack)) }
        if withParity {
            for pack in report.packs where pack.inspection.pack != nil {
                Console.out("\(pack.file): \(count(pack.divergences.count, "difference")) to PromptKit")
                for divergence in pack.divergences {
                    Console.out("  " + divergence.description(in: pack.inspection.document))
                }
            }
        }
        let parts = [
            count(report.errors, "error"), count(report.count(.warning), "warning"), count(report.count(.note), "note"),
        ]
        Console.err("\(count(report.files.count, "file")): \(parts.joined(separator: ", "))")
    }

    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// Which published schemas a pack satisfies, and who will refuse it.
    private static func portability(_ pack: ValidationReport.Pack) -> String {
        let editions = pack.inspection.editions
        guard !editions.isEmpty else { return "\(pack.file): satisfies no published schema" }
        var lines = ["\(pack.file): satisfies \(editions.members.map(\.title).joined(separator: ", "))"]
        for edition in Edition.allCases where !editions.contains(edition) {
            guard let reason = pack.inspection.reason(edition) else { continue }
            let place = reason.line.map { ":\($0):\(reason.column ?? 1)" } ?? ""
            let who = edition.runtimes.map { " (\($0))" } ?? ""
            lines.append(
                "  not \(edition.title)\(who)\(place.isEmpty ? "" : ", " + reason.file + place): \(reason.message)")
        }
        return lines.joined(separator: "\n")
    }
}

/// What checking some files came to.
struct ValidationReport {
    struct Pack {
        var file: String
        var inspection: PackInspection
        var divergences: [Divergence]
    }

    var files: [String] = []
    var diagnostics: [Diagnostic] = []
    var packs: [Pack] = []

    func count(_ severity: Diagnostic.Severity) -> Int { diagnostics.count { $0.severity == severity } }
    var errors: Int { count(.error) }

    var json: JSONValue {
        [
            "valid": .bool(errors == 0), "files": .array(files.map { .string($0) }),
            "diagnostics": .array(diagnostics.map { JSONValue(encoding: $0) }),
            "packs": .array(
                packs.map { pack in
                    [
                        "file": .string(pack.file),
                        "satisfies": .array(pack.inspection.editions.members.map { .string($0.title) }),
                        "refused_by": .object(
                            JSONObject(
                                Edition.allCases.compactMap { edition in
                                    pack.inspection.reason(edition).map {
                                        (edition.title, JSONValue(encoding: $0))
                                    }
                                })),
                        "parity": .array(pack.divergences.map { $0.json(in: pack.inspection.document) }),
                    ]
                }),
        ]
    }

    /// SARIF 2.1.0 (OASIS), which code hosts read to annotate lines.
    var sarif: JSONValue {
        let rules = Set(diagnostics.map { $0.rule ?? "file" }).sorted()
        let results = diagnostics.map { diagnostic -> JSONValue in
            var region: JSONObject = ["startLine": .int(diagnostic.line ?? 1)]
            if let column = diagnostic.column { region["startColumn"] = .int(column) }
            var location: JSONObject = [
                "physicalLocation": [
                    "artifactLocation": ["uri": .string(Self.uri(diagnostic.file))], "region": .object(region),
                ]
            ]
            if let path = diagnostic.path {
                location["logicalLocations"] = [["fullyQualifiedName": .string(path)]]
            }
            let text = diagnostic.message + (diagnostic.hint.map { "; \($0)" } ?? "")
            return [
                "ruleId": .string(diagnostic.rule ?? "file"),
                "level": .string(diagnostic.severity.rawValue), "message": ["text": .string(text)],
                "locations": [.object(location)],
            ]
        }
        return [
            "version": "2.1.0",
            "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
            "runs": [
                [
                    "tool": [
                        "driver": [
                            "name": "cleo-tui", "version": .string(ProgramInfo.version),
                            "rules": .array(rules.map { ["id": .string($0)] }),
                        ]
                    ],
                    "columnKind": "unicodeCodePoints", "results": .array(results),
                ]
            ],
        ]
    }

    /// A relative path as a URI reference.
    private static func uri(_ file: String) -> String {
        file.utf8.reduce(into: "") { text, byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2D, 0x2E, 0x2F, 0x5F, 0x7E].contains(byte)
            text +=
                isPlain
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }
}
