import Synchronization

/// Takes an answer whole.
package final class AnswerCollector: Sendable {
    package struct Answer: Sendable {
        package var text = ""
        package var reasoning = ""
        package var calls: [ToolCall] = []
        package var usage: TokenUsage?
        package var cost: Money?
        package var native: NativeAnswer?
        package var stop: StopReason?
        /// Another provider than the one that was asked.
        package var identity: ProviderIdentity?
    }

    private let state = Mutex(Answer())

    package init() {}

    package var answer: Answer { state.withLock { $0 } }

    package func take(_ events: [ProviderEvent]) {
        state.withLock { answer in
            for event in events {
                switch event {
                case .text(let text): answer.text += text
                case .reasoning(let text): answer.reasoning += text
                case .toolCall(let call): answer.calls.append(call)
                case .usage(let usage): answer.usage = usage
                case .cost(let cost): answer.cost = cost
                case .native(let native): answer.native = native
                case .answering(let identity): answer.identity = identity
                case .finished(let stop): answer.stop = stop
                case .note, .retrying, .warning, .wire: break
                }
            }
        }
    }
}
