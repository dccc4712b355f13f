/// What a client says to Omnia's facade (AltairaLabs/Omnia, `internal/facade/protocol.go`; api/websocket/asyncapi.yaml).
package enum FacadeRequest: Sendable, Equatable {
    /// - Parameter parts: media only; the runtime reads text from `content`.
    case message(session: String?, content: String, parts: [JSONValue] = [], metadata: [String: String] = [:])
    case upload(session: String?, filename: String, mediaType: String, bytes: Int)
    case toolAck(session: String, call: String)
    case toolNack(session: String, call: String, reason: String)
    case toolResult(session: String, call: String, Result)

    package enum Result: Sendable, Equatable {
        case value(JSONValue)
        /// Declined, or failed; never empty.
        case error(String)
    }

    package var json: JSONValue {
        var frame = JSONObject()
        func begin(_ type: String, _ session: String?) {
            frame["type"] = .string(type)
            frame["session_id"] = session.map { .string($0) }
        }
        switch self {
        case .message(let session, let content, let parts, let metadata):
            begin("message", session)
            frame["content"] = .string(content)
            if !parts.isEmpty { frame["parts"] = .array(parts) }
            if !metadata.isEmpty {
                let pairs = metadata.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }
                frame["metadata"] = .object(JSONObject(pairs))
            }
        case .upload(let session, let filename, let mediaType, let bytes):
            begin("upload_request", session)
            frame["upload_request"] = [
                "filename": .string(filename), "mime_type": .string(mediaType), "size_bytes": .int(bytes),
            ]
        case .toolAck(let session, let call):
            begin("tool_call_ack", session)
            frame["tool_call_ack"] = ["call_id": .string(call)]
        case .toolNack(let session, let call, let reason):
            begin("tool_call_nack", session)
            frame["tool_call_nack"] = ["call_id": .string(call), "reason": .string(reason)]
        case .toolResult(let session, let call, let result):
            begin("tool_result", session)
            var body: JSONObject = ["call_id": .string(call)]
            switch result {
            case .value(let value): body["result"] = value
            case .error(let words): body["error"] = .string(words.isEmpty ? "declined" : words)
            }
            frame["tool_result"] = .object(body)
        }
        return .object(frame)
    }
}

/// What the facade says. What a newer one says is kept as it came.
package struct FacadeEvent: Sendable, Equatable {
    package enum Body: Sendable, Equatable {
        case connected
        case chunk(text: String, isSpeech: Bool, parts: [FacadePart])
        /// The text of the last segment; nil where it said none.
        case done(text: String?, parts: [FacadePart])
        case toolCall(FacadeToolCall)
        case toolResult(call: String, result: JSONValue?, error: String?)
        case error(code: String, message: String)
        case uploadReady(FacadeUpload)
        case uploadComplete(id: String)
        case media(FacadeMedia)
        case unknown(type: String)
    }

    package var session: String?
    package var body: Body

    init?(text: String) {
        guard let json = try? JSONParser.parse(text) else { return nil }
        self.init(json)
    }

    /// - Returns: nil for what is no object with a `type`.
    package init?(_ json: JSONValue) {
        guard let type = json["type"]?.string else { return nil }
        session = json["session_id"]?.string
        let parts = (json["parts"]?.array ?? []).compactMap(FacadePart.init)
        func field(_ name: String) -> JSONValue { json[name] ?? [:] }
        switch type {
        case "connected": body = .connected
        case "chunk":
            body = .chunk(
                text: json["content"]?.string ?? "", isSpeech: json["role"]?.string == "user", parts: parts)
        case "done": body = .done(text: json["content"]?.string, parts: parts)
        case "tool_call":
            let call = field("tool_call")
            body = .toolCall(
                FacadeToolCall(
                    id: call["id"]?.string ?? "", name: call["name"]?.string ?? "",
                    arguments: call["arguments"] ?? [:], consent: call["consent_message"]?.string,
                    categories: (call["categories"]?.array ?? []).compactMap(\.string)))
        case "tool_result":
            let result = field("tool_result")
            body = .toolResult(
                call: result["id"]?.string ?? "", result: result["result"], error: result["error"]?.string)
        case "error":
            let error = field("error")
            body = .error(code: error["code"]?.string ?? "UNKNOWN", message: error["message"]?.string ?? "")
        case "upload_ready":
            let ready = field("upload_ready")
            body = .uploadReady(
                FacadeUpload(
                    id: ready["upload_id"]?.string ?? "", url: ready["upload_url"]?.string ?? "",
                    reference: ready["storage_ref"]?.string ?? ""))
        case "upload_complete": body = .uploadComplete(id: field("upload_complete")["upload_id"]?.string ?? "")
        case "media_chunk":
            let chunk = field("media_chunk")
            body = .media(
                FacadeMedia(
                    id: chunk["media_id"]?.string ?? "", sequence: chunk["sequence"]?.int ?? 0,
                    isLast: chunk["is_last"]?.bool ?? false, mediaType: chunk["mime_type"]?.string ?? "",
                    bytes: chunk["data"]?.string.flatMap(Encodings.fromBase64) ?? []))
        default: body = .unknown(type: type)
        }
    }

    /// A binary frame.
    /// - Throws: `protocolViolation` for what is none.
    package init(binary bytes: [UInt8]) throws(EngineError) {
        let frame = try FacadeBinary(bytes)
        session = frame.metadata["session_id"]?.string
        body = .media(
            FacadeMedia(
                id: frame.mediaID, sequence: frame.sequence, isLast: frame.isLast,
                mediaType: frame.metadata["mime_type"]?.string ?? "", bytes: frame.payload))
    }
}

package struct FacadeToolCall: Sendable, Equatable {
    package var id: String
    package var name: String
    package var arguments: JSONValue
    package var consent: String?
    package var categories: [String]
}

package struct FacadeUpload: Sendable, Equatable {
    package var id: String
    package var url: String
    package var reference: String
}

package struct FacadeMedia: Sendable, Equatable {
    package var id: String
    package var sequence: Int
    package var isLast: Bool
    package var mediaType: String
    package var bytes: [UInt8]
}

/// A part of a message.
package struct FacadePart: Sendable, Equatable {
    package var type: String
    package var text: String?
    package var mediaType: String
    package var bytes: [UInt8]?
    /// An address, or a `storage_ref`.
    package var reference: String?

    package init?(_ json: JSONValue) {
        guard let type = json["type"]?.string else { return nil }
        self.type = type
        text = json["text"]?.string
        let media = json["media"]
        mediaType = media?["mime_type"]?.string ?? ""
        bytes = media?["data"]?.string.flatMap(Encodings.fromBase64)
        reference = media?["url"]?.string ?? media?["storage_ref"]?.string
    }
}

/// The binary frame (`internal/facade/binary.go`): a head of 32 bytes, big-endian, then JSON, then the payload.
package struct FacadeBinary: Sendable, Equatable {
    package static let headLength = 32

    package var flags: UInt8
    package var kind: Int
    package var sequence: Int
    package var mediaID: String
    package var metadata: JSONValue
    package var payload: [UInt8]

    package var isLast: Bool { flags & 4 != 0 }

    package init(
        flags: UInt8, kind: Int, sequence: Int, mediaID: String, metadata: JSONValue, payload: [UInt8]
    ) {
        self.flags = flags
        self.kind = kind
        self.sequence = sequence
        self.mediaID = mediaID
        self.metadata = metadata
        self.payload = payload
    }

    /// - Throws: `protocolViolation` for what is no such frame.
    package init(_ bytes: [UInt8]) throws(EngineError) {
        func broken(_ words: String) -> EngineError {
            EngineError(.protocolViolation, "a binary frame \(words)")
        }
        guard bytes.count >= Self.headLength else { throw broken("has no whole head") }
        guard Array(bytes[..<4]) == Array("OMNI".utf8) else { throw broken("does not begin with OMNI") }
        guard bytes[4] == 1 else { throw broken("has the version \(bytes[4]), and 1 is known") }
        func number(_ start: Int, _ count: Int) -> Int {
            bytes[start..<(start + count)].reduce(0) { $0 << 8 | Int($1) }
        }
        flags = bytes[5]
        kind = number(6, 2)
        let (metadataLength, payloadLength) = (number(8, 4), number(12, 4))
        sequence = number(16, 4)
        mediaID = String(decoding: bytes[20..<32].prefix { $0 != 0 }, as: UTF8.self)
        guard bytes.count - Self.headLength == metadataLength + payloadLength else {
            throw broken("is \(bytes.count - Self.headLength) bytes long, and says \(metadataLength + payloadLength)")
        }
        let start = Self.headLength + metadataLength
        guard metadataLength == 0 || (try? JSONParser.parse(Array(bytes[Self.headLength..<start]))) != nil else {
            throw broken("has metadata that are no JSON")
        }
        metadata = metadataLength == 0 ? [:] : (try? JSONParser.parse(Array(bytes[Self.headLength..<start]))) ?? [:]
        payload = Array(bytes[start...])
    }

    package var bytes: [UInt8] {
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let head = metadata.bytes
        var id = Array(mediaID.utf8.prefix(12))
        id += repeatElement(0, count: 12 - id.count)
        return Array("OMNI".utf8) + [1, flags] + number(kind, 2) + number(head.count, 4) + number(payload.count, 4)
            + number(sequence, 4) + id + head + payload
    }
}
