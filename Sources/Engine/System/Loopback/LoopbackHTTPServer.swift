import CProcess
package import Engine
import Glibc
import Synchronization

package struct LoopbackRequest: Sendable {
    package var method: String
    /// With its query.
    package var target: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
}

package struct LoopbackResponse: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Instead of `body`: called with a writer that says false once the peer has gone. Ends with the connection.
    package var stream: (@Sendable (@Sendable ([UInt8]) -> Bool) -> Void)?

    package init(
        status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        stream: (@Sendable (@Sendable ([UInt8]) -> Bool) -> Void)? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.stream = stream
    }

    package static func json(_ value: JSONValue, status: Int = 200) -> LoopbackResponse {
        LoopbackResponse(status: status, headers: [("Content-Type", "application/json")], body: value.bytes)
    }
}

/// A small HTTP/1.1 server on the loopback interface: for the demo's tool, and for tests.
///
/// One thread accepts, and each connection has a thread, at most 32 at a time. The handler runs on that thread.
package final class LoopbackHTTPServer: Sendable {
    private static let connectionLimit = 32
    static let headLimit = 64 << 10
    static let bodyLimit = 1 << 20

    package let port: Int
    package var url: String { "http://127.0.0.1:\(port)" }
    private let listener: Int32
    private let handler: @Sendable (LoopbackRequest) -> LoopbackResponse
    private let open = Mutex<(stopped: Bool, connections: Set<Int32>)>((false, []))

    /// - Parameter port: zero for any.
    /// - Throws: `unreachable` when the port is taken.
    package init(
        port: Int = 0, handler: @escaping @Sendable (LoopbackRequest) -> LoopbackResponse
    ) throws(EngineError) {
        var bound: Int32 = 0
        listener = cproc_listen(Int32(port), &bound)
        guard listener >= 0 else {
            throw EngineError(.unreachable, "the port \(port) cannot be listened on: \(SystemWords.of(errno))")
        }
        self.port = Int(bound)
        self.handler = handler
        WorkerThread.start { self.accept() }
    }

    package func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        open.withLock { open in
            for connection in open.connections { shutdown(connection, Int32(SHUT_RDWR)) }
            open = (true, [])
        }
    }

    private func accept() {
        while true {
            let connection = Glibc.accept(listener, nil, nil)
            if connection < 0, errno == EINTR || errno == ECONNABORTED { continue }
            guard connection >= 0 else { break }
            let isTaken = open.withLock { open in
                guard !open.stopped, open.connections.count < Self.connectionLimit else { return false }
                open.connections.insert(connection)
                return true
            }
            guard isTaken else {
                close(connection)
                continue
            }
            WorkerThread.start { self.serve(connection) }
        }
        close(listener)
    }

    private func serve(_ descriptor: Int32) {
        var timeout = (seconds: 30, microseconds: 0)  // a timeval
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout.size(ofValue: timeout)))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout.size(ofValue: timeout)))
        var connection = LoopbackConnection(descriptor)
        while let request = connection.next() {
            guard connection.send(handler(request), head: request.method == "HEAD") else { break }
        }
        open.withLock { _ = $0.connections.remove(descriptor) }
        close(descriptor)
    }
}

/// One connection: reads requests, writes answers.
private struct LoopbackConnection {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    private mutating func fill() -> Bool {
        var piece = [UInt8](repeating: 0, count: 16_384)
        let count = recv(descriptor, &piece, piece.count, 0)
        guard count > 0 else { return false }
        buffer += piece[..<count]
        return true
    }

    /// The next request; nil at the end, and for what is no HTTP.
    mutating func next() -> LoopbackRequest? {
        let end: [UInt8] = [13, 10, 13, 10]
        var head: Range<Int>?
        while head == nil {
            head = buffer.firstRange(of: end)
            if head == nil {
                guard buffer.count < LoopbackHTTPServer.headLimit, fill() else { return nil }
            }
        }
        guard let head else { return nil }
        let lines = String(decoding: buffer[..<head.lowerBound], as: UTF8.self).split(separator: "\r\n")
        buffer.removeFirst(head.upperBound)
        let parts = lines.first?.split(separator: " ") ?? []
        guard parts.count == 3, parts[2].hasPrefix("HTTP/1.") else { return nil }
        var request = LoopbackRequest(method: String(parts[0]), target: String(parts[1]), headers: [], body: [])
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            request.headers.append((line[..<colon].lowercased(), String(value)))
        }
        let length = request.headers.last { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        guard (0...LoopbackHTTPServer.bodyLimit).contains(length) else { return nil }
        while buffer.count < length { guard fill() else { return nil } }
        request.body = Array(buffer.prefix(length))
        buffer.removeFirst(length)
        return request
    }

    /// - Returns: whether the connection can go on.
    func send(_ response: LoopbackResponse, head isHead: Bool) -> Bool {
        var text = "HTTP/1.1 \(response.status) \(response.status < 400 ? "OK" : "Error")\r\n"
        for (name, value) in response.headers { text += "\(name): \(value)\r\n" }
        text += response.stream == nil ? "Content-Length: \(response.body.count)\r\n\r\n" : "Connection: close\r\n\r\n"
        guard write(Array(text.utf8) + (isHead ? [] : response.body)) else { return false }
        guard let stream = response.stream else { return true }
        let descriptor = descriptor
        stream { Self.write($0, to: descriptor) }
        return false
    }

    private func write(_ bytes: [UInt8]) -> Bool { Self.write(bytes, to: descriptor) }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
