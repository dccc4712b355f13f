/// Sends HTTP requests. Redirects are not followed; only http and https are spoken.
package protocol HTTPTransport: Sendable {
    /// Returns once the head of the answer is there. Cancelling the task closes the connection.
    func send(_ request: HTTPRequest) async throws(EngineError) -> HTTPResponse
}

package struct HTTPRequest: Sendable {
    package var url: String
    package var method: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]?
    package var connectMilliseconds = 10_000
    /// Until the head of the answer.
    package var firstByteMilliseconds = 120_000
    /// Between two pieces of the body.
    package var idleMilliseconds = 120_000
    /// For all of it; zero: no limit.
    package var totalMilliseconds = 0
    /// Decoded bytes of the body; more is an error. Zero: no limit, for streams whose events are bounded one by one.
    package var bodyLimit = 64 << 20
    /// Whether addresses may be reached that only this machine's neighbours have, such as a cloud's metadata service.
    package var mayReachLinkLocal = true
    /// HTTP/2 without asking first (RFC 9113, section 3.3), as gRPC wants it.
    package var isHTTP2 = false
    /// Whether the answer may come compressed.
    package var acceptsCompression = true

    package init(
        url: String, method: String = "GET", headers: [(name: String, value: String)] = [], body: [UInt8]? = nil
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
    }

    /// Puts headers in the place of those of the same names.
    mutating func replace(_ others: [Header]) {
        for header in others {
            headers.removeAll { $0.name.lowercased() == header.name.lowercased() }
            headers.append((header.name, header.value))
        }
    }
}

package struct HTTPResponse: Sendable {
    package var status: Int
    /// Of HTTP: `1.1`, `2`.
    package var version: String?
    package var headers: [(name: String, value: String)]
    package var body: any HTTPBody

    package init(status: Int, headers: [(name: String, value: String)], body: any HTTPBody) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The last header of that name, whatever its case.
    package func header(_ name: String) -> String? {
        headers.last { $0.name.lowercased() == name.lowercased() }?.value
    }

    package var isSuccess: Bool { (200..<300).contains(status) }

    /// The media type, without its parameters, in lower case.
    package var mediaType: String {
        String((header("content-type") ?? "").prefix { $0 != ";" }.filter { $0 != " " }).lowercased()
    }
}

/// A body on its way. Dropping it closes the connection.
package protocol HTTPBody: Sendable {
    /// Everything that has come since the last call, or the next piece; nil at the end.
    func next() async throws(EngineError) -> [UInt8]?
    /// The rest is of no interest: it is read away for a moment, so that the connection can be used again.
    func finish()
    /// Fields that came after the body, once it has been read to its end (RFC 9110, section 6.5).
    var trailers: [(name: String, value: String)] { get }
}

extension HTTPBody {
    package func finish() {}
    package var trailers: [(name: String, value: String)] { [] }

    /// The whole body.
    package func collect(limit: Int) async throws(EngineError) -> [UInt8] {
        var result: [UInt8] = []
        while let piece = try await next() {
            result += piece
            if result.count > limit {
                throw EngineError(.tooLarge, "the answer is larger than \(limit) bytes")
            }
        }
        return result
    }
}
