/// One event of a `text/event-stream`.
package struct ServerSentEvent: Equatable, Sendable {
    package var event = "message"
    package var data: [UInt8] = []
    package var id: String?

    package init(event: String = "message", data: [UInt8] = [], id: String? = nil) {
        self.event = event
        self.data = data
        self.id = id
    }
}

/// Splits a `text/event-stream` into events, whatever its chunks (WHATWG HTML, section 9.2.6).
///
/// Lines end with LF, CRLF or CR, also across chunks. An event larger than `limit` is an error, and nothing of it
/// is kept.
package struct ServerSentEventParser {
    package struct TooLarge: Error, Equatable { package var limit: Int }

    private var line: [UInt8] = []
    private var current = ServerSentEvent()
    private var hasData = false
    private var skipLineFeed = false
    private var atStart = true
    private let limit: Int
    /// Comments seen: they are activity, though they are no events.
    package private(set) var comments = 0
    /// The last `id` of the stream, which also stands without data.
    package private(set) var lastEventID: String?
    /// The server's wish for the pause before reconnecting, in milliseconds.
    package private(set) var retry: Int?

    package init(limit: Int = 16 << 20) { self.limit = limit }

    package mutating func feed(_ chunk: [UInt8]) throws(TooLarge) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        var start = 0
        for position in chunk.indices {
            let byte = chunk[position]
            if skipLineFeed {
                skipLineFeed = false
                if byte == 0x0A {
                    start = position + 1
                    continue
                }
            }
            guard byte == 0x0A || byte == 0x0D else { continue }
            skipLineFeed = byte == 0x0D
            line.append(contentsOf: chunk[start..<position])
            start = position + 1
            try checkSize()
            if let event = endLine() { events.append(event) }
        }
        if start < chunk.count { line.append(contentsOf: chunk[start...]) }
        try checkSize()
        return events
    }

    private mutating func checkSize() throws(TooLarge) {
        guard line.count + current.data.count > limit else { return }
        line = []
        current = ServerSentEvent()
        throw TooLarge(limit: limit)
    }

    /// What stands half-built when the stream ends. The standard drops it; providers that forget the last blank
    /// line are common enough to hand it over.
    package mutating func finish() -> ServerSentEvent? {
        if !line.isEmpty { _ = endLine() }
        return endLine()
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        var content = line[...]
        if atStart {
            atStart = false
            if content.starts(with: [0xEF, 0xBB, 0xBF]) { content = content.dropFirst(3) }
        }
        guard let first = content.first else { return dispatch() }
        guard first != UInt8(ascii: ":") else {
            comments += 1
            return nil
        }
        let colon = content.firstIndex(of: UInt8(ascii: ":")) ?? content.endIndex
        var value = content[min(colon + 1, content.endIndex)...]
        if value.first == 0x20 { value = value.dropFirst() }
        field(String(decoding: content[..<colon], as: UTF8.self), value)
        return nil
    }

    private mutating func field(_ name: String, _ value: ArraySlice<UInt8>) {
        switch name {
        case "data":
            if hasData { current.data.append(0x0A) }
            hasData = true
            current.data.append(contentsOf: value)
        case "event": current.event = value.isEmpty ? "message" : String(decoding: value, as: UTF8.self)
        case "id" where !value.contains(0): lastEventID = String(decoding: value, as: UTF8.self)
        case "retry": if let milliseconds = Int(String(decoding: value, as: UTF8.self)) { retry = milliseconds }
        default: break
        }
    }

    private mutating func dispatch() -> ServerSentEvent? {
        defer {
            current = ServerSentEvent()
            hasData = false
        }
        guard hasData else { return nil }
        current.id = lastEventID
        return current
    }
}
