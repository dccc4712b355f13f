import Synchronization

/// Lets so many in at once, and so many within a minute. Who has to wait for room waits in turn; a minute that is full
/// is an answer.
package final class Gate: Sendable {
    package struct Limits: Sendable, Equatable {
        /// At once; nil: as many as come.
        package var parallel: Int?
        package var perMinute: Int?

        package init(parallel: Int? = nil, perMinute: Int? = nil) {
            self.parallel = parallel
            self.perMinute = perMinute
        }
    }

    private struct State {
        var inside = 0
        var waiting: [(number: Int, continuation: CheckedContinuation<Bool, Never>)] = []
        var number = 0
        /// When the calls of the last minute began, in milliseconds.
        var recent: [Int] = []
    }

    private let limits: Limits
    private let clock: any EngineClock
    private let state = Mutex(State())

    package init(_ limits: Limits, clock: any EngineClock) {
        self.limits = limits
        self.clock = clock
    }

    /// - Parameter what: for whom the gate stands, for people.
    /// - Throws: `rateLimited` when the minute is full, `cancelled` when the task was while it waited.
    package func enter(_ what: String) async throws(EngineError) {
        let now = clock.now().milliseconds
        let full: Int? = state.withLock { state in
            guard let limit = limits.perMinute else { return nil }
            state.recent.removeAll { $0 <= now - 60_000 }
            guard state.recent.count >= limit, let first = state.recent.first else {
                state.recent.append(now)
                return nil
            }
            return first + 60_000 - now
        }
        if let full, let limit = limits.perMinute {
            throw EngineError(
                .rateLimited,
                "'\(what)' may be called \(limit) times a minute; the next call is possible in \(DurationText.text(full))",
                retryAfter: Double(full) / 1_000)
        }
        guard let parallel = limits.parallel else { return }
        let number = state.withLock { state -> Int in
            state.number += 1
            return state.number
        }
        let isIn = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                let now: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    guard state.inside >= parallel else {
                        state.inside += 1
                        return true
                    }
                    state.waiting.append((number, continuation))
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0).continuation }
            }
            waiter?.resume(returning: false)
        }
        guard isIn else { throw EngineError(.cancelled, "cancelled") }
    }

    /// Once for each time that `enter` returned.
    package func leave() {
        guard limits.parallel != nil else { return }
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard !state.waiting.isEmpty else {
                state.inside -= 1
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: true)
    }
}
