/// One request over HTTP and what came back, byte for byte, with the time of each piece. Secrets are masked before
/// it is made.
package struct WireExchange: Sendable, Equatable, Codable {
    /// A piece of the answer's body, as it came.
    package struct Chunk: Sendable, Equatable, Codable {
        /// Milliseconds since the request was sent.
        package var at: Int
        package var bytes: WireBytes

        package init(at: Int, bytes: WireBytes) {
            self.at = at
            self.bytes = bytes
        }
    }

    package var id: String
    /// Who was asked.
    package var provider: String
    package var model: String
    /// The wire format's name.
    package var format: String
    package var started: Timestamp
    package var method: String
    package var url: String
    package var requestHeaders: [Header]
    package var requestBody: WireBytes
    /// Nil until the answer's head is there.
    package var status: Int?
    /// Of HTTP.
    package var version: String?
    package var responseHeaders: [Header]
    /// Milliseconds until the answer's head.
    package var headAt: Int?
    package var chunks: [Chunk]
    /// Milliseconds until the end; nil while it runs.
    package var endedAt: Int?
    /// Why it ended early.
    package var error: String?
    /// The variable that the key came from: `$OPENAI_API_KEY`.
    package var keyVariable: String?
    /// Bytes of the bodies that are not kept here, because they are too many.
    package var cutBytes: Int

    package init(
        id: String, provider: String, model: String, format: String, started: Timestamp, method: String, url: String,
        requestHeaders: [Header], requestBody: WireBytes
    ) {
        self.id = id
        self.provider = provider
        self.model = model
        self.format = format
        self.started = started
        self.method = method
        self.url = url
        self.requestHeaders = requestHeaders
        self.requestBody = requestBody
        responseHeaders = []
        chunks = []
        cutBytes = 0
    }

    /// The answer's body as far as it came.
    package var responseBody: [UInt8] { chunks.flatMap(\.bytes.bytes) }
    package var responseBytes: Int { chunks.reduce(0) { $0 + $1.bytes.bytes.count } }

    package func responseHeader(_ name: String) -> String? {
        responseHeaders.last { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Bytes that are mostly text: `"…"` in JSON, or `{"base64": "…"}` where they are no UTF-8.
package struct WireBytes: Sendable, Equatable, Codable {
    package var bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    private enum CodingKeys: String, CodingKey { case base64 }

    package init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            bytes = [UInt8](text.utf8)
            return
        }
        let text = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .base64)
        guard let bytes = Encodings.fromBase64(text) else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not base64"))
        }
        self.bytes = bytes
    }

    package func encode(to encoder: any Encoder) throws {
        if let text = String(validating: bytes, as: UTF8.self) {
            var container = encoder.singleValueContainer()
            try container.encode(text)
        } else {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(Encodings.base64(bytes), forKey: .base64)
        }
    }
}
