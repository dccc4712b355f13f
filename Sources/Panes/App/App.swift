package import Engine

/// The whole screen as a value that moves by input and events, and draws itself.
///
/// Nothing here touches a terminal or an engine: what has to happen outside comes back as effects. Concurrency: the
/// screen's thread owns it.
package final class App {
    package private(set) var session: SessionID
    let metrics: TextMetrics
    let markdown: any MarkdownParser
    /// The time of the last input, events or tick.
    package var now: Timestamp
    /// Why conversations cannot be stored at the moment.
    package var trouble: String?
    /// Where the engine is, when it is not in this process.
    package var place: String?
    /// What loading the workspace had to say; shown above the conversation until the person speaks.
    package var notes: [Diagnostic] = []

    var chat = ChatPane()
    var trace = TracePane()
    var costs = CostPane()
    var tools = ToolsPane()
    var pack = PackPane()
    var wire = WirePane()
    /// Images that go with the next message.
    var attachments: [Attachment] = []
    var composer = Composer()
    var focus = PaneID.chat { didSet { if [.trace, .pack, .wire].contains(focus) { side = focus } } }
    /// Of Trace, Pack and Wire, the one that has the place that they share.
    private(set) var side = PaneID.trace
    /// Variables that the person does not want to be asked for.
    var declined: Set<String> = []
    var isZoomed = false
    var popup: Popup?
    /// A word on the status line, until the next key.
    var flash: (text: String, style: Style)?
    /// Messages that wait for the end of the turn.
    var queue: [String] = []
    /// What the person said last.
    private(set) var lastSaid: TurnStarted?
    /// A message is on its way to the engine.
    var isSending = false
    private var mayLeave = false
    var chatWidth = 80

    package init(session: SessionID, metrics: TextMetrics, markdown: any MarkdownParser, now: Timestamp) {
        self.session = session
        self.metrics = metrics
        self.markdown = markdown
        self.now = now
    }

    /// Characters of several scalars that are on the screen, by the index that their cells hold.
    package var clusters: [[UInt32]] { metrics.clusters }

    var look: Look { Look(metrics: metrics, markdown: markdown, now: now) }
    var transcript: Transcript { chat.transcript }
    var isRunning: Bool { transcript.turn != nil }
    /// Esc has something to stop.
    var isWorking: Bool { transcript.isWorking }
    var approval: ApprovalRequest? { transcript.approvals.first }
    var question: Question? { transcript.questions.first }
    var waitsForPerson: Bool { approval != nil || question != nil }

    /// Whether something moves by itself, so that the screen wants to be drawn again soon.
    package var needsTicks: Bool {
        isWorking || tools.table.handlers.contains { $0.phase == .starting }
    }

    /// The last frame is a moment behind: it wants to be drawn again with the next one.
    package var isBehind: Bool { chat.isBehind }

    // MARK: What happens outside

    /// Shows another session; its events follow.
    package func begin(_ session: SessionID) {
        let history = composer.history
        self.session = session
        chat = ChatPane()
        trace = TracePane()
        costs = CostPane()
        tools = ToolsPane()
        pack = PackPane()
        wire = WirePane()
        attachments = []
        lastSaid = nil
        queue = []
        isSending = false
        composer.history = history
        focus = .chat
    }

    package func apply(_ events: [EngineEvent]) -> [Effect] {
        var effects: [Effect] = []
        for event in events where event.session == session {
            chat.apply(event)
            trace.apply(event)
            costs.apply(event)
            tools.apply(event)
            pack.apply(event)
            wire.apply(event)
            switch event.body {
            case .packChanged(let state): askForValue(state)
            case .turnStarted(let started):
                isSending = false
                lastSaid = started
                notes = []
                composer.remember(started.text)
            case .turnFinished(let finished): effects += turnEnded(goesOn: finished.reason == .completed)
            case .turnFailed: effects += turnEnded(goesOn: false)
            case .serverContent(let content): take(content)
            case .suggestions(let values): popup?.form?.form.suggestions = values
            default: break
            }
        }
        switch composer.purpose {
        case .refusal(let request) where !transcript.approvals.contains(request): composer.giveUpReason()
        case .answer(let question) where !transcript.questions.contains(question): composer.giveUpReason()
        default: break
        }
        if case .question(let question)? = popup?.form?.purpose, !transcript.questions.contains(question) {
            popup = nil
        }
        return effects
    }

    /// Asks for a value that the prompt cannot do without, one after the other.
    private func askForValue(_ state: PackState) {
        let wanted = state.variables.first { ($0.isMissing || $0.problem != nil) && !declined.contains($0.name) }
        if case .value(let asked) = composer.purpose, asked != wanted { composer.giveUpReason() }
        guard let wanted, composer.purpose == .message else { return }
        composer.ask(wanted)
    }

    /// The next message that waited; after a turn that did not end well, all of them go back to be edited.
    private func turnEnded(goesOn: Bool) -> [Effect] {
        guard !queue.isEmpty else { return [] }
        if goesOn { return send(queue.removeFirst()) }
        composer.editor.set((queue + (composer.isEmpty ? [] : [composer.editor.text])).joined(separator: "\n"))
        queue = []
        return []
    }

    /// The engine did not take a command.
    package func refused(_ command: EngineCommand, _ error: EngineError) {
        flash = (SafeText.oneLine(error.description, limit: 500), .bad)
        guard case .send(_, let text, let attachments) = command else { return }
        isSending = false
        self.attachments = attachments + self.attachments
        if composer.isEmpty { composer.editor.set(text) }
    }

    package func show(sessions: [SessionSummary]) {
        let entries = sessions.map { summary in
            Popup.Entry(
                label: SafeText.oneLine(summary.title.isEmpty ? summary.id.rawValue : summary.title, limit: 200),
                note:
                    "\(Numbers.counted(summary.turns, "turn"))  \(summary.cost.text)\(summary.costIsComplete ? "" : "+?")",
                choice: .session(summary.id))
        }
        popup = Popup(title: "sessions", content: .list(entries))
    }

    /// Models that can be chosen.
    package func show(models: [ModelOption]) {
        let entries = models.map { option in
            Popup.Entry(
                label: SafeText.oneLine(option.name, limit: 200), note: SafeText.oneLine(option.note, limit: 200),
                choice: .model(option.name))
        }
        popup = Popup(title: "models", content: .list(entries))
    }

    /// An image that the person wants to send along.
    package func attach(_ attachment: Attachment) {
        attachments.append(attachment)
        flash = ("\(SafeText.oneLine(attachment.name, limit: 80)) goes with the next message", .accent)
    }

    package func say(_ text: String, isError: Bool = false) {
        flash = (SafeText.oneLine(text, limit: 500), isError ? .bad : .accent)
    }

    // MARK: Input

    package func handle(_ input: Input) -> [Effect] {
        switch input {
        case .key(let key): return handle(key)
        case .paste(let text):
            if popup?.form != nil {
                popup?.form?.form.insert(text)
                return []
            }
            guard popup == nil else { return [] }
            focus = .chat
            composer.editor.insert(text)
            return []
        case .wheel(let lines, _, _):
            chat.scroll(by: lines, width: chatWidth, look: look)
            return []
        case .click, .focus: return []
        }
    }

    private func handle(_ key: Key) -> [Effect] {
        flash = nil
        let mayLeave = mayLeave
        self.mayLeave = false
        if popup != nil { return handlePopup(key) }
        if key == .control("c") { return interrupt(mayLeave) }
        if let request = approval, focus == .chat, composer.purpose == .message,
            let answer = ApprovalCard.answer(key, hasPlainKeys: composer.isEmpty)
        {
            return decide(answer, request)
        }
        if approval == nil, let question, focus == .chat, composer.purpose == .message,
            let answer = QuestionCard.answer(key, question, hasPlainKeys: composer.isEmpty)
        {
            return decide(answer, question)
        }
        if focus != .chat, let effects = handlePane(key) { return effects }
        if focus == .chat, let effects = handleChat(key) { return effects }
        if let action = Action.of(key) { return perform(action) }
        return []
    }

    private func handlePopup(_ key: Key) -> [Effect] {
        guard var open = popup else { return [] }
        let outcome = open.handle(key, metrics: metrics)
        popup = open
        switch outcome {
        case .stays: return []
        case .closes:
            popup = nil
            return []
        case .chosen(let choice):
            popup = nil
            switch choice {
            case .action(let action): return perform(action)
            case .session(let id): return [.open(id)]
            case .model(let name): return [.submit(.chooseModel(session, name))]
            case .event(let name): return [.submit(.moveWorkflow(session, event: name))]
            case .prompt(let handler, let prompt): return usePrompt(handler, prompt)
            case .resource(let handler, let resource): return readResource(handler, resource)
            case .signIn(let handler): return [.submit(.signIn(session, handler: handler))]
            }
        case .filled(let purpose, let values):
            popup = nil
            return filled(purpose, values)
        case .edited(let form): return complete(form)
        }
    }

    private func handlePane(_ key: Key) -> [Effect]? {
        let isTaken: Bool =
            switch focus {
            case .trace: trace.handle(key, look: look)
            case .tools: tools.handle(key, look: look)
            case .pack: pack.handle(key, look: look)
            case .wire: wire.handle(key, look: look)
            case .chat, .costs: false
            }
        if isTaken { return [] }
        if focus == .tools, let effects = handleTools(key) { return effects }
        if key == .character("y"), focus == .wire, let curl = wire.curl {
            flash = ("the request is on the clipboard as a curl command, where the terminal allows it", .accent)
            return [.copy(curl)]
        }
        if key == .character("z") { return perform(.zoom) }
        if key == .character("?") { return perform(.help) }
        if key.code == .escape, !isWorking {
            focus = .chat
            return []
        }
        return nil
    }

    private func handleChat(_ key: Key) -> [Effect]? {
        switch (key.code, key.modifiers) {
        case (.enter, []): return enter()
        case (.tab, []), (.tab, .shift):
            let isCompleted = composer.complete(tools: tools.toolNames, backwards: key.modifiers == .shift)
            return isCompleted ? [] : nil
        case (.pageUp, _): chat.scrollPage(-1, width: chatWidth, look: look)
        case (.pageDown, _): chat.scrollPage(1, width: chatWidth, look: look)
        case (.home, .alt): chat.scrollToStart()
        case (.end, []) where !chat.isFollowing, (.end, .alt): chat.follow()
        case (.escape, []): return escape()
        case (.character("d"), .control) where composer.isEmpty: return [.quit]
        default: return composer.handle(key, width: max(chatWidth - 2, 1), metrics: metrics) ? [] : nil
        }
        return []
    }

    private func escape() -> [Effect] {
        if case .value(let value) = composer.purpose { declined.insert(value.name) }
        if composer.purpose != .message {
            composer.giveUpReason()
            return []
        }
        if isWorking { return perform(.stop) }
        chat.follow()
        return []
    }

    private func interrupt(_ mayLeave: Bool) -> [Effect] {
        if mayLeave { return [.quit] }
        self.mayLeave = true
        if isWorking {
            flash = ("stopping; ^C again leaves", .warning)
            return perform(.stop)
        }
        if !composer.isEmpty, composer.purpose == .message {
            composer.editor.set("")
            flash = ("^C again leaves; ^_ brings the text back", .warning)
        } else {
            flash = ("^C again leaves", .warning)
        }
        return []
    }
}
