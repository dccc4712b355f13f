import Synchronization

/// Gives a provider its key for each request: a value, a file that is read again each time, or a command's output,
/// which is kept until it is too old or was refused.
package final class KeyReader: Sendable {
    package typealias Run = @Sendable ([String]) async throws(EngineError) -> String

    private let source: KeySource?
    private let files: any FileSource
    private let variables: any VariableSource
    private let clock: any EngineClock
    private let run: Run
    private let redactor: Redactor
    private let kept = Mutex<(text: Secret, until: Timestamp)?>(nil)

    /// - Parameter run: runs a command and gives its standard output.
    package init(
        _ source: KeySource?, files: any FileSource, variables: any VariableSource, clock: any EngineClock,
        redactor: Redactor, run: @escaping Run
    ) {
        self.source = source
        self.files = files
        self.variables = variables
        self.clock = clock
        self.redactor = redactor
        self.run = run
        if case .value(let secret) = source { redactor.add([secret]) }
    }

    /// Makes the key known to the redactor before anything is said, where that costs nothing.
    /// - Throws: what is wrong with the file.
    package func prepare() throws(EngineError) {
        switch source {
        case .file(let path): _ = try read(path)
        case .variable(let name): _ = try read(variable: name)
        case .value, .command, nil: break
        }
    }

    private func read(variable name: String) throws(EngineError) -> Secret {
        guard let text = variables.value(of: name), !text.isEmpty else {
            throw EngineError(
                .unauthorized, "the key is missing: the variable '\(name)' is not set", hint: "export \(name)=…")
        }
        return try hidden(text, "the variable '\(name)'")
    }

    private func read(_ path: String) throws(EngineError) -> Secret {
        try hidden(String(decoding: try files.read(path), as: UTF8.self), "the key file '\(path)'")
    }

    /// The key; nil where there is none. It is known to the redactor before anybody has it.
    package func key() async throws(EngineError) -> Secret? {
        switch source {
        case nil: return nil
        case .value(let secret)?: return secret
        case .variable(let name)?: return try read(variable: name)
        case .file(let path)?: return try read(path)
        case .command(let command, let lifetime)?:
            let now = clock.now()
            if let kept = kept.withLock({ $0 }), now < kept.until { return kept.text }
            let text = try await run(command)
            let secret = try hidden(text, "the output of '\(command.first ?? "")'")
            kept.withLock { $0 = (secret, Timestamp(milliseconds: now.milliseconds + lifetime)) }
            return secret
        }
    }

    /// The server did not take it: the next request asks the command again.
    package func refused() -> Bool {
        kept.withLock { kept in
            defer { kept = nil }
            return kept != nil
        }
    }

    private func hidden(_ text: String, _ what: String) throws(EngineError) -> Secret {
        let trimmed = text.split { $0.isNewline }.first { !$0.allSatisfy(\.isWhitespace) }.map { line in
            String(line.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
        }
        // JSON may stand on many lines.
        let isObject = text.first { !$0.isWhitespace } == "{"
        guard let trimmed, !trimmed.isEmpty else { throw EngineError(.unauthorized, "\(what) is empty") }
        let secret = Secret(isObject ? text : trimmed)
        redactor.add([secret])
        if isObject, let keys = (try? JSONParser.parse(text)).flatMap({ AWSKeys(json: $0) }) {
            redactor.add([keys.secretKey] + (keys.sessionToken.map { [$0] } ?? []))
        }
        return secret
    }
}
