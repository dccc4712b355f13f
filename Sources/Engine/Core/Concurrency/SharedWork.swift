import Synchronization

/// Several callers, one piece of work: who comes while it runs waits for the same result. Who is cancelled leaves; when
/// the last one has left, the work is cancelled.
package final class SharedWork<Value: Sendable>: Sendable {
    private typealias Waiter = CheckedContinuation<Result<Value, EngineError>, Never>

    private struct State {
        var task: Task<Void, Never>?
        var waiters: [Int: Waiter] = [:]
        var number = 0
        /// Tells a work that has ended from one that began after it.
        var run = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func run(
        _ work: @escaping @Sendable () async throws(EngineError) -> Value
    ) async throws(EngineError) -> Value {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        let result: Result<Value, EngineError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = state.withLock { state -> Bool in
                    if Task.isCancelled { return true }
                    state.waiters[number] = continuation
                    if state.task == nil { begin(work, &state) }
                    return false
                }
                if isCancelled { continuation.resume(returning: .failure(EngineError(.cancelled, "cancelled"))) }
            }
        } onCancel: {
            leave(number)
        }
        return try result.get()
    }

    private func begin(_ work: @escaping @Sendable () async throws(EngineError) -> Value, _ state: inout State) {
        state.run += 1
        let run = state.run
        state.task = Task {
            let result: Result<Value, EngineError>
            do throws(EngineError) { result = .success(try await work()) } catch { result = .failure(error) }
            self.end(run, result)
        }
    }

    private func end(_ run: Int, _ result: Result<Value, EngineError>) {
        let waiters = state.withLock { state -> [Waiter] in
            guard state.run == run else { return [] }
            defer { (state.task, state.waiters) = (nil, [:]) }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: result) }
    }

    private func leave(_ number: Int) {
        let (waiter, task) = state.withLock { state -> (Waiter?, Task<Void, Never>?) in
            guard let waiter = state.waiters.removeValue(forKey: number) else { return (nil, nil) }
            guard state.waiters.isEmpty else { return (waiter, nil) }
            // What comes next begins anew.
            state.run += 1
            defer { state.task = nil }
            return (waiter, state.task)
        }
        task?.cancel()
        waiter?.resume(returning: .failure(EngineError(.cancelled, "cancelled")))
    }
}
