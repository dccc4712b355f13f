/// Cuts a body into the pieces that hold one JSON value each, whatever its chunks.
package struct StreamFramer: Sendable {
    /// How values follow one another.
    package enum Framing: Sendable, Equatable {
        /// `text/event-stream` (WHATWG HTML, section 9.2).
        case events
        /// One value a line.
        case lines
        /// `application/vnd.amazon.eventstream`.
        case frames
        /// One value, or an array of them.
        case whole

        /// The body's media type decides; without a telling one, what the format sends.
        package static func of(mediaType: String, standard: Framing) -> Framing {
            switch mediaType {
            case "text/event-stream": .events
            case "application/x-ndjson", "application/jsonl", "application/json-lines": .lines
            case "application/vnd.amazon.eventstream": .frames
            case "application/json": .whole
            default: standard
            }
        }
    }

    private let framing: Framing
    private var events: ServerSentEventParser
    private var frames = AmazonEventStream()
    private var buffer: [UInt8] = []
    private let limit: Int

    /// - Parameter limit: bytes of one piece.
    package init(_ framing: Framing, limit: Int = 16 << 20) {
        self.framing = framing
        self.limit = limit
        events = ServerSentEventParser(limit: limit)
    }

    /// - Throws: `tooLarge` for a piece that is larger than the limit, `protocolViolation` for a broken frame.
    package mutating func feed(_ chunk: [UInt8]) throws(EngineError) -> [[UInt8]] {
        switch framing {
        case .events:
            do throws(ServerSentEventParser.TooLarge) {
                return try events.feed(chunk).map(\.data).filter { !$0.isEmpty }
            } catch {
                throw tooLarge
            }
        case .frames: return try frames.feed(chunk, limit: limit)
        case .lines:
            var lines: [[UInt8]] = []
            var start = chunk.startIndex
            while let end = chunk[start...].firstIndex(of: 0x0A) {
                buffer += chunk[start..<end]
                if buffer.count > limit { throw tooLarge }
                if let line = takeLine() { lines.append(line) }
                start = end + 1
            }
            buffer += chunk[start...]
            if buffer.count > limit { throw tooLarge }
            return lines
        case .whole:
            buffer += chunk
            if buffer.count > limit { throw tooLarge }
            return []
        }
    }

    /// What is left at the end of the body.
    package mutating func finish() -> [[UInt8]] {
        switch framing {
        case .events: return events.finish().map { $0.data.isEmpty ? [] : [$0.data] } ?? []
        case .frames: return []
        case .lines, .whole: return takeLine().map { [$0] } ?? []
        }
    }

    /// The checksum of event stream frames (ISO 3309).
    package static func crc32(_ bytes: [UInt8]) -> UInt32 { AmazonEventStream.crc32(bytes) }

    private mutating func takeLine() -> [UInt8]? {
        defer { buffer.removeAll(keepingCapacity: true) }
        return buffer.contains { $0 != 0x20 && $0 != 0x0D && $0 != 0x09 && $0 != 0x0A } ? buffer : nil
    }

    private var tooLarge: EngineError {
        EngineError(.tooLarge, "the provider sent a piece of more than \(limit) bytes")
    }
}

/// AWS's event stream: frames of a prelude (lengths and their CRC), headers, a payload, and a CRC of it all. The
/// payload of Bedrock's is `{"bytes": base64}`, which holds the model's own event.
struct AmazonEventStream: Sendable {
    private var buffer: [UInt8] = []

    mutating func feed(_ chunk: [UInt8], limit: Int) throws(EngineError) -> [[UInt8]] {
        buffer += chunk
        var payloads: [[UInt8]] = []
        var start = 0
        while buffer.count - start >= 16 {
            let total = Int(Self.number(buffer[start...]))
            let headers = Int(Self.number(buffer[(start + 4)...]))
            guard Self.crc32(buffer[start..<(start + 8)]) == Self.number(buffer[(start + 8)...]) else {
                throw EngineError(.protocolViolation, "a frame of the event stream has a wrong checksum")
            }
            guard total >= 16 + headers, total <= limit else {
                throw EngineError(.tooLarge, "a frame of the event stream says that it has \(total) bytes")
            }
            guard buffer.count - start >= total else { break }
            let end = start + total
            guard Self.crc32(buffer[start..<(end - 4)]) == Self.number(buffer[(end - 4)...]) else {
                throw EngineError(.protocolViolation, "a frame of the event stream has a wrong checksum")
            }
            let payload = Array(buffer[(start + 12 + headers)..<(end - 4)])
            if !payload.isEmpty { payloads.append(Self.event(payload)) }
            start = end
        }
        buffer.removeFirst(start)
        return payloads
    }

    private static func event(_ payload: [UInt8]) -> [UInt8] {
        guard let text = (try? JSONParser.parse(payload))?["bytes"]?.string else { return payload }
        return Encodings.fromBase64(text) ?? payload
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// ISO 3309.
    static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { crc, byte in
            var crc = crc ^ UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
            return crc
        }
    }
}
