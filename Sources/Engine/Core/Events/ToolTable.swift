/// The tool servers of a session and how they fared.
package struct ToolTable: Projection {
    package struct Count: Sendable, Equatable {
        package var calls = 0
        package var running = 0
        package var failures = 0
        package init() {}
    }

    /// By name.
    package private(set) var handlers: [HandlerState] = []
    package private(set) var counts: [String: Count] = [:]
    private var handlerOfCall: [CallID: String] = [:]

    package init() {}

    package mutating func apply(_ event: EngineEvent) {
        switch event.body {
        case .handlerChanged(let state):
            if let index = handlers.firstIndex(where: { $0.handler == state.handler }) {
                handlers[index] = state
            } else {
                handlers.append(state)
                handlers.sort { $0.handler < $1.handler }
            }
        case .toolCallStarted(let started):
            guard let handler = started.handler else { return }
            handlerOfCall[started.call.id] = handler
            counts[handler, default: Count()].calls += 1
            counts[handler, default: Count()].running += 1
        case .toolCallFinished(let outcome):
            guard let handler = handlerOfCall.removeValue(forKey: outcome.call) else { return }
            counts[handler, default: Count()].running -= 1
            if outcome.status == .failed { counts[handler, default: Count()].failures += 1 }
        case .turnFinished, .turnFailed:
            handlerOfCall = [:]
            for handler in counts.keys { counts[handler]?.running = 0 }
        default: break
        }
    }

    package func state(of handler: String) -> HandlerState? { handlers.first { $0.handler == handler } }
}
