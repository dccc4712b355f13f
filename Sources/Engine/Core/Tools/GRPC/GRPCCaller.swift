/// Makes unary gRPC calls (gRPC's `doc/PROTOCOL-HTTP2.md`) over HTTP/2.
struct GRPCCaller: Sendable {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    let origin: String
    let transport: any HTTPTransport

    /// gRPC's own default.
    static let messageLimit = 4 << 20

    /// - Parameters:
    ///   - method: `/PACKAGE.SERVICE/METHOD`.
    ///   - metadata: goes as headers.
    /// - Returns: the message that answers.
    /// - Throws: what the call's status means; its number is the error's `status`.
    func call(
        _ method: String, _ message: [UInt8], metadata: [(name: String, value: String)], milliseconds: Int
    ) async throws(EngineError) -> ArraySlice<UInt8> {
        let count = UInt32(clamping: message.count)
        let frame = [0] + withUnsafeBytes(of: count.bigEndian) { [UInt8]($0) } + message
        var request = HTTPRequest(
            url: origin + method, method: "POST",
            headers: [
                ("Content-Type", "application/grpc"), ("TE", "trailers"), ("grpc-accept-encoding", "identity"),
                // The header's number has at most eight digits.
                ("grpc-timeout", "\(min(milliseconds, 99_999_999))m"),
            ] + metadata, body: frame)
        request.isHTTP2 = true
        request.acceptsCompression = false
        request.totalMilliseconds = milliseconds
        request.bodyLimit = Self.messageLimit + 5
        let response: HTTPResponse
        let body: [UInt8]
        do throws(EngineError) {
            response = try await transport.send(request)
            body = try await response.body.collect(limit: Self.messageLimit + 5)
        } catch {
            throw Self.named(error)
        }
        let isGRPC = response.mediaType.hasPrefix("application/grpc")
        guard response.status == 200, isGRPC else {
            throw GRPCStatus(http: response.status).error(
                "HTTP \(response.status) of type '\(response.mediaType)', which is not gRPC")
        }
        // An answer without a message has everything in its head.
        let ends = response.headers + response.body.trailers
        func last(_ name: String) -> String? { ends.last { $0.name.lowercased() == name }?.value }
        guard let number = last("grpc-status").flatMap(Int.init) else {
            throw GRPCStatus.internal.error("the answer ended without a status")
        }
        let status = GRPCStatus(rawValue: number) ?? .unknown
        guard status == .ok else {
            throw status.error(last("grpc-message").map { Encodings.unescaped($0, plusIsSpace: false) } ?? "")
        }
        return try Self.message(in: body)
    }

    private static func message(in body: [UInt8]) throws(EngineError) -> ArraySlice<UInt8> {
        guard body.count >= 5 else { throw GRPCStatus.internal.error("the answer holds no message") }
        guard body[0] == 0 else {
            throw GRPCStatus.internal.error("the answer is compressed, which was not asked for")
        }
        let count = body[1..<5].reduce(0) { $0 << 8 | Int($1) }
        guard body.count - 5 == count else {
            throw GRPCStatus.internal.error("the answer is not one message, but \(body.count - 5) bytes of \(count)")
        }
        return body[5...]
    }

    /// Trouble on the way, as gRPC names it.
    private static func named(_ error: EngineError) -> EngineError {
        var error = error
        switch error.code {
        case .unreachable: error.status = GRPCStatus.unavailable.rawValue
        case .timedOut: error.status = GRPCStatus.deadlineExceeded.rawValue
        case .tooLarge: error.status = GRPCStatus.resourceExhausted.rawValue
        default: break
        }
        return error
    }
}
