/// What the original does not tell of a turn, for clients that ask for it with `?extra=usage,tool_calls`. It rides in the
/// field `extra` of `done`, which other clients ignore.
struct ServedExtra: Sendable {
    private let wantsUsage: Bool
    private let wantsCalls: Bool
    private var usage = TokenUsage()
    private var cost = Money.zero
    private var isPriced = true
    private var model = ""
    private var started: [CallID: ToolCall] = [:]
    private var calls: [JSONValue] = []

    init?(_ wanted: String?) {
        let names = Set((wanted ?? "").split(separator: ",").map(String.init))
        (wantsUsage, wantsCalls) = (names.contains("usage"), names.contains("tool_calls"))
        guard wantsUsage || wantsCalls else { return nil }
    }

    mutating func apply(_ event: EngineEvent) {
        switch event.body {
        case .usageReported(let report):
            usage = usage + report.usage
            cost = cost + (report.cost ?? .zero)
            isPriced = isPriced && report.cost != nil
            model = report.model
        case .toolCallStarted(let call): started[call.call.id] = call.call
        case .toolCallFinished(let outcome):
            guard let call = started.removeValue(forKey: outcome.call) else { return }
            calls.append([
                "id": .string(call.id.rawValue), "name": .string(call.tool), "arguments": call.arguments,
                "status": .string(outcome.status.rawValue), "result": .string(outcome.text),
                "duration_ms": .int(outcome.milliseconds),
            ])
        default: break
        }
    }

    var json: JSONValue {
        var all = JSONObject()
        if wantsUsage {
            var fields: JSONObject = [
                "model": .string(model), "input_tokens": .int(usage.prompt), "output_tokens": .int(usage.output),
                "cached_tokens": .int(usage.cacheRead),
            ]
            fields["cost_usd"] = isPriced ? .double(Double(cost.nanodollars) / 1e9) : nil
            all["usage"] = .object(fields)
        }
        if wantsCalls { all["tool_calls"] = .array(calls) }
        return .object(all)
    }
}
