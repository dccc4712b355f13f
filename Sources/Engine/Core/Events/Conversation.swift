/// The messages of a session as a provider wants them: every call has exactly one result, in the calls' order,
/// right behind the message that asked for it.
package struct Conversation: Projection {
    /// The part of one turn.
    private var messages: [Message] = []
    private var outcomes: [CallID: ToolOutcome] = [:]
    /// Where the conversation begins that is sent: a workflow can begin it anew.
    private var start = 0
    /// Where the running turn begins.
    private var turnStart = 0
    /// Every call's name that was used, so that none is used twice.
    package private(set) var calls: Set<CallID> = []
    /// The turn that has not ended.
    package private(set) var openTurn: TurnID?
    package private(set) var opened: SessionOpened?
    /// The system prompt as it was last sent.
    package private(set) var prompt: PromptRendered?

    package init() {}

    package mutating func apply(_ event: EngineEvent) {
        switch event.body {
        case .sessionOpened(let opened): self.opened = opened
        case .promptRendered(let rendered): prompt = rendered
        case .turnStarted(let started):
            openTurn = event.turn
            turnStart = messages.count
            messages.append(
                Message(
                    id: started.message, role: .user, text: started.text,
                    attachments: started.attachments ?? []))
        case .messageCompleted(let message):
            messages.append(message)
            calls.formUnion(message.toolCalls.map(\.id))
        case .toolCallStarted(let started): calls.insert(started.call.id)
        case .toolCallFinished(let outcome): if event.turn != nil { outcomes[outcome.call] = outcome }
        case .workflowMoved(let moved) where moved.resets: start = openTurn == nil ? messages.count : turnStart
        case .turnFinished, .turnFailed: openTurn = nil
        default: break
        }
    }

    /// What a provider is sent. Empty interrupted messages are left out.
    package var forProvider: [Message] {
        var result: [Message] = []
        for message in messages[start...] {
            if message.role == .assistant, message.text.isEmpty, message.toolCalls.isEmpty { continue }
            result.append(message)
            for call in message.toolCalls {
                let text = outcomes[call.id]?.text ?? "Error: the call was interrupted; its result is not known"
                result.append(
                    Message(id: MessageID(call.id.rawValue), role: .tool, text: text, answers: call.id))
            }
        }
        return result
    }
}
