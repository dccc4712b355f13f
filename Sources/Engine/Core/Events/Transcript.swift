/// What was said and done, in the order in which a person reads it.
package struct Transcript: Projection {
    package struct Item: Sendable, Equatable {
        /// Position in `items`; never changes.
        package let index: Int
        /// Grows with every change, so that a drawing of the item can be kept until then.
        package fileprivate(set) var revision = 0
        package let turn: TurnID?
        package let at: Timestamp
        package fileprivate(set) var content: Content
    }

    package enum Content: Sendable, Equatable {
        case user(String)
        case assistant(Message, isStreaming: Bool)
        case tool(ToolEntry)
        case notice(Notice)
    }

    /// A tool call from the wish to the result.
    package struct ToolEntry: Sendable, Equatable {
        package var call: ToolCall
        package var handler: String?
        package var started: Timestamp
        package var progress: ToolProgress?
        /// The question that waits for the person.
        package var approval: ApprovalRequest?
        package var outcome: ToolOutcome?
    }

    package struct Notice: Sendable, Equatable {
        package enum Level: Sendable { case note, warning, error }
        package var level: Level
        package var text: String
        package var hint: String?
    }

    package private(set) var items: [Item] = []
    /// How the session was last opened.
    package private(set) var opened: SessionOpened?
    package private(set) var title: String?
    /// What tools want to know from the person, oldest first.
    package private(set) var questions: [Question] = []
    /// The turn that runs.
    package private(set) var turn: TurnID?
    package private(set) var turnStarted: Timestamp?
    /// The system prompt as it was last sent.
    package private(set) var prompt: PromptRendered?
    /// Where the running turn's streaming message and its tools stand in `items`.
    private var streaming: Int?
    private var tools: [CallID: Int] = [:]

    package init() {}

    /// Whether anything can be stopped: the turn, or a tool that the person called.
    package var isWorking: Bool { turn != nil || !tools.isEmpty }

    /// Calls that wait for the person, oldest first.
    package var approvals: [ApprovalRequest] {
        tools.values.sorted().compactMap { index in
            if case .tool(let entry) = items[index].content { entry.approval } else { nil }
        }
    }

    package mutating func apply(_ event: EngineEvent) {
        switch event.body {
        case .sessionOpened(let opened): self.opened = opened
        case .sessionRenamed(let renamed): title = renamed.title
        case .turnStarted(let started): begin(started, event)
        case .promptRendered(let rendered): prompt = rendered
        case .messageDelta(let delta): extend(delta, event)
        case .messageCompleted(let message): complete(message, event)
        case .toolCallStarted(let started): start(started, event)
        case .toolProgress(let progress): changeTool(progress.call) { $0.progress = progress }
        case .approvalRequested(let request): ask(request, event)
        case .approvalAnswered(let answer): changeTool(answer.call) { $0.approval = nil }
        case .questionAsked(let question): questions.append(question)
        case .questionAnswered(let answered): answer(answered, event)
        case .toolCallFinished(let outcome): finish(outcome)
        case .diagnostic(let diagnostic): note(diagnostic, event)
        case .modelRetried(let retry):
            add(.notice(Notice(level: .warning, text: retry.text, hint: nil)), event)
        case .turnFinished(let finished): end(finished.reason, event)
        case .turnFailed(let error):
            close()
            add(.notice(Notice(level: .error, text: error.message, hint: error.hint)), event)
        case .unknown(let kind, _):
            add(.notice(Notice(level: .note, text: "an event of a newer version: \(kind)", hint: nil)), event)
        case .guardrailFired, .evalCompleted, .workflowMoved, .stepFinished:
            if let notice = Self.notice(of: event.body) { add(.notice(notice), event) }
        case .spanOpened, .spanClosed, .usageReported, .handlerChanged, .artifactSet, .packChanged, .wire,
            .serverContent, .suggestions:
            break
        }
    }

    private mutating func add(_ content: Content, _ event: EngineEvent) {
        items.append(Item(index: items.count, turn: event.turn, at: event.at, content: content))
    }

    private mutating func change(_ index: Int, _ content: Content) {
        items[index].content = content
        items[index].revision += 1
    }

    private mutating func begin(_ started: TurnStarted, _ event: EngineEvent) {
        close()
        turn = event.turn
        turnStarted = event.at
        if title == nil { title = Self.title(of: started.text) }
        let attached = (started.attachments ?? []).map { "\n▣ \($0.name)" }.joined()
        add(.user(started.text + attached), event)
    }

    /// The first words of the first message.
    package static func title(of text: String) -> String {
        let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.count > 60 ? words.prefix(59) + "…" : words
    }

    private mutating func extend(_ delta: MessageDelta, _ event: EngineEvent) {
        if streaming == nil {
            streaming = items.count
            add(.assistant(Message(id: delta.message, role: .assistant, text: ""), isStreaming: true), event)
        }
        guard let streaming, case .assistant(var message, _) = items[streaming].content else { return }
        // Taken out before it is changed: appending to a shared string would copy it each time.
        items[streaming].content = .user("")
        switch delta.channel {
        case .text: message.text += delta.text
        case .reasoning: message.reasoning = (message.reasoning ?? "") + delta.text
        }
        change(streaming, .assistant(message, isStreaming: true))
    }

    private mutating func complete(_ message: Message, _ event: EngineEvent) {
        if let streaming {
            change(streaming, .assistant(message, isStreaming: false))
        } else if !message.text.isEmpty || message.interrupted || message.reasoning != nil {
            add(.assistant(message, isStreaming: false), event)
        }
        streaming = nil
    }

    private mutating func ask(_ request: ApprovalRequest, _ event: EngineEvent) {
        if tools[request.call.id] == nil { enter(request.call, request.handler, event) }
        changeTool(request.call.id) { $0.approval = request }
    }

    private mutating func answer(_ answered: QuestionAnswered, _ event: EngineEvent) {
        guard let place = questions.firstIndex(where: { $0.id == answered.id }) else { return }
        let question = questions.remove(at: place)
        // A client tool's answer stands beside its call.
        guard question.kind != .answer else { return }
        let said = answered.reply.content.map { ": \($0.string ?? $0.text)" } ?? ""
        let words: String =
            switch answered.reply.action {
            case .accept: "you agreed\(said)"
            case .decline: "you declined\(said)"
            case .cancel: "put aside"
            }
        add(.notice(Notice(level: .note, text: "\(question.from): \(question.message) — \(words)", hint: nil)), event)
    }

    private mutating func start(_ started: ToolCallStarted, _ event: EngineEvent) {
        guard tools[started.call.id] == nil else {
            return changeTool(started.call.id) { $0.started = event.at }
        }
        enter(started.call, started.handler, event)
    }

    private mutating func enter(_ call: ToolCall, _ handler: String?, _ event: EngineEvent) {
        tools[call.id] = items.count
        add(.tool(ToolEntry(call: call, handler: handler, started: event.at)), event)
    }

    private mutating func changeTool(_ call: CallID, _ change: (inout ToolEntry) -> Void) {
        guard let index = tools[call], case .tool(var entry) = items[index].content else { return }
        change(&entry)
        self.change(index, .tool(entry))
    }

    private mutating func finish(_ outcome: ToolOutcome) {
        changeTool(outcome.call) {
            $0.outcome = outcome
            $0.approval = nil
        }
        tools[outcome.call] = nil
    }

    private mutating func note(_ diagnostic: Diagnostic, _ event: EngineEvent) {
        let level: Notice.Level =
            switch diagnostic.severity {
            case .error: .error
            case .warning: .warning
            case .note: .note
            }
        var plain = diagnostic
        plain.hint = nil
        let text = diagnostic.file.isEmpty ? diagnostic.message : plain.description
        add(.notice(Notice(level: level, text: text, hint: diagnostic.hint)), event)
    }

    private mutating func end(_ reason: TurnFinished.Reason, _ event: EngineEvent) {
        close()
        let text: String? =
            switch reason {
            case .completed: nil
            case .cancelled: "stopped"
            case .roundLimit: "stopped: the model still wanted tools after the last round that max_rounds allows"
            case .interrupted: "interrupted: the program ended in the middle of this turn"
            case .length: "the answer was cut at the limit of tokens"
            case .filtered: "the provider withheld the answer"
            case .guarded: nil
            }
        if let text { add(.notice(Notice(level: .warning, text: text, hint: nil)), event) }
    }

    /// Nothing streams or runs any more.
    private mutating func close() {
        turn = nil
        turnStarted = nil
        if let streaming, case .assistant(var message, _) = items[streaming].content {
            message.interrupted = true
            change(streaming, .assistant(message, isStreaming: false))
        }
        streaming = nil
        for call in tools.keys {
            changeTool(call) {
                $0.approval = nil
                $0.outcome = ToolOutcome(
                    call: call, tool: $0.call.tool, status: .cancelled, text: "interrupted")
            }
        }
        tools = [:]
        questions = []
    }
}
