import Synchronization

/// The server's side of a WebSocket: hands on what comes, pings, and ends where nobody answers.
final class ServedWebSocket: Sendable {
    private let socket: any ServerSocket
    private let clock: any EngineClock
    private let settings: AgentServer.Settings
    private let state: Mutex<(heardPong: Int, isOver: Bool)>

    init(_ socket: any ServerSocket, _ clock: any EngineClock, _ settings: AgentServer.Settings) {
        self.socket = socket
        self.clock = clock
        self.settings = settings
        state = Mutex((clock.now().milliseconds, false))
    }

    func send(_ json: JSONValue) { send(text: json.text) }

    func send(text: String) { socket.write(WebSocketFrame.bytes(.text, Array(text.utf8) + [0x0A], mask: nil)) }

    /// Waits until a slow reader has taken most of what was sent.
    func room() async {
        while socket.waitingBytes > 4 << 20, !socket.isGone { try? await clock.sleep(milliseconds: 10) }
    }

    func leave(_ code: Int, _ reason: String) {
        state.withLock { $0.isOver = true }
        socket.write(WebSocketFrame.close(code, reason, mask: nil))
        socket.close()
    }

    /// Until either side leaves.
    /// - Parameters:
    ///   - first: what came with the request.
    ///   - take: gets texts and binary messages, in their order.
    ///   - beat: called now and then.
    func run(
        _ first: [UInt8], beat: @escaping @Sendable () async -> Void, take: (WebSocketEvent) async -> Void
    ) async {
        var reader = WebSocketReader(isServer: true)
        let pinging = Task { await self.ping(beat) }
        var bytes: [UInt8]? = first
        while let piece = bytes, !state.withLock({ $0.isOver }) {
            do throws(WebSocketFault) {
                var events: [WebSocketEvent] = []
                try reader.read(piece) { events.append($0) }
                for event in events {
                    switch event {
                    case .ping(let payload): socket.write(WebSocketFrame.bytes(.pong, payload, mask: nil))
                    case .pong: state.withLock { $0.heardPong = clock.now().milliseconds }
                    case .close(let code, _): leave(code ?? 1_000, "")
                    case .text, .binary: await take(event)
                    }
                }
            } catch {
                leave(error.code, error.reason)
                break
            }
            bytes = await socket.next(within: settings.pongMilliseconds + 5_000)
        }
        pinging.cancel()
    }

    func close() { socket.close() }

    private func ping(_ beat: @Sendable () async -> Void) async {
        while (try? await clock.sleep(milliseconds: settings.pingMilliseconds)) != nil, !Task.isCancelled {
            let silence = clock.now().milliseconds - state.withLock { $0.heardPong }
            guard silence < settings.pongMilliseconds + settings.pingMilliseconds else {
                return leave(1_001, "no pong came")
            }
            socket.write(WebSocketFrame.bytes(.ping, [], mask: nil))
            await beat()
        }
    }
}
