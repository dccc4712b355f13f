import Engine
import Glibc

/// Standard output and standard error, without buffers.
enum Console {
    /// Whether the reader of standard output is a person's terminal.
    static let outIsTerminal = isatty(STDOUT_FILENO) == 1
    static let inIsTerminal = isatty(STDIN_FILENO) == 1
    static let errIsTerminal = isatty(STDERR_FILENO) == 1

    /// Writes text; on a terminal without what could harm it.
    static func out(_ text: String, terminator: String = "\n") {
        write(STDOUT_FILENO, (outIsTerminal ? SafeText.block(text) : text) + terminator)
    }

    static func err(_ text: String, terminator: String = "\n") {
        write(STDERR_FILENO, (errIsTerminal ? SafeText.block(text) : text) + terminator)
    }

    /// One line that the next one takes the place of; nil takes it away. Lines of their own where nobody looks.
    static func progress(_ text: String?) {
        guard errIsTerminal else { return text.map { err($0) } ?? () }
        write(STDERR_FILENO, "\r\u{1B}[K" + (text.map { SafeText.oneLine($0, limit: 100) } ?? ""))
    }

    static func report(_ diagnostics: [Diagnostic]) {
        for diagnostic in diagnostics { err(diagnostic.description) }
    }

    static func report(_ error: EngineError) {
        err("cleo-tui: " + error.description)
    }

    private static func write(_ descriptor: Int32, _ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                // Nobody reads any more.
                exit(descriptor == STDOUT_FILENO && errno == EPIPE ? 0 : 1)
            }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Everything on standard input, up to a limit.
    static func readInput(limit: Int = 16 << 20) throws(EngineError) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
            if bytes.count > limit { throw EngineError(.tooLarge, "standard input is larger than \(limit) bytes") }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
