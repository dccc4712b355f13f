/// Reads files. Paths are as a person wrote them; relative ones start at the workspace.
package protocol FileSource: Sendable {
    func read(_ path: String) throws(EngineError) -> [UInt8]
    /// Names in a folder, sorted; empty when there is no such folder.
    func list(_ directory: String) -> [String]
    func exists(_ path: String) -> Bool
    /// Reads a file below a folder, wherever links lead.
    /// - Throws: `refused` for a file that stands outside.
    func read(inside folder: String, _ path: String) throws(EngineError) -> [UInt8]
}

/// Reads YAML 1.2 (core schema) as a JSON value with places.
package protocol YAMLReader: Sendable {
    /// - Returns: the first document; nil with diagnostics when it cannot be read.
    func read(_ bytes: [UInt8], file: String) -> Loaded<SourceDocument>
}

/// Compiles regular expressions whose work is bounded.
package protocol PatternCompiler: Sendable {
    func compile(_ pattern: String, ignoringCase: Bool) throws(EngineError) -> any Pattern
}

package protocol Pattern: Sendable {
    /// The first match: the whole of it, then its groups; nil where a group took no part. Nil when nothing matches
    /// or the work limit was reached.
    func firstMatch(in text: String) -> [String?]?
    /// Whether it matches, for those who must not take a limit for a no.
    /// - Throws: `tooLarge` when the work limit was reached.
    func holds(in text: String) throws(EngineError) -> Bool
    /// Names of the groups and their numbers.
    var groupNames: [String: Int] { get }
}

extension Pattern {
    package func holds(in text: String) throws(EngineError) -> Bool { firstMatch(in: text) != nil }
    package func matches(_ text: String) -> Bool { firstMatch(in: text) != nil }
}

/// Time, which tests move by hand.
package protocol EngineClock: Sendable {
    func now() -> Timestamp
    func sleep(milliseconds: Int) async throws(CancellationError)
    /// When the day began, where the person is.
    func midnight() -> Timestamp
}

extension EngineClock {
    /// By UTC.
    package func midnight() -> Timestamp {
        let now = now().milliseconds
        return Timestamp(milliseconds: now - now % 86_400_000)
    }
}

/// New names.
package protocol IdentifierSource: Sendable {
    /// A name that no other call gives, such as `turn-4f1c…`.
    func next(_ prefix: String) -> String
}

/// Starts child processes.
package protocol ProcessLauncher: Sendable {
    func launch(_ command: ProcessCommand) throws(EngineError) -> any ChildProcess
}

package struct ProcessCommand: Sendable, Equatable {
    /// The program and its arguments; the program is looked up in PATH.
    package var arguments: [String]
    package var environment: [String: String]
    package var directory: String?
    /// Whether it leaves the terminal that this program runs in.
    package var hasOwnSession = false

    package init(arguments: [String], environment: [String: String] = [:], directory: String? = nil) {
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }
}

/// A running child with its three streams.
package protocol ChildProcess: Sendable {
    /// Writes to its standard input.
    func write(_ bytes: [UInt8]) async throws(EngineError)
    /// Nothing more is written to it.
    func endInput()
    /// What it wrote to its standard output since the last call; nil when it has closed it.
    func output() async -> [UInt8]?
    /// The last lines of its standard error.
    var errorTail: [String] { get }
    /// How it ended, for people: "exited with code 3"; nil while it runs.
    var ending: String? { get }
    /// Closes its input, waits, then ends its whole group: first politely, then for sure.
    func stop() async
}

/// What has a name and a value outside: environment variables, and names that the program provides itself.
package protocol VariableSource: Sendable {
    func value(of name: String) -> String?
}
