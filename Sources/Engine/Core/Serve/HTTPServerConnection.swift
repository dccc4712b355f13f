/// A request that came in.
package struct ServerRequest: Sendable {
    package var method: String
    /// Without its query.
    package var path: String
    package var query: [String: String]
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    var keepsAlive = true

    package func header(_ name: String) -> String? {
        headers.last { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// What is answered.
package struct ServerResponse: Sendable {
    package var status: Int
    package var headers: [Header]
    package var body: [UInt8]

    package init(_ status: Int, _ headers: [Header] = [], _ body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package static func text(_ status: Int, _ text: String) -> ServerResponse {
        ServerResponse(status, [Header("Content-Type", "text/plain; charset=utf-8")], Array((text + "\n").utf8))
    }

    package static func json(_ status: Int, _ value: JSONValue) -> ServerResponse {
        ServerResponse(status, [Header("Content-Type", "application/json")], value.bytes)
    }
}

/// HTTP/1.1 (RFC 9112) over one connection: requests one after the other, strict where two readers could disagree on
/// where one ends.
struct HTTPServerConnection {
    private let socket: any ServerSocket
    private var buffer: [UInt8] = []

    private static let headLimit = 32 << 10
    static let bodyLimit = 32 << 20
    /// For the head of a request, and between two.
    private static let patience = 60_000

    init(_ socket: any ServerSocket) { self.socket = socket }

    /// A request that cannot be answered otherwise than so.
    struct Refusal: Error {
        var status: Int
        var words: String
    }

    /// - Returns: nil when the other side has gone.
    mutating func next() async throws(Refusal) -> ServerRequest? {
        guard !socket.isGone else { return nil }
        let mark = Array("\r\n\r\n".utf8)
        var end = buffer.firstRange(of: mark)
        while end == nil {
            guard buffer.count <= Self.headLimit else { throw Refusal(status: 431, words: "the head is too long") }
            guard let piece = await socket.next(within: Self.patience) else { return nil }
            buffer += piece
            end = buffer.firstRange(of: mark)
        }
        guard let end else { return nil }
        let head = Array(buffer[..<end.lowerBound])
        buffer.removeSubrange(..<end.upperBound)
        var request = try Self.request(head)
        let length = try Self.length(request)
        if request.header("expect")?.lowercased() == "100-continue" {
            socket.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
        switch length {
        case .none: break
        case .some(let count)?:
            guard count <= Self.bodyLimit else { throw Refusal(status: 413, words: "the body is too large") }
            request.body = try await take(count)
        case .chunked?: request.body = try await chunks()
        }
        return request
    }

    private enum Length { case some(Int), chunked }

    private static func length(_ request: ServerRequest) throws(Refusal) -> Length? {
        let lengths = request.headers.filter { $0.name.lowercased() == "content-length" }.map(\.value)
        let codings = request.headers.filter { $0.name.lowercased() == "transfer-encoding" }.map {
            $0.value.lowercased()
        }
        // Two readers that choose differently make two requests of one.
        guard codings.isEmpty || lengths.isEmpty, Set(lengths).count <= 1, codings.count <= 1 else {
            throw Refusal(status: 400, words: "the length of the body is said twice")
        }
        if let coding = codings.first {
            guard coding == "chunked" else { throw Refusal(status: 501, words: "only chunked bodies are read") }
            return .chunked
        }
        guard let text = lengths.first else { return nil }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(text) else {
            throw Refusal(status: 400, words: "the length of the body is no number")
        }
        return .some(count)
    }

    private mutating func take(_ count: Int) async throws(Refusal) -> [UInt8] {
        while buffer.count < count {
            guard let piece = await socket.next(within: Self.patience) else {
                throw Refusal(status: 408, words: "the body did not come")
            }
            buffer += piece
        }
        defer { buffer.removeSubrange(..<count) }
        return Array(buffer[..<count])
    }

    private mutating func line() async throws(Refusal) -> String {
        while true {
            if let end = buffer.firstRange(of: [0x0D, 0x0A]) {
                defer { buffer.removeSubrange(..<end.upperBound) }
                return String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
            }
            guard buffer.count <= Self.headLimit else { throw Refusal(status: 400, words: "a line is too long") }
            guard let piece = await socket.next(within: Self.patience) else {
                throw Refusal(status: 408, words: "the body did not come")
            }
            buffer += piece
        }
    }

    private mutating func chunks() async throws(Refusal) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let size = try await line().prefix { $0 != ";" }
            guard !size.isEmpty, size.utf8.count <= 8, let count = Int(size, radix: 16), count >= 0 else {
                throw Refusal(status: 400, words: "a chunk has no size")
            }
            guard body.count + count <= Self.bodyLimit else {
                throw Refusal(status: 413, words: "the body is too large")
            }
            if count == 0 {
                while try await !line().isEmpty {}
                return body
            }
            body += try await take(count)
            guard try await take(2) == [0x0D, 0x0A] else { throw Refusal(status: 400, words: "a chunk does not end") }
        }
    }

    private static func request(_ head: [UInt8]) throws(Refusal) -> ServerRequest {
        func bad(_ words: String) -> Refusal { Refusal(status: 400, words: words) }
        guard let text = String(validating: head, as: UTF8.self) else { throw bad("the head is no text") }
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let parts = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2] == "HTTP/1.1" || parts[2] == "HTTP/1.0",
            parts[0].utf8.allSatisfy({ (0x41...0x5A).contains($0) }), !parts[0].isEmpty
        else { throw bad("this is no request of HTTP/1.1") }
        var headers: [(name: String, value: String)] = []
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon > line.startIndex,
                !line.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\t" }),
                !line[..<colon].contains(" "), !line[..<colon].contains("\t"), headers.count < 100
            else { throw bad("a header is broken") }
            var value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            while value.last == " " || value.last == "\t" { value.removeLast() }
            headers.append((String(line[..<colon]), String(value)))
        }
        guard headers.count(where: { $0.name.lowercased() == "host" }) == 1 || parts[2] == "HTTP/1.0" else {
            throw bad("there is no Host, or there are two")
        }
        // The form for proxies, which every server must take (RFC 9112, section 3.2.2); here it names this host or nothing.
        var address = parts[1]
        if let whole = WebAddress(String(address)) {
            guard whole.scheme == "http" || whole.scheme == "https",
                whole.authority == headers.first(where: { $0.name.lowercased() == "host" })?.value
            else {
                throw bad("the address and Host differ")
            }
            address = address.dropFirst(whole.scheme.count + 3).drop { $0 != "/" }
        }
        guard address.hasPrefix("/") else { throw bad("the address is no path") }
        let target = address.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = Encodings.query(target.count > 1 ? target[1] : "")
        let connection = headers.last { $0.name.lowercased() == "connection" }?.value.lowercased() ?? ""
        var request = ServerRequest(
            method: String(parts[0]), path: Encodings.unescaped(target[0], plusIsSpace: false), query: query,
            headers: headers, body: [])
        request.keepsAlive = parts[2] == "HTTP/1.1" ? connection != "close" : connection == "keep-alive"
        return request
    }

    // MARK: answers

    static let reasons = [
        200: "OK", 204: "No Content", 101: "Switching Protocols", 400: "Bad Request", 401: "Unauthorized",
        403: "Forbidden",
        404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 413: "Content Too Large",
        429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
        501: "Not Implemented", 503: "Service Unavailable",
    ]

    static func head(_ status: Int, _ headers: [Header]) -> [UInt8] {
        let lines = ["HTTP/1.1 \(status) \(reasons[status] ?? "Status")"] + headers.map { "\($0.name): \($0.value)" }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    func answer(_ response: ServerResponse, keepsAlive: Bool) {
        let more =
            (response.status == 204 ? [] : [Header("Content-Length", String(response.body.count))])
            + (keepsAlive ? [] : [Header("Connection", "close")])
        socket.write(Self.head(response.status, response.headers + more) + response.body)
    }

    /// Begins an answer whose pieces come one by one.
    func begin(_ status: Int, _ headers: [Header]) {
        socket.write(Self.head(status, headers + [Header("Transfer-Encoding", "chunked")]))
    }

    /// - Returns: false when the other side has gone.
    func piece(_ bytes: [UInt8]) -> Bool {
        bytes.isEmpty
            || socket.write(Array(String(bytes.count, radix: 16).utf8) + [0x0D, 0x0A] + bytes + [0x0D, 0x0A])
    }

    func end() { socket.write(Array("0\r\n\r\n".utf8)) }

    /// What was read beyond the last request, and whoever goes on reading.
    var rest: (socket: any ServerSocket, bytes: [UInt8]) { (socket, buffer) }
}
