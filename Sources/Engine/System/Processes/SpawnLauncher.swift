import CProcess
package import Engine
import Glibc

/// Starts child processes with posix_spawn: a process group of their own, three pipes, no other descriptor.
package struct SpawnLauncher: ProcessLauncher {
    /// What a child inherits; everything else is named by its command.
    private static let inherited = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "VIRTUAL_ENV",
        "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "CLEO_TUI_SHARE",
    ]

    /// A child that no longer reads is an error of its write, not the end of this process.
    private static let ignoresBrokenPipes: Void = cproc_ignore_sigpipe()

    package init() { Self.ignoresBrokenPipes }

    package func launch(_ command: ProcessCommand) throws(EngineError) -> any ChildProcess {
        guard let program = command.arguments.first, !program.isEmpty else {
            throw EngineError(.invalidInput, "the command is empty")
        }
        var pipes: [[Int32]] = []
        for _ in 0..<3 {
            var ends: [Int32] = [-1, -1]
            guard cproc_pipe(&ends) == 0 else {
                let reason = SystemWords.of(errno)
                pipes.joined().forEach { close($0) }
                throw EngineError(.internal, "'\(program)' cannot be started: \(reason)")
            }
            pipes.append(ends)
        }
        var pid = pid_t()
        let code = spawn(command, &pid, in: pipes[0][0], out: pipes[1][1], err: pipes[2][1])
        for descriptor in [pipes[0][0], pipes[1][1], pipes[2][1]] { close(descriptor) }
        guard code == 0 else {
            for descriptor in [pipes[0][1], pipes[1][0], pipes[2][0]] { close(descriptor) }
            throw Self.failure(program, command.directory, code)
        }
        return SpawnedProcess(pid: pid, input: pipes[0][1], output: pipes[1][0], errors: pipes[2][0])
    }

    private func spawn(
        _ command: ProcessCommand, _ pid: inout pid_t, in input: Int32, out output: Int32, err errors: Int32
    ) -> Int32 {
        var environment: [String: String] = [:]
        for name in Self.inherited { environment[name] = getenv(name).map { String(cString: $0) } }
        environment.merge(command.environment) { _, own in own }
        var arguments = command.arguments.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for pointer in arguments { free(pointer) }
            for pointer in variables { free(pointer) }
        }
        return cproc_spawn(
            &pid, &arguments, &variables, command.directory, input, output, errors, command.hasOwnSession ? 1 : 0)
    }

    private static func failure(_ program: String, _ directory: String?, _ code: Int32) -> EngineError {
        switch code {
        case ENOENT:
            EngineError(
                .notFound, "the program '\(program)' was not found",
                hint: directory.map { "it is looked for in PATH; it would start in '\($0)'" }
                    ?? "it is looked for in PATH")
        case EACCES: EngineError(.refused, "'\(program)' may not be run", hint: "chmod +x '\(program)'")
        default: EngineError(.internal, "'\(program)' cannot be started: \(SystemWords.of(code))")
        }
    }
}
