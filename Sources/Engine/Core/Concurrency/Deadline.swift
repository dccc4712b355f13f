/// Runs `body` for at most `milliseconds`; then cancels it, waits until it has noticed, and throws `timedOut`.
/// - Parameters:
///   - what: what took too long, for the message: "the tool 'weather'".
///   - excluding: milliseconds so far that do not count.
package func withDeadline<Value: Sendable>(
    milliseconds: Int, clock: any EngineClock, _ what: String,
    excluding: @escaping @Sendable () -> Int = { 0 }, _ body: @escaping @Sendable () async throws(EngineError) -> Value
) async throws(EngineError) -> Value {
    let result: Result<Value, EngineError> = await withTaskGroup(of: Result<Value, EngineError>.self) { group in
        group.addTask {
            do throws(EngineError) { return .success(try await body()) } catch { return .failure(error) }
        }
        group.addTask {
            do throws(CancellationError) {
                try await clock.sleep(milliseconds: milliseconds)
                var given = 0
                while excluding() > given {
                    let more = excluding() - given
                    given += more
                    try await clock.sleep(milliseconds: more)
                }
                return .failure(
                    EngineError(.timedOut, "\(what) gave no answer within \(DurationText.text(milliseconds))"))
            } catch {
                return .failure(EngineError(.cancelled, "cancelled"))
            }
        }
        defer { group.cancelAll() }
        for await first in group { return first }
        return .failure(EngineError(.cancelled, "cancelled"))
    }
    return try result.get()
}
