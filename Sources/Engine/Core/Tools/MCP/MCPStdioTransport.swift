import Synchronization

/// MCP over a child's standard input and output: one JSON message a line.
///
/// Concurrency: one task reads the child's output and hands each answer to the request that waits for it. When the
/// child ends, every waiting request fails with its last words.
package final class MCPStdioTransport: MCPTransport {
    private struct State {
        var child: (any ChildProcess)?
        var reader: Task<Void, Never>?
        /// Lines in a row that are no messages.
        var strays = 0
        var strayLine: String?
        /// The last write; the next one waits for it, so that a cancellation never overtakes its request.
        var writing: Task<Void, Never>?
    }

    private let state = Mutex(State())
    private let replies = MCPReplies()
    private let command: ProcessCommand
    private let launcher: any ProcessLauncher
    /// A longer line ends the connection: it would only be cut.
    private let lineLimit = 16 << 20

    package init(command: ProcessCommand, launcher: any ProcessLauncher) {
        self.command = command
        self.launcher = launcher
    }

    package var lastWords: String? {
        state.withLock { state in
            let words = state.child?.errorTail.suffix(3).joined(separator: " | ") ?? ""
            if !words.isEmpty { return words }
            return state.strayLine.map { "it wrote to its standard output: \($0)" }
        }
    }

    package func open(incoming: @escaping MCPIncoming) async throws(EngineError) {
        let child = try launcher.launch(command)
        let reader = Task { await self.read(child, incoming) }
        state.withLock {
            $0.child = child
            $0.reader = reader
        }
    }

    private static let strayLimit = 10_000

    private func read(_ child: any ChildProcess, _ incoming: @escaping MCPIncoming) async {
        var buffer: [UInt8] = []
        while let piece = await child.output() {
            var start = 0
            for position in piece.indices where piece[position] == 0x0A {
                buffer += piece[start..<position]
                start = position + 1
                await dispatch(buffer, child, incoming)
                buffer.removeAll(keepingCapacity: true)
            }
            buffer += piece[start...]
            if buffer.count > lineLimit {
                return await end(
                    EngineError(.tooLarge, "the server sent a message of more than \(lineLimit >> 20) MiB"), child)
            }
        }
        await end(EngineError(.unreachable, "the server ended\(child.ending.map { ": it \($0)" } ?? "")"), nil)
    }

    private func dispatch(
        _ line: [UInt8], _ child: any ChildProcess, _ incoming: @escaping MCPIncoming
    ) async {
        guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) else { return }
        guard let message = try? JSONParser.parse(line), case .object = message else {
            // A stray line is no reason to give up a server that works otherwise; a flood of them is.
            let strays = state.withLock { state in
                state.strayLine = String(decoding: line.prefix(120), as: UTF8.self)
                state.strays += 1
                return state.strays
            }
            if strays == Self.strayLimit {
                await end(EngineError(.protocolViolation, "the server prints lines that are no MCP"), child)
            }
            return
        }
        state.withLock { $0.strays = 0 }
        if message["method"] == nil, let id = message["id"]?.int {
            replies.answer(id, message)
        } else if message["id"] == nil {
            _ = await incoming(message, nil)
        } else {
            // Its answer may take as long as a person thinks, and the rest goes on meanwhile.
            Task { if let answer = await incoming(message, nil) { self.send(answer, failing: nil) } }
        }
    }

    private func end(_ error: EngineError, _ child: (any ChildProcess)?) async {
        replies.end(error)
        await child?.stop()
    }

    package func exchange(_ request: MCPOutgoing) async throws(EngineError) -> JSONValue {
        try await replies.wait(
            request, send: { send(request.message, failing: request.id) },
            cancel: { [self] in send($0, failing: nil) })
    }

    /// Writes in the background, in order; a failed write fails the request that waits for its answer.
    private func send(_ message: JSONValue, failing id: Int?) {
        state.withLock { state in
            guard let child = state.child else { return }
            let before = state.writing
            state.writing = Task {
                await before?.value
                do throws(EngineError) {
                    try await child.write(message.bytes + [0x0A])
                } catch {
                    guard let id else { return }
                    self.replies.fail(id, error)
                }
            }
        }
    }

    package func notify(_ message: JSONValue, context: MCPContext) async throws(EngineError) {
        send(message, failing: nil)
    }

    package func listen(context: MCPContext) async {}

    package func close() async {
        let (child, reader) = state.withLock { ($0.child, $0.reader) }
        await child?.stop()
        await reader?.value
    }
}
