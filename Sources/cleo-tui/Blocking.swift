import Dispatch
import Engine
import Synchronization

/// Where a task leaves its result for the thread that waits.
private final class Box<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
    let done = DispatchSemaphore(value: 0)
}

/// Waits on the main thread, which is none of the cooperative pool's, for work that runs there.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) -> Value {
    let box = Box<Value>()
    Task {
        let value = await body()
        box.value.withLock { $0 = value }
        box.done.signal()
    }
    box.done.wait()
    guard let value = box.value.withLock({ $0 }) else { preconditionFailure("blocking, without a result") }
    return value
}

/// The same for work that can fail.
func blocking<Value: Sendable>(
    _ body: @escaping @Sendable () async throws(EngineError) -> Value
) throws(EngineError) -> Value {
    let result: Result<Value, EngineError> = blocking { () async -> Result<Value, EngineError> in
        do throws(EngineError) { return .success(try await body()) } catch { return .failure(error) }
    }
    return try result.get()
}
