/// A stored session as a recording, and as a mock's file.
package struct SessionRecording: Sendable {
    package private(set) var recording = Recording()
    /// What could not be taken over, for people.
    package private(set) var losses: [String] = []

    private var conversation = Conversation()
    private var asked: (request: Question, started: Timestamp)?
    private var open: [CallID: ToolCall] = [:]
    private var modelCalls = 0

    private struct Question {
        var system: String
        var messages: [Message]
    }

    /// - Parameter events: the session's log.
    package init(_ events: [EngineEvent]) {
        recording.add(.head(Recording.Head(made: events.first?.at ?? Timestamp(milliseconds: 0), origin: "session")))
        for event in events { take(event) }
        let inner = modelCalls - recording.answers.count
        if inner > 0 {
            losses.append(
                "\(inner) \(inner == 1 ? "answer" : "answers") of inner agents or steps are not in the log as messages, "
                    + "so they cannot be played")
        }
        if recording.answers.isEmpty { losses.append("no model answered in this session") }
    }

    private mutating func take(_ event: EngineEvent) {
        switch event.body {
        case .messageCompleted(let message) where message.role == .assistant:
            let answer = Recording.Answer(
                provider: conversation.opened?.provider ?? "", model: conversation.opened?.model ?? "",
                system: conversation.prompt?.text ?? "", messages: conversation.forProvider, text: message.text,
                reasoning: message.reasoning ?? "", calls: message.toolCalls, usage: nil,
                stop: message.toolCalls.isEmpty ? .stop : .toolCalls,
                error: message.interrupted
                    ? ErrorInfo(code: "unreachable", message: "the answer broke off, as it did when it was stored")
                    : nil, milliseconds: 0)
            recording.add(.answer(answer))
        case .usageReported(let report):
            modelCalls += 1
            // The report follows its message.
            if let last = recording.answers.indices.last, recording.answers[last].usage == nil {
                recording.answers[last].usage = report.usage
                recording.answers[last].provider = report.provider
                recording.answers[last].model = report.model
            }
        case .spanClosed(let span) where span.category == .model:
            if let last = recording.answers.indices.last, recording.answers[last].milliseconds == 0 {
                recording.answers[last].milliseconds =
                    (span.ended ?? span.started).milliseconds - span.started.milliseconds
            }
        case .handlerChanged(let state) where state.phase == .ready:
            recording.add(
                .handler(Recording.Handler(name: state.handler, kind: state.kind, tools: state.tools)))
        case .toolCallStarted(let started):
            if started.handler != nil { open[started.call.id] = started.call }
        case .toolCallFinished(let outcome):
            if let call = open.removeValue(forKey: outcome.call) { add(call, outcome) }
        default: break
        }
        conversation.apply(event)
    }

    private mutating func add(_ call: ToolCall, _ outcome: ToolOutcome) {
        guard outcome.status == .ok || outcome.status == .failed else { return }
        let isError = outcome.status == .failed
        let text = isError && outcome.text.hasPrefix("Error: ") ? String(outcome.text.dropFirst(7)) : outcome.text
        if outcome.cutBytes > 0 {
            losses.append("a result of '\(call.tool)' was cut when it was stored; it is played as it was kept")
        }
        let handler = recording.handlers.first { $0.tools.contains { $0.name == call.tool } }?.name ?? "recorded"
        recording.add(
            .call(
                Recording.Call(
                    handler: handler, tool: call.tool, arguments: call.arguments, text: text, isError: isError,
                    milliseconds: outcome.milliseconds)))
    }

    /// One fact a line.
    package var lines: String {
        let facts: [Recording.Fact] =
            (recording.head.map { [.head($0)] } ?? []) + recording.handlers.map { .handler($0) }
            + recording.answers.map { .answer($0) } + recording.calls.map { .call($0) }
        return facts.map { $0.json.text + "\n" }.joined()
    }

    /// A scenario of PromptArena's mock provider, each answer under its turn's number.
    /// - Parameter scenario: its name.
    package func mock(scenario: String) -> JSONValue {
        var turns = JSONObject()
        for answer in recording.answers where answer.error == nil {
            let number = String(MockScript.turnNumber(answer.messages))
            guard !answer.calls.isEmpty else {
                turns[number] = .string(answer.text)
                continue
            }
            var turn: JSONObject = ["type": "tool_calls"]
            if !answer.text.isEmpty { turn["content"] = .string(answer.text) }
            turn["tool_calls"] = .array(
                answer.calls.map { ["name": .string($0.tool), "arguments": ArgumentText.object($0.arguments)] })
            turns[number] = .object(turn)
        }
        return ["scenarios": [scenario: ["turns": .object(turns)]]]
    }
}
