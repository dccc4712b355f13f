/// Where a session's workflow stands: a fold over its events, so that it survives a restart.
package struct WorkflowLog: Projection {
    package private(set) var state: String?
    /// States in the order in which they were entered.
    package private(set) var entered: [String] = []
    package private(set) var moves: [WorkflowMoved] = []
    package private(set) var artifacts: [String: String] = [:]
    /// What the state before wanted this one to know.
    package private(set) var context = ""
    package private(set) var isComplete = false
    package private(set) var started: Timestamp?
    /// Tool calls of the agent since the start.
    package private(set) var toolCalls = 0
    /// States in which the agent said something.
    package private(set) var spoke: Set<String> = []
    /// Tools that were called, with their states.
    package private(set) var calls: [(state: String, tool: String)] = []

    package init() {}

    package func visits(_ state: String) -> Int { entered.count { $0 == state } }

    package mutating func apply(_ event: EngineEvent) {
        switch event.body {
        case .workflowMoved(let moved):
            if moved.cause == .start {
                self = WorkflowLog()
                started = event.at
            }
            state = moved.to
            entered.append(moved.to)
            moves.append(moved)
            context = moved.context ?? ""
            isComplete = moved.isEnd
        case .artifactSet(let artifact): artifacts[artifact.name] = artifact.value
        case .toolCallFinished(let outcome):
            // What was refused did not happen.
            guard event.turn != nil, outcome.status != .denied, let state else { return }
            toolCalls += 1
            calls.append((state, outcome.tool))
        case .messageCompleted(let message):
            if let state, !message.text.isEmpty { spoke.insert(state) }
        default: break
        }
    }

    package static func == (a: Self, b: Self) -> Bool {
        a.state == b.state && a.entered == b.entered && a.moves == b.moves && a.artifacts == b.artifacts
            && a.context == b.context && a.isComplete == b.isComplete && a.started == b.started
            && a.toolCalls == b.toolCalls && a.spoke == b.spoke && a.calls.elementsEqual(b.calls, by: ==)
    }
}
