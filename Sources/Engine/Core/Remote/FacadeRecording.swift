import Synchronization

/// What went over a facade's connections, in the form of the project's transcripts: one JSON object a line, `dir` is
/// `meta` for each connection, `c2s` and `s2c` for messages, `note` for its end; `ms` counts from the connection's
/// beginning.
package enum FacadeRecording {
    package static let fileName = "facade.jsonl"

    static func row(_ direction: String, _ milliseconds: Int, _ key: String, _ value: JSONValue) -> String {
        JSONValue.object(["dir": .string(direction), "ms": .int(milliseconds), key: value]).text
    }

    static func frame(_ message: WebSocketMessage, _ redactor: Redactor) -> JSONValue {
        switch message {
        case .text(let text):
            let clean = redactor.clean(text)
            return (try? JSONParser.parse(clean)) ?? ["text": .string(clean)]
        case .binary(let bytes): return ["b64": .string(Encodings.base64(bytes))]
        }
    }

    static func message(_ frame: JSONValue) -> WebSocketMessage {
        if let bytes = frame["b64"]?.string.flatMap(Encodings.fromBase64) { return .binary(bytes) }
        return .text(frame["text"]?.string.flatMap { frame["type"] == nil ? $0 : nil } ?? frame.text)
    }
}

/// Writes down what goes over the connections that it opens.
package struct RecordingDialer: WebSocketDialer {
    private let dialer: any WebSocketDialer
    private let clock: any EngineClock
    private let redactor: Redactor
    private let write: @Sendable (String) -> Void

    /// - Parameter write: takes a line, without its end.
    package init(
        _ dialer: any WebSocketDialer, clock: any EngineClock, redactor: Redactor,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.dialer = dialer
        self.clock = clock
        self.redactor = redactor
        self.write = write
    }

    package func dial(_ request: WebSocketRequest) async throws(EngineError) -> any WebSocketConnection {
        let url = redactor.clean(url: request.url)
        do throws(EngineError) {
            let connection = try await dialer.dial(request)
            write(FacadeRecording.row("meta", 0, "info", ["url": .string(url)]))
            return RecordedConnection(connection, clock, redactor, write)
        } catch {
            var info: JSONObject = ["url": .string(url), "error": .string(redactor.clean(error.message))]
            info["status"] = error.status.map { .int($0) }
            write(FacadeRecording.row("meta", 0, "info", .object(info)))
            throw error
        }
    }
}

private final class RecordedConnection: WebSocketConnection {
    private let connection: any WebSocketConnection
    private let clock: any EngineClock
    private let redactor: Redactor
    private let write: @Sendable (String) -> Void
    private let began: Int

    init(
        _ connection: any WebSocketConnection, _ clock: any EngineClock, _ redactor: Redactor,
        _ write: @escaping @Sendable (String) -> Void
    ) {
        self.connection = connection
        self.clock = clock
        self.redactor = redactor
        self.write = write
        began = clock.now().milliseconds
    }

    private func row(_ direction: String, _ key: String, _ value: JSONValue) {
        write(FacadeRecording.row(direction, clock.now().milliseconds - began, key, value))
    }

    func send(_ message: WebSocketMessage) -> Bool {
        row("c2s", "frame", FacadeRecording.frame(message, redactor))
        return connection.send(message)
    }

    func next() async -> WebSocketMessage? {
        guard let message = await connection.next() else {
            let ending = connection.ending
            row("note", "info", .string("closed \(ending?.code ?? 1_006) \(ending?.reason ?? "")"))
            return nil
        }
        row("s2c", "frame", FacadeRecording.frame(message, redactor))
        return message
    }

    func close(_ code: Int, _ reason: String) { connection.close(code, reason) }
    var ending: WebSocketEnding? { connection.ending }
}

/// Plays the server's side of a recording: each connection once, in their order. A message of the server comes when
/// the client has sent what it sent before it, as far as kinds go.
package final class ReplayDialer: WebSocketDialer {
    struct Row {
        var direction: String
        var milliseconds: Int
        var content: JSONValue
    }

    private let connections: [[Row]]
    private let next = Mutex(0)
    private let pace: ReplayPace
    private let clock: any EngineClock

    /// - Throws: `invalidInput` for what is no recording, with the line.
    package init(
        _ bytes: [UInt8], file: String, pace: ReplayPace, clock: any EngineClock
    ) throws(EngineError) {
        var connections: [[Row]] = []
        for (index, line) in bytes.split(separator: 0x0A).enumerated() {
            guard let row = try? JSONParser.parse(Array(line)), let direction = row["dir"]?.string else {
                throw EngineError(.invalidInput, "\(file):\(index + 1): this is no line of a recording")
            }
            let content = row["frame"] ?? row["info"] ?? .null
            if direction == "meta" || content == "reconnect" { connections.append([]) }
            let isEnd = direction == "note" && content.string?.hasPrefix("closed ") == true
            guard !connections.isEmpty, isEnd || ["c2s", "s2c", "meta"].contains(direction) else { continue }
            connections[connections.count - 1].append(
                Row(direction: direction, milliseconds: row["ms"]?.int ?? 0, content: content))
        }
        guard !connections.isEmpty else { throw EngineError(.invalidInput, "'\(file)' holds no connection") }
        self.connections = connections
        self.pace = pace
        self.clock = clock
    }

    package func dial(_ request: WebSocketRequest) async throws(EngineError) -> any WebSocketConnection {
        let index = next.withLock { next in
            defer { next += 1 }
            return next
        }
        guard index < connections.count else {
            var error = EngineError(.refused, "the recording is over: it holds \(connections.count) connections")
            error.status = 410
            throw error
        }
        let rows = connections[index]
        if let info = rows.first, info.direction == "meta", let words = info.content["error"]?.string {
            var error = EngineError(.unreachable, words)
            error.status = info.content["status"]?.int
            throw error
        }
        return ReplayedConnection(rows.filter { $0.direction != "meta" }, pace, clock)
    }
}

private final class ReplayedConnection: WebSocketConnection {
    private struct State {
        var at = 0
        var last = 0
        /// What the client sent and the recording has not come to.
        var sent: [JSONValue] = []
        var waiting: CheckedContinuation<Void, Never>?
        var ending: WebSocketEnding?
    }

    private let rows: [ReplayDialer.Row]
    private let pace: ReplayPace
    private let clock: any EngineClock
    private let state = Mutex(State())

    init(_ rows: [ReplayDialer.Row], _ pace: ReplayPace, _ clock: any EngineClock) {
        self.rows = rows
        self.pace = pace
        self.clock = clock
    }

    func send(_ message: WebSocketMessage) -> Bool {
        let frame: JSONValue =
            if case .text(let text) = message { (try? JSONParser.parse(text)) ?? .null } else { .null }
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.ending == nil else { return nil }
            state.sent.append(frame)
            match(&state)
            defer { state.waiting = nil }
            return state.waiting
        }
        reader?.resume()
        return true
    }

    /// Goes past what the client sent, in whatever moment it did; an acknowledgement more or less makes no difference.
    private func match(_ state: inout State) {
        while state.at < rows.count, rows[state.at].direction == "c2s" {
            let wanted = rows[state.at].content
            guard let index = state.sent.firstIndex(where: { $0["type"] == wanted["type"] }) else { return }
            let frame = state.sent.remove(at: index)
            if frame["type"] == "message", frame["content"] != wanted["content"] {
                let words = SafeText.oneLine(wanted["content"]?.string ?? "", limit: 60)
                state.ending = WebSocketEnding(code: 1_008, reason: "in the recording '\(words)' is said here")
                return
            }
            state.at += 1
        }
    }

    func next() async -> WebSocketMessage? {
        while true {
            let (row, isOver) = state.withLock { state -> (ReplayDialer.Row?, Bool) in
                match(&state)
                if state.ending != nil { return (nil, true) }
                guard state.at < rows.count, rows[state.at].direction != "c2s" else { return (nil, false) }
                state.at += 1
                return (rows[state.at - 1], false)
            }
            if isOver { return nil }
            if let row {
                let pause = state.withLock { state in
                    defer { state.last = row.milliseconds }
                    return pace.milliseconds(max(row.milliseconds - state.last, 0))
                }
                if pause > 0 { try? await clock.sleep(milliseconds: pause) }
                guard row.direction == "s2c" else {
                    let words = row.content.string?.split(separator: " ", maxSplits: 2) ?? []
                    close(words.count > 1 ? Int(words[1]) ?? 1_006 : 1_006, words.count > 2 ? String(words[2]) : "")
                    return nil
                }
                return FacadeRecording.message(row.content)
            }
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    let isReady = state.ending != nil || state.at < rows.count && rows[state.at].direction != "c2s"
                    if !isReady { state.waiting = continuation }
                    return isReady
                }
                if isReady { continuation.resume() }
            }
        }
    }

    func close(_ code: Int, _ reason: String) {
        let reader = state.withLock { state in
            state.ending = state.ending ?? WebSocketEnding(code: code, reason: reason)
            defer { state.waiting = nil }
            return state.waiting
        }
        reader?.resume()
    }

    var ending: WebSocketEnding? { state.withLock { $0.ending } }
}
