/// Runs code in a sandbox of bubblewrap: without network, without the person's files and environment, with limits.
package struct CodeTools: Sendable {
    package struct Limits: Sendable, Equatable {
        package var seconds = 30
        /// Of each process.
        package var memoryMiB = 512
        package var processes = 64
        /// Of all files that the code writes, and of what it prints.
        package var filesMiB = 64
        package var outputKiB = 64

        package init() {}
    }

    private let limits: Limits
    private let launcher: any ProcessLauncher
    private let isRoot: Bool
    private let languages: [String]

    private static let interpreters = [
        "python": ["python3", "-"], "shell": ["sh", "-s"], "javascript": ["node", "-"],
    ]

    /// - Parameters:
    ///   - isRoot: the limit on processes does not hold for root, which has to become nobody first.
    ///   - exists: whether a program is there.
    package init(
        _ limits: Limits, launcher: any ProcessLauncher, isRoot: Bool, exists: (String) -> Bool
    ) {
        self.limits = limits
        self.launcher = launcher
        self.isRoot = isRoot
        languages = Self.interpreters.keys.sorted().filter { exists(Self.interpreters[$0]?.first ?? "") }
    }

    /// Why no code can be run here; nil when it can.
    package static func objection(exists: (String) -> Bool) -> EngineError? {
        let missing = ["bwrap", "prlimit", "timeout", "setpriv"].filter { !exists($0) }
        guard !missing.isEmpty else { return nil }
        return EngineError(
            .refused, "code is run in bubblewrap only, and this is missing: \(missing.joined(separator: ", "))",
            hint: "apt install bubblewrap util-linux coreutils")
    }

    package var tools: [BuiltInTool] {
        [
            BuiltInTool(
                "run_code",
                "Runs a program and returns what it prints. It has no network and no files but an empty /work, which is gone afterwards; \(limits.seconds) seconds, \(limits.memoryMiB) MiB.",
                [
                    "language": Argument.word("what the code is written in", languages),
                    "code": Argument.text("the whole program"),
                ], required: ["language", "code"], readOnly: false, run: run)
        ]
    }

    /// The sandbox, up to the program.
    package var sandbox: [String] {
        let mebibytes = 1 << 20
        // The parent that the sandbox dies with; it ends both when the time is over, even when this program is gone.
        var command = ["timeout", "--signal=KILL", "\(limits.seconds)"]
        if isRoot {
            command += ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs"]
        }
        command += ["bwrap", "--unshare-all", "--die-with-parent", "--clearenv"]
        for folder in ["/usr"] { command += ["--ro-bind", folder, folder] }
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            command += ["--symlink", "usr/\(name)", "/\(name)"]
        }
        // Where Debian keeps which of several programs is meant.
        command += ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
        command += ["--proc", "/proc", "--dev", "/dev"]
        for folder in ["/dev/shm", "/tmp", "/work"] {
            command += ["--size", "\(limits.filesMiB * mebibytes)", "--tmpfs", folder]
        }
        for (name, value) in [("PATH", "/usr/bin:/bin"), ("HOME", "/work"), ("LANG", "C.UTF-8"), ("TMPDIR", "/tmp")] {
            command += ["--setenv", name, value]
        }
        // What bubblewrap lays its mounts into is memory, too.
        command += ["--remount-ro", "/dev", "--remount-ro", "/"]
        command += ["--chdir", "/work", "--hostname", "sandbox", "--"]
        command += [
            // What is written to, not what is reserved: some interpreters reserve far more than they use.
            "prlimit", "--data=\(limits.memoryMiB * mebibytes)", "--nproc=\(limits.processes)",
            "--fsize=\(limits.filesMiB * mebibytes)", "--cpu=\(limits.seconds)", "--nofile=256", "--core=0", "--",
        ]
        return command
    }

    @Sendable private func run(_ call: BuiltInCall) async throws(EngineError) -> ToolAnswer {
        let language = call.text("language")
        guard let interpreter = Self.interpreters[language] else {
            throw EngineError(.invalidInput, "'\(language)' cannot be run here")
        }
        var command = ProcessCommand(arguments: sandbox + interpreter)
        // Without the terminal, which a program could otherwise type into.
        command.hasOwnSession = true
        let child = try launcher.launch(command)
        let code = Array(call.text("code").utf8)
        let output = await withTaskCancellationHandler {
            await collect(child, code)
        } onCancel: {
            Task { await child.stop() }
        }
        if Task.isCancelled { throw EngineError(.cancelled, "cancelled") }
        return answer(child, output)
    }

    private func collect(_ child: any ChildProcess, _ code: [UInt8]) async -> (bytes: [UInt8], isCut: Bool) {
        // It may print before it has read everything.
        let writing = Task {
            try? await child.write(code)
            child.endInput()
        }
        defer { writing.cancel() }
        var bytes: [UInt8] = []
        let limit = limits.outputKiB << 10
        while let piece = await child.output() {
            bytes += piece.prefix(limit - bytes.count)
            if bytes.count == limit {
                await child.stop()
                return (bytes, true)
            }
        }
        await child.stop()
        return (bytes, false)
    }

    private func answer(_ child: any ChildProcess, _ output: (bytes: [UInt8], isCut: Bool)) -> ToolAnswer {
        let ending = child.ending ?? "ended"
        var text = String(decoding: output.bytes, as: UTF8.self)
        let errors = child.errorTail.joined(separator: "\n")
        if !errors.isEmpty { text += (text.isEmpty || text.hasSuffix("\n") ? "" : "\n") + "[stderr]\n\(errors)" }
        let isWell = ending == "exited with code 0" && !output.isCut
        if output.isCut {
            text += "\n[stopped: more than \(limits.outputKiB) KiB of output]"
        } else if ending.contains("137") || ending.contains("signal 9") {
            text += "\n[killed: \(limits.seconds) s of time, or a limit of memory or processor time]"
        } else if !isWell {
            text += (text.isEmpty ? "" : "\n") + "[\(ending)]"
        }
        return ToolAnswer(
            text: text.isEmpty ? "[it printed nothing]" : text, isError: !isWell,
            attributes: ["cleo.sandbox.ending": .string(ending)])
    }
}
