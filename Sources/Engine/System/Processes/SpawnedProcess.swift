import CProcess
import Dispatch
import Engine
import Glibc
import Synchronization

/// A child with its pipes.
///
/// Concurrency: one thread reads its output and one its errors; writing happens on a queue thread of its own. All
/// state is under the lock.
final class SpawnedProcess: ChildProcess {
    private struct State {
        var input: Int32
        var waiting: [UInt8] = []
        var isFull = false
        var isClosed = false
        var reader: CheckedContinuation<[UInt8]?, Never>?
        var errors: [String] = []
        var partialError: [UInt8] = []
        var code: Int32?
        var toWrite: [(bytes: [UInt8], done: CheckedContinuation<Bool, Never>)] = []
        var isWriting = false
        /// The input is to be closed by whoever writes at the moment: a descriptor that is closed under a write may
        /// be another file when the write goes on.
        var closesAfterWriting = false
    }

    /// Output that waits for the reader before the child is held back.
    private static let outputLimit = 1 << 20
    private static let errorLines = 50
    private static let errorLineBytes = 500

    private let pid: pid_t
    private let output: Int32
    private let state: Mutex<State>
    private let room = Signal()

    init(pid: pid_t, input: Int32, output: Int32, errors: Int32) {
        self.pid = pid
        self.output = output
        state = Mutex(State(input: input))
        WorkerThread.start { self.readOutput() }
        WorkerThread.start { self.readErrors(errors) }
    }

    // MARK: Output

    private func readOutput() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(output, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            let isFull = deliver(buffer[..<count])
            if isFull { room.wait() }
        }
        close(output)
        // Most programs close their output by ending; how they ended is part of the news.
        _ = reap(milliseconds: 300)
        let reader = state.withLock { state in
            state.isClosed = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    /// - Returns: whether reading has to wait.
    private func deliver(_ bytes: ArraySlice<UInt8>) -> Bool {
        let (reader, isFull) = state.withLock { state -> (CheckedContinuation<[UInt8]?, Never>?, Bool) in
            if let reader = state.reader {
                state.reader = nil
                return (reader, false)
            }
            // Once it was stopped, what still comes is nobody's.
            guard !state.isClosed else { return (nil, false) }
            state.waiting += bytes
            state.isFull = state.waiting.count >= Self.outputLimit
            return (nil, state.isFull)
        }
        reader?.resume(returning: Array(bytes))
        return isFull
    }

    func output() async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            var goOn = false
            let now: [UInt8]?? = state.withLock { state in
                if !state.waiting.isEmpty {
                    goOn = state.isFull
                    defer {
                        state.waiting = []
                        state.isFull = false
                    }
                    return .some(state.waiting)
                }
                if state.isClosed { return .some(nil) }
                state.reader = continuation
                return nil
            }
            if goOn { room.give() }
            if let now { continuation.resume(returning: now) }
        }
    }

    // MARK: Errors

    private func readErrors(_ descriptor: Int32) {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            state.withLock { state in
                for byte in buffer[..<count] { Self.take(byte, &state) }
            }
        }
        close(descriptor)
    }

    private static func take(_ byte: UInt8, _ state: inout State) {
        guard byte == UInt8(ascii: "\n") else {
            if state.partialError.count < errorLineBytes { state.partialError.append(byte) }
            return
        }
        state.errors.append(String(decoding: state.partialError, as: UTF8.self))
        state.partialError = []
        if state.errors.count > errorLines { state.errors.removeFirst() }
    }

    var errorTail: [String] {
        state.withLock { state in
            state.partialError.isEmpty
                ? state.errors : state.errors + [String(decoding: state.partialError, as: UTF8.self)]
        }
    }

    // MARK: Input

    func write(_ bytes: [UInt8]) async throws(EngineError) {
        let isWritten = await withCheckedContinuation { continuation in
            let begins = state.withLock { state in
                state.toWrite.append((bytes, continuation))
                defer { state.isWriting = true }
                return !state.isWriting
            }
            if begins { WorkerThread.start { self.writeAll() } }
        }
        guard isWritten else {
            throw EngineError(
                .unreachable, "the program no longer reads its input" + (ending.map { ": it \($0)" } ?? ""))
        }
    }

    private func writeAll() {
        while true {
            let (next, toClose) = state.withLock { state -> (Write?, Int32) in
                guard !state.toWrite.isEmpty else {
                    state.isWriting = false
                    guard state.closesAfterWriting else { return (nil, -1) }
                    defer { state.input = -1 }
                    return (nil, state.input)
                }
                let first = state.toWrite.removeFirst()
                let input = state.closesAfterWriting ? -1 : state.input
                return (Write(input: input, bytes: first.bytes, done: first.done), -1)
            }
            if toClose >= 0 { close(toClose) }
            guard let next else { return }
            next.done.resume(returning: next.input >= 0 && Self.write(next.bytes, to: next.input))
        }
    }

    private struct Write {
        let input: Int32
        let bytes: [UInt8]
        let done: CheckedContinuation<Bool, Never>
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    // MARK: The end

    /// Reaps the child when it has ended. One thread at a time, or two would wait for the same child.
    private let reaping = Mutex(())

    private func reap(milliseconds: Int32) -> Bool {
        reaping.withLock { _ in
            if state.withLock({ $0.code != nil }) { return true }
            var code: Int32 = 0
            guard cproc_wait(pid, milliseconds, &code) != 0 else { return false }
            state.withLock { $0.code = code }
            return true
        }
    }

    var ending: String? {
        _ = reap(milliseconds: 0)
        return state.withLock { state in
            guard let code = state.code else { return nil }
            return code > 128 && code < 192 ? "was ended by signal \(code - 128)" : "exited with code \(code)"
        }
    }

    func stop() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            WorkerThread.start {
                self.end()
                continuation.resume()
            }
        }
    }

    /// The input ends first; who does not leave then is asked, and then made to. The group goes with its leader.
    func endInput() {
        let input = state.withLock { state -> Int32 in
            guard !state.isWriting else {
                state.closesAfterWriting = true
                return -1
            }
            defer { state.input = -1 }
            return state.input
        }
        if input >= 0 { close(input) }
    }

    private func end() {
        endInput()
        if !reap(milliseconds: 500) {
            kill(-pid, SIGTERM)
            if !reap(milliseconds: 1_500) {
                kill(-pid, SIGKILL)
                _ = reap(milliseconds: 5_000)
            }
        }
        kill(-pid, SIGKILL)
        // A grandchild that left the group may hold the output open; nobody waits for it.
        let reader = state.withLock { state in
            state.isClosed = true
            state.waiting = []
            state.isFull = false
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
        room.give()
    }
}

/// A thread waits until another one gives.
final class Signal: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    func wait() { semaphore.wait() }
    func give() { semaphore.signal() }
}
