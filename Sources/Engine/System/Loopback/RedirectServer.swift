package import Engine
import Synchronization

/// Where a browser comes back to after signing in. It takes the first answer, and stops.
package final class RedirectServer: RedirectListener {
    private struct State {
        var target: String?
        var isStopped = false
        var waiting: CheckedContinuation<String?, Never>?
    }

    private final class Box: Sendable {
        let state = Mutex(State())

        func take(_ target: String?) {
            let waiting = state.withLock { state -> CheckedContinuation<String?, Never>? in
                guard !state.isStopped else { return nil }
                state.isStopped = true
                state.target = target
                defer { state.waiting = nil }
                return state.waiting
            }
            waiting?.resume(returning: target)
        }
    }

    private static let path = "/callback"
    private let box = Box()
    private let server: LoopbackHTTPServer
    package var address: String { server.url + Self.path }

    /// - Parameter port: zero for any.
    /// - Throws: `unreachable` when the port is taken.
    package init(port: Int) throws(EngineError) {
        let box = box
        server = try LoopbackHTTPServer(port: port) { request in
            // Browsers ask for icons, too.
            guard request.method == "GET", request.target.hasPrefix(Self.path + "?") else {
                return LoopbackResponse(status: 404)
            }
            let page = "<!doctype html><title>cleo-tui</title><p>That was all. Go back to your terminal.</p>"
            return LoopbackResponse(
                headers: [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")],
                // The person reads it before the server is taken away.
                stream: { write in
                    _ = write(Array(page.utf8))
                    box.take(request.target)
                })
        }
    }

    package func wait() async -> String? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now: String?? = box.state.withLock { state in
                    if state.isStopped { return .some(state.target) }
                    state.waiting = continuation
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            box.take(nil)
        }
    }

    package func stop() {
        box.take(nil)
        server.stop()
    }
}
