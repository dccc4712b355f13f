import Synchronization

/// The waist between an engine and whoever looks at it: commands go down, events come up.
package protocol EngineClient: Sendable {
    /// Hands a command over. Returns when the engine has taken it, not when its work is done.
    func submit(_ command: EngineCommand) async throws(EngineError)
    /// What the log holds after `sequence`, then what happens: no gap, no repeat.
    func feed(of session: SessionID, after sequence: Int) async throws(EngineError) -> EventFeed
}

package enum EngineCommand: Sendable, Equatable, Codable {
    /// Begins a turn. Refused (`busy`) while one runs.
    case send(SessionID, text: String, attachments: [Attachment] = [])
    /// Stops what runs: the turn, and tools that were called by hand.
    case cancelTurn(SessionID)
    case answerApproval(SessionID, CallID, ApprovalDecision)
    case answerQuestion(SessionID, QuestionID, QuestionReply)
    case rename(SessionID, title: String)
    /// Runs a tool without the model; the result is an event of no turn.
    case callTool(SessionID, tool: String, arguments: JSONValue)
    /// Moves the workflow by an event.
    case moveWorkflow(SessionID, event: String)
    /// Runs the evals that are due at the end of a session.
    case evaluate(SessionID)
    /// Gives variables of the prompt their values; null takes one back. They hold for every session of the workspace.
    case setVariables(SessionID, [String: JSONValue])
    /// Answers come from another model, or another provider, from the next turn on: a model's name, a provider's, or
    /// `PROVIDER/MODEL`. Holds for every session of the workspace, as long as the program runs.
    case chooseModel(SessionID, String)
    /// Fetches a prompt of an MCP server; what it gives comes as an event.
    case usePrompt(SessionID, handler: String, name: String, arguments: [String: String])
    case readResource(SessionID, handler: String, uri: String)
    /// Asks a server what may stand in an argument of its prompt.
    case completeArgument(
        SessionID, handler: String, prompt: String, argument: String, value: String, chosen: [String: String])
    /// Takes the person through a server's sign-in.
    case signIn(SessionID, handler: String)
    /// Answers for a tool until the program ends; nil lets the tool answer again.
    case mockTool(SessionID, String, JSONValue?)
    /// Sets a parameter of the model over what the files say; null takes it back.
    case setParameter(SessionID, String, JSONValue)

    /// The session that it is for, or comes from.
    package var session: SessionID {
        switch self {
        case .send(let id, _, _), .cancelTurn(let id), .answerApproval(let id, _, _), .answerQuestion(let id, _, _),
            .rename(let id, _), .callTool(let id, _, _), .moveWorkflow(let id, _), .evaluate(let id),
            .setVariables(let id, _), .chooseModel(let id, _), .usePrompt(let id, _, _, _),
            .readResource(let id, _, _), .completeArgument(let id, _, _, _, _, _), .signIn(let id, _),
            .mockTool(let id, _, _), .setParameter(let id, _, _):
            id
        }
    }
}

/// Events on their way to one reader.
///
/// Posting never blocks and never drops. Deltas of one message that wait are joined into one, and of a tool's progress
/// and of what runs the last word stands, so what waits for a slow reader is bounded by the text itself.
package final class EventFeed: Sendable {
    private struct State {
        var waiting: [EngineEvent] = []
        var reader: CheckedContinuation<[EngineEvent]?, Never>?
        var finished = false
    }

    private let state = Mutex(State())

    package init() {}

    package func post(_ events: [EngineEvent]) {
        let handover: (CheckedContinuation<[EngineEvent]?, Never>, [EngineEvent])? = state.withLock { state in
            guard !state.finished else { return nil }
            for event in events { Self.join(event, into: &state.waiting) }
            guard let reader = state.reader, !state.waiting.isEmpty else { return nil }
            let batch = state.waiting
            state.waiting = []
            state.reader = nil
            return (reader, batch)
        }
        handover.map { $0.0.resume(returning: $0.1) }
    }

    private static func join(_ event: EngineEvent, into waiting: inout [EngineEvent]) {
        guard let last = waiting.last else { return waiting.append(event) }
        switch (last.body, event.body) {
        case (.messageDelta(var before), .messageDelta(let delta))
        where before.message == delta.message && before.channel == delta.channel:
            before.text += delta.text
            waiting[waiting.count - 1].body = .messageDelta(before)
        case (.toolProgress(let before), .toolProgress(let progress)) where before.call == progress.call:
            waiting[waiting.count - 1] = event
        case (.wire(let before), .wire(let exchange)) where before.id == exchange.id:
            waiting[waiting.count - 1] = event
        case (.packChanged, .packChanged): waiting[waiting.count - 1] = event
        default: waiting.append(event)
        }
    }

    /// Everything that waits, or the next thing that comes; nil at the end. One reader at a time.
    package func next() async -> [EngineEvent]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now: [EngineEvent]?? = state.withLock { state in
                    if !state.waiting.isEmpty {
                        let batch = state.waiting
                        state.waiting = []
                        return .some(batch)
                    }
                    if state.finished { return .some(nil) }
                    state.reader = continuation
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            finish()
        }
    }

    /// Everything that waits, without waiting.
    package func take() -> [EngineEvent] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    package func finish() {
        let reader = state.withLock { state in
            state.finished = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    package var isFinished: Bool { state.withLock { $0.finished } }
}
