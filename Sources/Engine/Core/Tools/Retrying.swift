extension RetryPolicy {
    /// Does something again after passing trouble, as often as the policy allows.
    /// - Parameter work: gets the number of the attempt, from one on.
    func run<Result: Sendable>(
        clock: any EngineClock, _ work: (Int) async throws(EngineError) -> Result
    ) async throws(EngineError) -> Result {
        var attempt = 1
        while true {
            let failure: EngineError
            do throws(EngineError) {
                return try await work(attempt)
            } catch {
                failure = error
            }
            guard attempt < maxAttempts, covers(failure), !Task.isCancelled else { throw failure }
            do throws(CancellationError) {
                try await clock.sleep(milliseconds: pause(after: failure, attempt: attempt))
            } catch {
                throw EngineError(.cancelled, "cancelled")
            }
            attempt += 1
        }
    }

    private func covers(_ failure: EngineError) -> Bool {
        if let status = failure.status { return retryOn.contains(status) }
        return failure.code == .unreachable && retryOnNetworkError
    }

    private func pause(after failure: EngineError, attempt: Int) -> Int {
        var wait = Double(initialBackoff)
        for _ in 1..<attempt { wait *= multiplier }
        if respectRetryAfter, let asked = failure.retryAfter { wait = max(wait, asked * 1_000) }
        return Int(min(wait, Double(maxBackoff)))
    }
}
