import CCurl
import Engine
import Synchronization

/// One request on its way. Concurrency: `shared` is under its lock; everything marked "loop" belongs to the curl
/// thread alone, hence `@unchecked`.
final class CurlTransfer: @unchecked Sendable {
    struct Head {
        var status = 0
        var version: String?
        var headers: [(name: String, value: String)] = []
    }

    private struct Shared {
        var head: Head?
        var trailers: [(name: String, value: String)] = []
        var buffer: [UInt8] = []
        var isPaused = false
        var end: Result<Void, EngineError>?
        var headWaiter: CheckedContinuation<Result<Head, EngineError>, Never>?
        var bodyWaiter: CheckedContinuation<Result<[UInt8]?, EngineError>, Never>?
        /// Nobody reads any more; what comes is thrown away.
        var isAbandoned = false
    }

    /// Bytes that wait for the reader before the sender is held back.
    private static let highWater = 1 << 18
    private static let headerLimit = 256 << 10

    let request: HTTPRequest
    let network: NetworkSettings
    private let shared = Mutex(Shared())
    private let loop: CurlLoop

    // Loop:
    var handle: UnsafeMutableRawPointer?
    var headerList: UnsafeMutablePointer<curl_slist>?
    let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    var failure: EngineError?
    var started = 0
    private(set) var lastByte = 0
    private(set) var hasHead = false
    private(set) var isHeldBack = false
    /// Bytes that are still read away when nobody reads; nil while somebody does.
    var abandonedLeft: Int?
    /// When an abandoned transfer ends in any case.
    var abandonedUntil = 0
    private var partial = Head()
    private var headerBytes = 0
    private var bodyBytes = 0

    init(_ request: HTTPRequest, _ network: NetworkSettings, loop: CurlLoop) {
        self.request = request
        self.network = network
        self.loop = loop
        errorText[0] = 0
    }

    deinit { errorText.deallocate() }

    /// `http://127.0.0.1:8080`, for messages: paths and queries may hold secrets.
    var origin: String {
        let parts = request.url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return request.url }
        return "\(parts[0])//\(parts[2].split(separator: "@").last ?? "")"
    }

    // MARK: Loop

    func restartIdle(_ now: Int) {
        isHeldBack = false
        lastByte = now
    }

    func refuseLinkLocal() {
        failure = EngineError(
            .refused, "\(origin) is a link-local address, where clouds keep their metadata and credentials",
            hint: "if a tool really needs it: network: {allow_link_local: true} in cleo.yaml")
    }

    /// - Returns: false to end the transfer.
    func takeHeader(_ bytes: UnsafeRawBufferPointer, now: Int) -> Bool {
        lastByte = now
        headerBytes += bytes.count
        guard headerBytes <= Self.headerLimit else {
            failure = EngineError(.tooLarge, "the headers of \(origin) are larger than \(Self.headerLimit) bytes")
            return false
        }
        let line = String(decoding: bytes, as: UTF8.self).filter { $0 != "\r" && $0 != "\n" && $0 != "\r\n" }
        if hasHead {
            // What comes after the body.
            if let field = Self.field(line) { shared.withLock { $0.trailers.append(field) } }
        } else if line.isEmpty {
            // 1xx answers come before the real one.
            guard partial.status >= 200 else { return true }
            hasHead = true
            let head = partial
            let waiter = shared.withLock { state in
                state.head = head
                defer { state.headWaiter = nil }
                return state.headWaiter
            }
            waiter?.resume(returning: .success(head))
        } else if line.hasPrefix("HTTP/") {
            let parts = line.split(separator: " ", maxSplits: 2)
            partial = Head(
                status: parts.count > 1 ? Int(parts[1]) ?? 0 : 0, version: String(parts[0].dropFirst(5)))
        } else if let field = Self.field(line) {
            partial.headers.append(field)
        }
        return true
    }

    private static func field(_ line: String) -> (name: String, value: String)? {
        guard let colon = line.firstIndex(of: ":") else { return nil }
        return (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }))
    }

    /// - Returns: how many bytes were taken, or that the transfer has to wait.
    func takeBody(_ bytes: UnsafeRawBufferPointer, now: Int) -> Int {
        lastByte = now
        guard request.bodyLimit == 0 || bodyBytes + bytes.count <= request.bodyLimit else {
            failure = EngineError(.tooLarge, "the answer of \(origin) is larger than \(request.bodyLimit) bytes")
            return 0
        }
        if let left = abandonedLeft {
            // Too much for an end: the connection is not worth it.
            abandonedLeft = left - bytes.count
            return left < bytes.count ? 0 : bytes.count
        }
        var waiter: CheckedContinuation<Result<[UInt8]?, EngineError>, Never>?
        let taken = shared.withLock { state -> Bool in
            if let waiting = state.bodyWaiter {
                waiter = waiting
                state.bodyWaiter = nil
                return true
            }
            if !state.buffer.isEmpty, state.buffer.count + bytes.count > Self.highWater {
                state.isPaused = true
                return false
            }
            state.buffer.append(contentsOf: bytes)
            return true
        }
        guard taken else {
            isHeldBack = true
            return CC_WRITE_PAUSE
        }
        bodyBytes += bytes.count
        waiter?.resume(returning: .success([UInt8](bytes)))
        return bytes.count
    }

    /// The end; what was buffered before can still be read.
    func finish(_ result: Result<Void, EngineError>) {
        let (headWaiter, bodyWaiter) = shared.withLock { state in
            if state.end == nil { state.end = result }
            defer {
                state.headWaiter = nil
                state.bodyWaiter = nil
            }
            return (state.headWaiter, state.bodyWaiter)
        }
        headWaiter?.resume(
            returning: result.flatMap { .failure(EngineError(.protocolViolation, "\(origin) sent no answer")) })
        bodyWaiter?.resume(returning: result.map { nil })
    }

    // MARK: Reader

    var trailers: [(name: String, value: String)] { shared.withLock { $0.trailers } }

    func cancel() {
        if shared.withLock({ $0.end == nil && !$0.isAbandoned }) { loop.cancel(self) }
    }

    /// Lets the answer come to its end without a reader, if that is near.
    func abandon() {
        shared.withLock { state in
            state.isAbandoned = true
            state.buffer = []
            state.isPaused = false
        }
        loop.abandon(self)
    }

    func head() async throws(EngineError) -> Head {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now: Result<Head, EngineError>? = shared.withLock { state in
                    if let head = state.head { return .success(head) }
                    if case .failure(let error) = state.end { return .failure(error) }
                    state.headWaiter = continuation
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            loop.cancel(self)
        }
        return try result.get()
    }

    func next() async throws(EngineError) -> [UInt8]? {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                var goOn = false
                let now: Result<[UInt8]?, EngineError>? = shared.withLock { state in
                    if !state.buffer.isEmpty {
                        defer {
                            state.buffer = []
                            state.isPaused = false
                        }
                        goOn = state.isPaused
                        return .success(state.buffer)
                    }
                    if let end = state.end { return end.map { nil } }
                    state.bodyWaiter = continuation
                    return nil
                }
                if goOn { loop.resume(self) }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            loop.cancel(self)
        }
        return try result.get()
    }
}
