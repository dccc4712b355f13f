import Glibc

/// A thread of our own, for calls that wait: they never take one of the cooperative pool.
enum WorkerThread {
    private final class Body {
        let work: @Sendable () -> Void
        init(_ work: @escaping @Sendable () -> Void) { self.work = work }
    }

    static func start(_ work: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let body = Unmanaged.passRetained(Body(work))
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().work()
                return nil
            }, body.toOpaque())
        guard code == 0 else { preconditionFailure("pthread_create, \(code)") }
        pthread_detach(thread)
    }
}
extension WorkerThread {
    /// Runs something that waits on a thread of its own.
    static func value<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            start { continuation.resume(returning: work()) }
        }
    }
}
