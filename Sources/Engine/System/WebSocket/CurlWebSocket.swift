import CCurl
import CProcess
package import Engine
import Glibc
import Synchronization

/// WebSockets over a socket that libcurl opens: names, proxies and TLS are its business, frames are ours. (libcurl of
/// Debian 12 has no WebSockets.)
package struct CurlWebSocketDialer: WebSocketDialer {
    private let network: NetworkSettings

    package init(_ network: NetworkSettings = NetworkSettings()) { self.network = network }

    package func dial(_ request: WebSocketRequest) async throws(EngineError) -> any WebSocketConnection {
        let socket = CurlWebSocket(request, network)
        let result: Result<Void, EngineError> = await withTaskCancellationHandler {
            await withCheckedContinuation { socket.open($0) }
        } onCancel: {
            socket.close(1_001, "")
        }
        try result.get()
        return CurlWebSocketHandle(socket)
    }
}

/// Holds the connection for its reader; when it goes, so does the connection.
private final class CurlWebSocketHandle: WebSocketConnection {
    private let socket: CurlWebSocket
    init(_ socket: CurlWebSocket) { self.socket = socket }
    deinit { socket.close(1_001, "") }
    func send(_ message: WebSocketMessage) -> Bool { socket.send(message) }
    func next() async -> WebSocketMessage? { await socket.next() }
    func close(_ code: Int, _ reason: String) { socket.close(code, reason) }
    var ending: WebSocketEnding? { socket.ending }
}

/// One connection and its thread.
///
/// Concurrency: `shared` is under its lock; the curl handle and the reader belong to the thread, hence `@unchecked`.
final class CurlWebSocket: @unchecked Sendable {
    private struct Shared {
        var outgoing: [UInt8] = []
        var incoming: [WebSocketMessage] = []
        var incomingBytes = 0
        var reader: CheckedContinuation<WebSocketMessage?, Never>?
        var opening: CheckedContinuation<Result<Void, EngineError>, Never>?
        var ending: WebSocketEnding?
        var isClosing = false
        var isCompressed = false
    }

    /// Messages that wait for the reader before the sender is held back.
    private static let incomingLimit = 8 << 20
    private static let outgoingLimit = 64 << 20
    private static let headLimit = 64 << 10
    /// How long a goodbye may take.
    private static let closing = 2_000

    private let request: WebSocketRequest
    private let network: NetworkSettings
    private let shared = Mutex(Shared())
    private let wake = cproc_wake()

    init(_ request: WebSocketRequest, _ network: NetworkSettings) {
        self.request = request
        self.network = network
    }

    deinit { Glibc.close(wake) }

    func open(_ continuation: CheckedContinuation<Result<Void, EngineError>, Never>) {
        shared.withLock { $0.opening = continuation }
        WorkerThread.start { self.run() }
    }

    var ending: WebSocketEnding? { shared.withLock { $0.ending } }

    func send(_ message: WebSocketMessage) -> Bool {
        let (opcode, payload): (WebSocketOpcode, [UInt8]) =
            switch message {
            case .text(let text): (.text, Array(text.utf8))
            case .binary(let bytes): (.binary, bytes)
            }
        let isCompressed = shared.withLock { $0.isCompressed } && payload.count > 256
        let deflated = isCompressed ? MessageDeflate.deflate(payload) : nil
        let frame = WebSocketFrame.bytes(
            opcode, deflated ?? payload, mask: .random(in: .min ... .max), isCompressed: deflated != nil)
        let isTaken = shared.withLock { shared in
            guard shared.ending == nil, !shared.isClosing,
                shared.outgoing.count + frame.count <= Self.outgoingLimit
            else { return false }
            shared.outgoing += frame
            return true
        }
        if isTaken { wakeUp() }
        return isTaken
    }

    func close(_ code: Int, _ reason: String) {
        shared.withLock { shared in
            guard shared.ending == nil, !shared.isClosing else { return }
            shared.isClosing = true
            if shared.opening == nil {
                shared.outgoing += WebSocketFrame.close(code, reason, mask: .random(in: .min ... .max))
            }
        }
        wakeUp()
    }

    func next() async -> WebSocketMessage? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                var goOn = false
                let now: WebSocketMessage?? = shared.withLock { shared in
                    if !shared.incoming.isEmpty {
                        let message = shared.incoming.removeFirst()
                        goOn = shared.incomingBytes > Self.incomingLimit
                        shared.incomingBytes -= Self.size(message)
                        return .some(message)
                    }
                    if shared.ending != nil || Task.isCancelled { return .some(nil) }
                    shared.reader = continuation
                    return nil
                }
                if goOn { wakeUp() }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            let reader = shared.withLock { shared in
                defer { shared.reader = nil }
                return shared.reader
            }
            reader?.resume(returning: nil)
        }
    }

    private static func size(_ message: WebSocketMessage) -> Int {
        switch message {
        case .text(let text): text.utf8.count
        case .binary(let bytes): bytes.count
        }
    }

    private func wakeUp() {
        var one: UInt64 = 1
        _ = Glibc.write(wake, &one, 8)
    }

    // MARK: The thread

    private func run() {
        guard let handle = curl_easy_init() else {
            return end(1_006, "no memory", EngineError(.internal, "there is no memory for a connection"))
        }
        defer { curl_easy_cleanup(handle) }
        let words = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
        words[0] = 0
        defer { words.deallocate() }
        let address = "http" + request.url.dropFirst(2)
        cc_set_string(handle, CURLOPT_URL, address)
        cc_set_long(handle, CURLOPT_CONNECT_ONLY, 1)
        cc_set_long(handle, CURLOPT_NOSIGNAL, 1)
        // Protocols of TLS would choose HTTP/2 otherwise.
        cc_set_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        cc_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, request.connectMilliseconds)
        cc_set_long(handle, CURLOPT_HTTPPROXYTUNNEL, 1)
        CurlOptions.reach(network, handle)
        cc_set_pointer(handle, CURLOPT_ERRORBUFFER, words)
        let code = curl_easy_perform(handle)
        guard code == CURLE_OK else {
            let said = String(cString: words[0] == 0 ? curl_easy_strerror(code) : UnsafePointer(words))
            return end(1_006, said, CurlWords.error(code, said, origin: origin, url: request.url))
        }
        var socket = 0
        cc_get_long(handle, CURLINFO_ACTIVESOCKET, &socket)
        talk(handle, Int32(socket), address)
    }

    private var origin: String {
        let parts = request.url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count >= 3 ? "\(parts[0])//\(parts[2].split(separator: "@").last ?? "")" : request.url
    }

    private func talk(_ handle: UnsafeMutableRawPointer, _ socket: Int32, _ address: String) {
        let key = Encodings.base64((0..<16).map { _ in UInt8.random(in: .min ... .max) })
        var sending = Array(head(address, key).utf8)
        var sent = 0
        var answer: [UInt8]? = []
        var reader = WebSocketReader(isServer: false, limit: request.messageLimit)
        var buffer = [UInt8](repeating: 0, count: 128 << 10)
        var heard = CurlLoop.milliseconds()
        var leaving: Int?
        while true {
            // Out.
            while true {
                if sent == sending.count {
                    sent = 0
                    sending.removeAll(keepingCapacity: sending.capacity < 1 << 20)
                    if answer == nil { shared.withLock { swap(&$0.outgoing, &sending) } }
                    if sending.isEmpty { break }
                }
                var count = 0
                let code = sending.withUnsafeBytes {
                    let rest = UnsafeRawBufferPointer(rebasing: $0[sent...])
                    return curl_easy_send(handle, rest.baseAddress, min(rest.count, 1 << 20), &count)
                }
                if code == CURLE_AGAIN { break }
                guard code == CURLE_OK else { return end(1_006, String(cString: curl_easy_strerror(code)), nil) }
                sent += count
            }
            // In, until there is no more: TLS may hold what the socket no longer shows.
            let isFull = shared.withLock { $0.incomingBytes > Self.incomingLimit }
            if !isFull {
                var count = 0
                let code = curl_easy_recv(handle, &buffer, buffer.count, &count)
                if code == CURLE_OK {
                    guard count > 0 else { return end(1_006, "the connection was closed", nil) }
                    // A head that trickles in is none: until the answer is whole, time runs from the beginning.
                    if answer == nil { heard = CurlLoop.milliseconds() }
                    if take(Array(buffer[..<count]), &answer, key, &reader) { continue }
                    return sayGoodbye(handle)
                }
                guard code == CURLE_AGAIN else { return end(1_006, String(cString: curl_easy_strerror(code)), nil) }
            }
            // Time.
            let now = CurlLoop.milliseconds()
            var wait = 60_000
            if shared.withLock({ $0.isClosing }), leaving == nil {
                if answer != nil { return end(1_006, "given up", EngineError(.cancelled, "cancelled")) }
                leaving = now + Self.closing
            }
            if let leaving {
                guard now < leaving else { return end(1_006, "no goodbye was heard", nil) }
                wait = leaving - now
            }
            let silence = answer == nil ? request.silenceMilliseconds : request.connectMilliseconds
            if silence > 0, !isFull {
                guard now - heard < silence else {
                    return end(
                        1_006, "nothing came for \(DurationText.text(silence))",
                        EngineError(.timedOut, "\(origin) gave no answer within \(DurationText.text(silence))"))
                }
                wait = min(wait, silence - (now - heard))
            }
            if answer == nil, shared.withLock({ !$0.outgoing.isEmpty }), sent == sending.count { continue }
            var waited = [
                pollfd(
                    fd: socket, events: Int16(isFull ? 0 : POLLIN) | Int16(sent < sending.count ? POLLOUT : 0),
                    revents: 0),
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            ]
            poll(&waited, 2, Int32(wait))
            if waited[1].revents != 0 {
                var count: UInt64 = 0
                _ = Glibc.read(wake, &count, 8)
            }
        }
    }

    /// The last frame, as far as it goes out at once.
    private func sayGoodbye(_ handle: UnsafeMutableRawPointer) {
        let last = shared.withLock { $0.outgoing }
        var count = 0
        _ = last.withUnsafeBytes { curl_easy_send(handle, $0.baseAddress, $0.count, &count) }
    }

    private func head(_ address: String, _ key: String) -> String {
        let rest = address.drop { $0 != "/" }.dropFirst(2)
        let slash = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let path = rest[slash...]
        var lines = [
            "GET \(path.hasPrefix("/") ? "" : "/")\(path.prefix { $0 != "#" }) HTTP/1.1",
            "Host: \(rest[..<slash].split(separator: "@").last ?? "")", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Extensions: \(MessageDeflate.extensionHeader)",
        ]
        for header in request.headers
        where !(header.name + header.value).unicodeScalars.contains(where: { $0.value < 0x20 }) {
            lines.append("\(header.name): \(header.value)")
        }
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// - Returns: false when the connection has ended.
    private func take(
        _ bytes: [UInt8], _ answer: inout [UInt8]?, _ key: String, _ reader: inout WebSocketReader
    ) -> Bool {
        var frames = bytes
        if var head = answer {
            head += bytes
            guard let end = head.firstRange(of: Array("\r\n\r\n".utf8)) else {
                answer = head
                guard head.count <= Self.headLimit else {
                    self.end(
                        1_006, "the answer's head is too long",
                        EngineError(.tooLarge, "the head of the answer is too long"))
                    return false
                }
                return true
            }
            guard
                agree(
                    String(decoding: head[..<end.lowerBound], as: UTF8.self), Array(head[end.upperBound...]), key,
                    &reader)
            else { return false }
            answer = nil
            frames = Array(head[end.upperBound...])
        }
        var isOver = false
        do throws(WebSocketFault) {
            try reader.read(frames) { event in
                switch event {
                case .text(let bytes): deliver(.text(String(decoding: bytes, as: UTF8.self)))
                case .binary(let bytes): deliver(.binary(bytes))
                case .ping(let payload): reply(WebSocketFrame.bytes(.pong, payload, mask: .random(in: .min ... .max)))
                case .pong: break
                case .close(let code, let reason):
                    isOver = true
                    reply(WebSocketFrame.close(code.map { min($0, 4_999) }, mask: .random(in: .min ... .max)))
                    self.end(code ?? 1_005, reason, nil)
                }
            }
        } catch {
            reply(WebSocketFrame.close(error.code, error.reason, mask: .random(in: .min ... .max)))
            self.end(error.code, error.reason, nil)
            return false
        }
        return !isOver
    }

    private func reply(_ frame: [UInt8]) { shared.withLock { $0.outgoing += frame } }

    /// Whether the other side speaks WebSocket.
    private func agree(_ head: String, _ body: [UInt8], _ key: String, _ reader: inout WebSocketReader) -> Bool {
        let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmed
        }
        guard status == 101 else {
            let words = String(decoding: body.prefix(200), as: UTF8.self).trimmed
            let code: EngineError.Code =
                switch status {
                case 401, 403: .unauthorized
                case 503, 502, 504, 429: .unreachable
                default: .refused
                }
            var error = EngineError(code, "\(origin) answers HTTP \(status)\(words.isEmpty ? "" : ": \(words)")")
            error.status = status
            error.retryAfter = headers["retry-after"].flatMap { Double($0) }
            end(1_006, error.message, error)
            return false
        }
        guard headers["sec-websocket-accept"] == WebSocketKey.accept(key) else {
            end(1_006, "", EngineError(.protocolViolation, "\(origin) does not speak WebSocket"))
            return false
        }
        let isCompressed = headers["sec-websocket-extensions"]?.contains("permessage-deflate") == true
        if isCompressed { reader.inflater = MessageDeflate() }
        let opening = shared.withLock { shared in
            shared.isCompressed = isCompressed
            defer { shared.opening = nil }
            return shared.opening
        }
        opening?.resume(returning: .success(()))
        return true
    }

    private func deliver(_ message: WebSocketMessage) {
        let reader = shared.withLock { shared -> CheckedContinuation<WebSocketMessage?, Never>? in
            if let reader = shared.reader {
                shared.reader = nil
                return reader
            }
            shared.incoming.append(message)
            shared.incomingBytes += Self.size(message)
            return nil
        }
        reader?.resume(returning: message)
    }

    private func end(_ code: Int, _ reason: String, _ error: EngineError?) {
        let (reader, opening) = shared.withLock { shared in
            if shared.ending == nil { shared.ending = WebSocketEnding(code: code, reason: reason) }
            defer { (shared.reader, shared.opening) = (nil, nil) }
            return (shared.reader, shared.opening)
        }
        reader?.resume(returning: nil)
        opening?.resume(
            returning: .failure(error ?? EngineError(.unreachable, "\(origin) closed the connection: \(reason)")))
    }
}
