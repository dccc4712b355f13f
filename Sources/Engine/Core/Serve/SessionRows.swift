/// What the session API tells of a session, folded from its log
/// (AltairaLabs/Omnia, `internal/session/api/openapi.yaml`).
struct SessionRows {
    private let id: String
    private(set) var opened: SessionOpened?
    private var first: Timestamp?
    private var last: Timestamp?
    private(set) var messages: [JSONValue] = []
    private(set) var toolCalls: [JSONValue] = []
    private(set) var providerCalls: [JSONValue] = []
    private(set) var events: [JSONValue] = []
    private(set) var evalResults: [JSONValue] = []
    private var input = 0
    private var output = 0
    private var cost = Money.zero
    private var preview = ""
    private var failed = false
    private var calls: [CallID: ToolCallStarted] = [:]
    private var handlers: [String: String] = [:]
    /// A model's call whose end has not been told.
    private var openCall: Int?

    init(_ id: SessionID, _ log: [EngineEvent]) {
        self.id = id.rawValue
        for event in log { apply(event) }
    }

    private func dollars(_ money: Money) -> JSONValue { .double(Double(money.nanodollars) / 1e9) }

    private mutating func apply(_ event: EngineEvent) {
        first = first ?? event.at
        last = event.at
        let at = JSONValue.string(event.at.utcText)
        let key = "\(id)-\(event.sequence)"
        switch event.body {
        case .sessionOpened(let opened): self.opened = self.opened ?? opened
        case .turnStarted(let turn): message(turn.message.rawValue, "user", turn.text, at)
        case .messageCompleted(let said):
            if said.role == .assistant, !said.text.isEmpty { message(said.id.rawValue, "assistant", said.text, at) }
        case .turnFinished: failed = false
        case .turnFailed(let error):
            failed = true
            message(key, "system", error.message, at, ["type": "error", "code": .string(error.code)])
        case .toolCallStarted(let started):
            calls[started.call.id] = started
            tool(key, started, at, ["status": "pending"])
        case .toolCallFinished(let outcome):
            guard let started = calls.removeValue(forKey: outcome.call) else { return }
            let isWell = outcome.status == .ok
            tool(
                key, started, at,
                [
                    "status": isWell ? "success" : "error", "durationMs": .int(outcome.milliseconds),
                    isWell ? "result" : "errorMessage": .string(outcome.text),
                ])
        case .usageReported(let report): model(key, report, at)
        case .spanClosed(let span):
            guard span.category == .model, let index = openCall, let ended = span.ended else { return }
            openCall = nil
            providerCalls[index] = providerCalls[index].with([
                "durationMs": .int(ended.milliseconds - span.started.milliseconds),
                "finishReason": span.attributes["gen_ai.response.finish_reasons"]?[0] ?? .null,
            ])
        case .promptRendered(let prompt):
            runtimeEvent(
                key, "prompt.template.rendered", at,
                ["system_prompt": .string(prompt.text), "unused_variables": .array(prompt.unused.map { .string($0) })])
        case .evalCompleted(let result):
            evalResults.append([
                "id": .string(key), "sessionId": .string(id), "evalId": .string(result.eval),
                "evalType": .string(result.type),
                "passed": result.passed.map { .bool($0) } ?? .null, "score": result.score.map { .double($0) } ?? .null,
                "createdAt": at,
            ])
        default: break
        }
    }

    private mutating func message(
        _ key: String, _ role: String, _ text: String, _ at: JSONValue, _ about: JSONObject = [:]
    ) {
        preview = String(text.prefix(120))
        var row: JSONObject = ["id": .string(key), "role": .string(role), "content": .string(text), "timestamp": at]
        row["sequenceNum"] = .int(messages.count + 1)
        if !about.isEmpty { row["metadata"] = .object(about) }
        messages.append(.object(row))
    }

    private mutating func tool(_ key: String, _ started: ToolCallStarted, _ at: JSONValue, _ end: JSONObject) {
        let row: JSONValue = [
            "id": .string(key), "sessionId": .string(id), "callId": .string(started.call.id.rawValue),
            "name": .string(started.call.tool), "arguments": started.call.arguments,
            "labels": ["handler_name": .string(started.handler ?? "")], "createdAt": at,
        ]
        toolCalls.append(row.with(end))
    }

    private mutating func model(_ key: String, _ report: UsageReport, _ at: JSONValue) {
        let used = report.usage
        input = min(input + used.prompt, Int(Int64.max / 4))
        output = min(output + used.output, Int(Int64.max / 4))
        cost = cost + (report.cost ?? .zero)
        openCall = providerCalls.count
        var row: JSONObject = [
            "id": .string(key), "sessionId": .string(id), "provider": .string(report.provider),
            "model": .string(report.model),
            "status": "completed", "inputTokens": .int(used.prompt),
            "outputTokens": .int(used.output), "cachedTokens": .int(used.cacheRead), "createdAt": at,
        ]
        row["costUsd"] = report.cost.map { dollars($0) }
        providerCalls.append(.object(row))
    }

    private mutating func runtimeEvent(_ key: String, _ type: String, _ at: JSONValue, _ data: JSONValue) {
        events.append([
            "id": .string(key), "sessionId": .string(id), "eventType": .string(type), "data": data, "timestamp": at,
        ])
    }

    /// The session itself.
    func session(agent: String, namespace: String) -> JSONValue {
        var row: JSONObject = [
            "id": .string(id), "agentName": .string(agent), "namespace": .string(namespace),
            "createdAt": .string((first ?? Timestamp(milliseconds: 0)).utcText),
            "updatedAt": .string((last ?? Timestamp(milliseconds: 0)).utcText),
            "status": failed ? "error" : "active", "messageCount": .int(messages.count),
            "toolCallCount": .int(toolCalls.count { $0["status"] == "pending" }),
            "totalInputTokens": .int(input),
            "totalOutputTokens": .int(output), "estimatedCostUSD": dollars(cost),
            "lastMessagePreview": .string(preview), "promptPackName": .string(opened?.pack ?? ""),
            "promptPackVersion": .string(opened?.packVersion ?? ""),
        ]
        row["variant"] = opened?.variant.map { .string($0.rawValue) }
        return .object(row)
    }
}

extension JSONValue {
    /// An object with more fields.
    fileprivate func with(_ more: JSONObject) -> JSONValue {
        var fields = object ?? [:]
        for (name, value) in more { fields[name] = value }
        return .object(fields)
    }
}
