/// What the session API tells becomes events like any other; each says where it comes from.
extension RemoteClient {
    static let source = "session API"

    func learn(_ fact: RemoteArchive.Fact) {
        switch fact {
        case .session(let row): learn(session: row)
        case .toolCall(let row): learn(toolCall: row)
        case .providerCall(let row): learn(providerCall: row)
        case .runtimeEvent(let row): learn(event: row)
        case .evalResult(let row):
            let score = row["score"]?.double.map { " \($0)" } ?? ""
            let passed = row["passed"]?.bool.map { $0 ? "passed" : "failed" } ?? "judged"
            note(.note, "eval \(row["evalId"]?.string ?? ""): \(passed)\(score) (\(Self.source))")
        case .trouble(let error):
            note(.warning, error.message, hint: "tokens, cost and tools of the server are unknown until it answers")
        }
    }

    private func learn(session row: JSONValue) {
        let known = [
            ("variant", row["variant"]?.string), ("cohort", row["cohortId"]?.string),
            ("pack", row["promptPackName"]?.string.map { "\($0)@\(row["promptPackVersion"]?.string ?? "")" }),
        ].compactMap { name, value in value.flatMap { $0.isEmpty ? nil : "\(name) \($0)" } }.joined(separator: ", ")
        guard !known.isEmpty, known != learned else { return }
        learned = known
        note(.note, "served by \(known) (\(Self.source))")
    }

    /// Lifecycle rows: one with the arguments, one with the result; what belongs together has the same `callId`, which is
    /// not unique everywhere, so the oldest open one is closed.
    private func learn(toolCall row: JSONValue) {
        let name = row["name"]?.string ?? ""
        let key = row["callId"]?.string ?? ""
        guard !askedHere.contains([key, name]) else { return }
        let at = Self.time(row["createdAt"])
        let labels = row["labels"]
        let handler = labels?["handler_name"]?.string.map { "\($0) (\(Self.source))" } ?? Self.source
        let turn = turn(at: at)
        if row["status"]?.string == "pending" {
            let call = ToolCall(id: CallID(ids.next("remote")), tool: name, arguments: row["arguments"] ?? [:])
            remoteCalls[key, default: []].append(call)
            return journal.emit(.toolCallStarted(ToolCallStarted(call: call, handler: handler)), turn, at: at)
        }
        var call = ToolCall(id: CallID(ids.next("remote")), tool: name, arguments: row["arguments"] ?? [:])
        if remoteCalls[key]?.isEmpty == false, let open = remoteCalls[key]?.removeFirst() {
            call = open
        } else {
            journal.emit(.toolCallStarted(ToolCallStarted(call: call, handler: handler)), turn, at: at)
        }
        let failed = row["status"]?.string == "error"
        let text =
            failed ? "Error: \(row["errorMessage"]?.string ?? "")" : row["result"].map { $0.string ?? $0.text } ?? ""
        let outcome = ToolOutcome(
            call: call.id, tool: name, status: failed ? .failed : .ok, text: text,
            milliseconds: row["durationMs"]?.int ?? 0)
        journal.emit(.toolCallFinished(outcome), turn, at: at)
        span(name, .tool, at, row["durationMs"]?.int ?? 0, turn, failed: failed, ["gen_ai.tool.name": .string(name)])
    }

    private func learn(providerCall row: JSONValue) {
        let at = Self.time(row["createdAt"])
        let turn = turn(at: at)
        let model = row["model"]?.string ?? ""
        func count(_ name: String) -> Int { min(max(row[name]?.int ?? 0, 0), TokenUsage.range.upperBound) }
        let cached = count("cachedTokens")
        let usage = TokenUsage(
            input: max(count("inputTokens") - cached, 0), cacheRead: cached, output: count("outputTokens"))
        let cost = row["costUsd"]?.double.map { Money(dollars: max($0, 0)) }
        journal.emit(
            .usageReported(
                UsageReport(
                    provider: row["providerName"]?.string ?? row["provider"]?.string ?? "", model: model, usage: usage,
                    source: .reported, cost: cost, priceSource: Self.source, contextWindow: nil)), turn, at: at)
        span(
            "chat \(model)", .model, at, row["durationMs"]?.int ?? 0, turn, failed: row["status"]?.string == "failed",
            [
                "gen_ai.request.model": .string(model), "gen_ai.usage.input_tokens": .int(count("inputTokens")),
                "gen_ai.usage.output_tokens": .int(count("outputTokens")),
                "gen_ai.response.finish_reasons": .string(row["finishReason"]?.string ?? ""),
            ])
    }

    /// Runtime events: the rendered prompt, and what failed; the rest is kept in the log as it came.
    private func learn(event row: JSONValue) {
        let kind = row["eventType"]?.string ?? ""
        let data = row["data"] ?? [:]
        let at = Self.time(row["timestamp"])
        let turn = turn(at: at)
        switch kind {
        case "prompt.template.rendered":
            let unused = (data["unused_variables"]?.array ?? []).compactMap(\.string)
            journal.emit(
                .promptRendered(
                    PromptRendered(prompt: Self.source, text: data["system_prompt"]?.string ?? "", unused: unused)),
                turn,
                at: at)
        case _ where kind.hasSuffix(".failed"):
            note(
                .warning,
                "\(kind): \(SafeText.oneLine(row["errorMessage"]?.string ?? data.text, limit: 300)) (\(Self.source))")
        case _ where kind.hasSuffix(".completed"):
            // Durations are nanoseconds under Go's names.
            let milliseconds =
                row["durationMs"]?.int ?? (data["Duration"]?.double).map { Int($0.clamped(0, 1e15) / 1e6) } ?? 0
            span(String(kind.dropLast(10)), .other, at, milliseconds, turn, failed: false, [:])
        default: journal.emit(.unknown(kind: "omnia.\(kind)", data: data), turn, at: at)
        }
    }

    /// A span that is known only after its end.
    private func span(
        _ name: String, _ category: TraceSpan.Category, _ end: Timestamp?, _ milliseconds: Int, _ turn: TurnID?,
        failed: Bool, _ attributes: JSONObject
    ) {
        guard let end else { return }
        var attributes = attributes
        attributes["cleo.source"] = .string(Self.source)
        let length = min(max(milliseconds, 0), 86_400_000)
        var span = TraceSpan(
            id: SpanID(ids.next("span")), parent: turns.last { $0.id == turn }?.span, name: name, category: category,
            started: Timestamp(milliseconds: end.milliseconds - length), attributes: attributes)
        span.ended = end
        span.status = failed ? .error : .ok
        journal.emit(.spanClosed(span), turn, at: end)
    }

    /// The turn that was running then; clocks of two machines are never the same, so the last one before it.
    private func turn(at: Timestamp?) -> TurnID? {
        guard let at else { return turns.last?.id }
        return (turns.last { $0.began.milliseconds <= at.milliseconds + 2_000 } ?? turns.last)?.id
    }

    static func time(_ value: JSONValue?) -> Timestamp? { value?.string.flatMap(Timestamp.init(rfc3339:)) }
}

extension Double {
    fileprivate func clamped(_ low: Double, _ high: Double) -> Double { isFinite ? min(max(self, low), high) : low }
}
