import Engine

enum HelpCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        guard let name = arguments.words.first else {
            Console.out(overview)
            return .done
        }
        guard let command = Command(rawValue: name) else {
            Console.err("cleo-tui: there is no command '\(name)'")
            Console.err(
                "hint: \(Suggestion.hint(for: name, among: Command.allCases.map(\.rawValue)) ?? "see 'cleo-tui help'")")
            return .usage
        }
        Console.out(text(of: command))
        return .done
    }

    static func version() -> ExitCode {
        Console.out("cleo-tui \(ProgramInfo.version)")
        return .done
    }

    private static var overview: String {
        let commands = Command.allCases.filter { $0 != .version }
        let width = commands.map(\.usage.count).max() ?? 0
        let lines = commands.map { command in
            let padding = String(repeating: " ", count: width - command.usage.count)
            return "  \(command.usage)\(padding)  \(command.summary)"
        }
        return """
            cleo-tui \(ProgramInfo.version): a terminal workbench for LLM agents

            \(lines.joined(separator: "\n"))

            In a folder that is no workspace, the demo runs: no key, no network.
            Exit codes: 0 done, 1 failed, 2 wrong usage or files, 3 provider or network, 4 a tool, 130 interrupted.
            """
    }

    private static func text(of command: Command) -> String {
        var lines = ["usage: " + command.usage, "", command.summary]
        let rows = command.options.map { option in
            let left = [option.short, option.spelling].compactMap(\.self).joined(separator: ", ")
            return (left + (option.placeholder.map { " " + $0 } ?? ""), option.summary)
        }
        let width = rows.map(\.0.count).max() ?? 0
        if !rows.isEmpty { lines.append("") }
        for (left, right) in rows {
            lines.append("  \(left)\(String(repeating: " ", count: width - left.count))  \(right)")
        }
        return lines.joined(separator: "\n")
    }
}
