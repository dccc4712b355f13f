/// The tool servers of a session and how they fared.
package struct ToolTable: Projection {
    package struct Count: Sendable, Equatable {
        package var calls = 0
        package var running = 0
        package var failures = 0
        /// Of the calls that have ended.
        package var milliseconds = 0
        package var slowest = 0
        package init() {}

        /// Nil before the first call has ended.
        package var mean: Int? { calls > running ? milliseconds / (calls - running) : nil }
    }

    package struct Last: Sendable, Equatable {
        package var call: ToolCall
        package var outcome: ToolOutcome?
    }

    /// By name.
    package private(set) var handlers: [HandlerState] = []
    package private(set) var counts: [String: Count] = [:]
    /// By tool.
    package private(set) var lastCalls: [String: Last] = [:]
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
            lastCalls[started.call.tool] = Last(call: started.call)
            guard let handler = started.handler else { return }
            handlerOfCall[started.call.id] = handler
            counts[handler, default: Count()].calls += 1
            counts[handler, default: Count()].running += 1
        case .toolCallFinished(let outcome):
            if lastCalls[outcome.tool]?.call.id == outcome.call { lastCalls[outcome.tool]?.outcome = outcome }
            guard let handler = handlerOfCall.removeValue(forKey: outcome.call) else { return }
            var count = counts[handler] ?? Count()
            count.running -= 1
            count.milliseconds += outcome.milliseconds
            count.slowest = max(count.slowest, outcome.milliseconds)
            if outcome.status == .failed { count.failures += 1 }
            counts[handler] = count
        case .turnFinished, .turnFailed:
            handlerOfCall = [:]
            for handler in counts.keys { counts[handler]?.running = 0 }
        default: break
        }
    }

    package func state(of handler: String) -> HandlerState? { handlers.first { $0.handler == handler } }
}
