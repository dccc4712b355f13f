import CProcess
package import Engine
import Glibc
import Synchronization

/// Listens, and hands each connection over. One thread waits for all of them (epoll).
///
/// Concurrency: all that changes is under a lock of its own; a connection's own state is under its own lock.
package final class SocketServer: Sendable {
    package let port: Int
    private let listener: Int32
    private let poller = cproc_poller()
    private let wake = cproc_wake()
    private let open = Mutex<[Int32: AcceptedSocket]>([:])
    private let ended = Mutex<[Int32]>([])
    private let isStopping = Mutex(false)
    private let isStopped = Mutex(false)
    private let limit: Int
    private let certificate: ServerCertificate?
    private let accept: @Sendable (any ServerSocket) -> Void

    /// - Parameters:
    ///   - address: an IPv4 address of this machine.
    ///   - port: zero for any.
    ///   - limit: of connections at once; one more is closed at once.
    /// - Throws: `unreachable` when the port is taken.
    package init(
        address: String = "127.0.0.1", port: Int, certificate: ServerCertificate? = nil, limit: Int = 1_000,
        accept: @escaping @Sendable (any ServerSocket) -> Void
    ) throws(EngineError) {
        var bound: Int32 = 0
        listener = cproc_listen_at(address, Int32(port), &bound)
        guard listener >= 0 else {
            throw EngineError(
                .unreachable, "\(address):\(port) cannot be listened on: \(SystemWords.of(errno))",
                hint: "is it in use, or not an address of this machine?")
        }
        self.port = Int(bound)
        self.limit = limit
        self.certificate = certificate
        self.accept = accept
        watch(listener, reads: true, isNew: true)
        watch(wake, reads: true, isNew: true)
        WorkerThread.start { self.run() }
    }

    /// Takes no more connections; those that are open stay.
    private func stopListening() {
        isStopping.withLock { $0 = true }
        shutdown(listener, Int32(SHUT_RDWR))
        cproc_unwatch(poller, listener)
    }

    package func stop() {
        isStopped.withLock { $0 = true }
        stopListening()
        ring()
    }

    package var connections: Int { open.withLock { $0.count } }

    private func ring() {
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    fileprivate func watch(_ descriptor: Int32, reads: Bool, writes: Bool = false, isNew: Bool = false) {
        let what = (reads ? CPROC_READ : 0) | (writes ? CPROC_WRITE : 0)
        cproc_watch(poller, descriptor, Int32(what), isNew ? 1 : 0)
    }

    /// Only the loop closes: a number that is free may be somebody else's a moment later.
    fileprivate func forget(_ descriptor: Int32) {
        shutdown(descriptor, Int32(SHUT_RDWR))
        ended.withLock { $0.append(descriptor) }
        ring()
    }

    private func closeEnded() {
        for descriptor in ended.withLock({ list in
            defer { list = [] }
            return list
        }) {
            _ = open.withLock { $0.removeValue(forKey: descriptor) }
            Glibc.close(descriptor)
        }
    }

    private func run() {
        var handles = [Int32](repeating: 0, count: 256)
        var whats = [Int32](repeating: 0, count: 256)
        var buffer = [UInt8](repeating: 0, count: 128 << 10)
        var looked = 0
        while !isStopped.withLock({ $0 }) {
            let count = cproc_ready(poller, &handles, &whats, Int32(handles.count), 500)
            for index in 0..<Int(count) {
                let (descriptor, what) = (handles[index], Int(whats[index]))
                if descriptor == listener {
                    takeAll()
                } else if descriptor == wake {
                    var number: UInt64 = 0
                    _ = read(wake, &number, 8)
                } else if let socket = open.withLock({ $0[descriptor] }) {
                    if what & CPROC_WRITE != 0 { socket.flush() }
                    if what & CPROC_READ != 0 { socket.receive(&buffer) }
                }
            }
            closeEnded()
            let now = CurlLoop.milliseconds()
            guard now - looked >= 500 else { continue }
            looked = now
            if !isStopping.withLock({ $0 }) { watch(listener, reads: true) }
            for socket in open.withLock({ Array($0.values) }) { socket.lookAtClock(now) }
        }
        for socket in open.withLock({ Array($0.values) }) { socket.drop() }
        closeEnded()
        Glibc.close(listener)
        Glibc.close(poller)
        Glibc.close(wake)
    }

    private func takeAll() {
        while true {
            let descriptor = cproc_accept(listener)
            guard descriptor >= 0 else {
                // Too many open files: who waits is looked at again in a while.
                if errno == EMFILE || errno == ENFILE { watch(listener, reads: false) }
                return
            }
            guard connections < limit else {
                Glibc.close(descriptor)
                continue
            }
            let socket = AcceptedSocket(descriptor, self, certificate)
            open.withLock { $0[descriptor] = socket }
            watch(descriptor, reads: true, isNew: true)
            accept(AcceptedHandle(socket))
        }
    }
}

/// Holds a connection for who serves it; when it goes, so does the connection.
private final class AcceptedHandle: ServerSocket {
    private let socket: AcceptedSocket
    init(_ socket: AcceptedSocket) { self.socket = socket }
    deinit { socket.close() }
    func next(within milliseconds: Int) async -> [UInt8]? { await socket.next(within: milliseconds) }
    var isGone: Bool { socket.isGone }
    var waitingBytes: Int { socket.waitingBytes }
    func write(_ bytes: [UInt8]) -> Bool { socket.write(bytes) }
    func close() { socket.close() }
}

/// One connection. Reading pauses while its reader is behind; one that does not read is dropped.
final class AcceptedSocket: Sendable {
    private struct State {
        var incoming: [UInt8] = []
        var reader: CheckedContinuation<[UInt8]?, Never>?
        /// When the reader has waited long enough; zero: never.
        var until = 0
        var outgoing: [UInt8] = []
        var sent = 0
        var isClosing = false
        /// While it closes: when the other side last took something.
        var movedAt = 0
        var isGone = false
        var wantsRoom = false
        var tls: TLSSession?
        var isPaused = false
    }

    private static let incomingLimit = 1 << 20
    /// What waits for a slow reader before it is dropped.
    private static let outgoingLimit = 32 << 20

    /// How long the rest of the bytes may wait for a reader that does not read.
    private static let farewell = 15_000

    private let descriptor: Int32
    private unowned let server: SocketServer
    private let state: Mutex<State>

    init(_ descriptor: Int32, _ server: SocketServer, _ certificate: ServerCertificate?) {
        var first = State()
        first.tls = certificate.map { TLSSession($0) }
        state = Mutex(first)
        self.descriptor = descriptor
        self.server = server
    }

    // MARK: who serves

    func next(within milliseconds: Int) async -> [UInt8]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now: [UInt8]?? = state.withLock { state in
                    if !state.incoming.isEmpty {
                        defer { state.incoming = [] }
                        if state.isPaused, !state.isGone {
                            state.isPaused = false
                            rewatch(state)
                        }
                        return .some(state.incoming)
                    }
                    if state.isGone || Task.isCancelled { return .some(nil) }
                    state.reader = continuation
                    state.until = milliseconds > 0 ? CurlLoop.milliseconds() + milliseconds : 0
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            let reader = state.withLock { state in
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume(returning: nil)
        }
    }

    var isGone: Bool { state.withLock { $0.isGone } }
    var waitingBytes: Int { state.withLock { $0.outgoing.count - $0.sent } }

    func write(_ bytes: [UInt8]) -> Bool {
        let isSlow = state.withLock { state -> Bool? in
            guard !state.isGone, !state.isClosing else { return nil }
            guard state.outgoing.count - state.sent + bytes.count <= Self.outgoingLimit else { return true }
            guard let tls = state.tls else {
                state.outgoing += bytes
                return false
            }
            let isWell = tls.send(bytes)
            state.outgoing += tls.take()
            return !isWell
        }
        switch isSlow {
        case nil: return false
        case true?:
            drop()
            return false
        case false?:
            flush()
            return true
        }
    }

    func close() {
        let isDone = state.withLock { state in
            if let tls = state.tls, !state.isClosing, !state.isGone {
                tls.close()
                state.outgoing += tls.take()
            }
            state.isClosing = true
            state.movedAt = CurlLoop.milliseconds()
            return state.outgoing.count == state.sent
        }
        if isDone { drop() } else { flush() }
    }

    // MARK: the loop

    private func rewatch(_ state: borrowing State) {
        server.watch(descriptor, reads: !state.isPaused, writes: state.wantsRoom)
    }

    func flush() {
        let isOver = state.withLock { state -> Bool in
            guard !state.isGone else { return false }
            while state.sent < state.outgoing.count {
                let count = state.outgoing.withUnsafeBytes { bytes in
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[state.sent...])
                    return send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    guard errno == EAGAIN else { return true }
                    if !state.wantsRoom {
                        state.wantsRoom = true
                        rewatch(state)
                    }
                    return false
                }
                state.sent += count
                if state.isClosing { state.movedAt = CurlLoop.milliseconds() }
            }
            state.outgoing.removeAll(keepingCapacity: state.outgoing.capacity < 1 << 18)
            state.sent = 0
            if state.wantsRoom {
                state.wantsRoom = false
                rewatch(state)
            }
            return state.isClosing
        }
        if isOver { drop() }
    }

    func receive(_ buffer: inout [UInt8]) {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else { return drop() }
        guard let piece = opened(Array(buffer[..<count])) else { return drop() }
        guard !piece.isEmpty else { return }
        let reader = state.withLock { state -> CheckedContinuation<[UInt8]?, Never>? in
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            state.incoming += piece
            if state.incoming.count > Self.incomingLimit, !state.isPaused {
                state.isPaused = true
                rewatch(state)
            }
            return nil
        }
        reader?.resume(returning: piece)
    }

    /// What stands in what came; nil when it is not what was agreed on.
    private func opened(_ bytes: [UInt8]) -> [UInt8]? {
        let (plain, answers) = state.withLock { state -> ([UInt8]?, Bool) in
            guard let tls = state.tls else { return (bytes, false) }
            let plain = tls.receive(bytes)
            let answer = tls.take()
            state.outgoing += answer
            return (plain, !answer.isEmpty)
        }
        if answers { flush() }
        return plain
    }

    func lookAtClock(_ now: Int) {
        if state.withLock({ $0.isClosing && now - $0.movedAt > Self.farewell }) { return drop() }
        let reader = state.withLock { state -> CheckedContinuation<[UInt8]?, Never>? in
            guard state.until > 0, now >= state.until, state.reader != nil else { return nil }
            defer { (state.reader, state.until) = (nil, 0) }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    func drop() {
        let (isFirst, reader) = state.withLock { state -> (Bool, CheckedContinuation<[UInt8]?, Never>?) in
            guard !state.isGone else { return (false, nil) }
            state.isGone = true
            state.outgoing = []
            state.sent = 0
            defer { state.reader = nil }
            return (true, state.reader)
        }
        guard isFirst else { return }
        reader?.resume(returning: nil)
        server.forget(descriptor)
    }
}
