import Engine
import EngineSystem
import Glibc
import Synchronization

/// Serves the workspace's built-in tools, and read access to its conversations, as an MCP server on standard input and
/// output.
enum MCPCommand {
    /// Of one line; a longer one is no message.
    private static let lineLimit = 16 << 20

    static func run(_ arguments: Arguments) -> ExitCode {
        do throws(EngineError) {
            let wiring = try Wiring(arguments)
            let loaded = try wiring.tools(arguments)
            Console.report(loaded.diagnostics)
            guard let found = loaded.value else {
                throw EngineError(.invalidInput, "cleo.yaml cannot be used")
            }
            let builtIn = found.handlers.filter { if case .builtIn = $0.kind { true } else { false } }
            let sessions = SessionTools(
                try Wiring.openStore(), workspace: wiring.isDemo ? "demo" : wiring.workspaceFolder
            ) { events in
                var transcript = Transcript()
                for event in events { transcript.apply(event) }
                return transcript.items.flatMap(PlainText.lines).joined(separator: "\n")
            }
            let own = BuiltInToolHandler(
                name: "sessions", timeout: HandlerSpec.defaultTimeout, tools: sessions.tools, detail: "")
            let tools = ToolBox(
                handlers: wiring.handlers(builtIn, found.config) + [own], patterns: wiring.patterns,
                clock: wiring.clock, breaker: found.config.limits.breaker, limits: found.config.limits.handlers)
            blocking {
                await tools.start()
                _ = await tools.waitForStart(milliseconds: 5_000)
                for state in await tools.states where state.phase == .failed {
                    Console.err("cleo-tui: '\(state.handler)': \(state.detail ?? "")")
                }
            }
            let redactor = wiring.redactor
            let (approval, policies, patterns) = (found.config.approval, found.policies, wiring.patterns)
            let server = MCPServer(
                tools: tools, sessions: sessions, clock: wiring.clock,
                refusal: { call, handler in
                    // The client asks its own person; what is forbidden here stays forbidden.
                    let (rule, reason) = approval.rule(for: call.tool, handler: handler, arguments: call.arguments)
                    let denied = policies.judge(call, handler: handler, patterns: patterns).denied
                    guard rule == .deny || denied != nil else { return nil }
                    return EngineError(.refused, "the policy does not allow this call: \(denied ?? reason)")
                },
                send: { message in write(Array(redactor.clean(message).text.utf8)) })
            read { line in blocking { await server.receive(line) } }
            blocking {
                await server.end()
                await tools.stop()
            }
            return .done
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    private static let writing = Mutex(())

    /// A whole line at a time, whoever writes.
    private static func write(_ line: [UInt8]) {
        writing.withLock { _ in
            var rest = (line + [0x0A])[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }

    private static func read(_ take: ([UInt8]) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var line: [UInt8] = []
        while true {
            let count = Glibc.read(0, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            for piece in buffer[..<count].split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
                if piece.offset > 0 {
                    if line.contains(where: { $0 > 0x20 }) { take(line) }
                    line = []
                }
                // A line that is too long becomes one that is no message.
                if line.count <= lineLimit { line += piece.element }
            }
        }
    }
}
