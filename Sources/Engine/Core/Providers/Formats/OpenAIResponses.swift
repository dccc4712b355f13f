/// OpenAI's Responses (openai/openai-openapi, `/responses`), without state on the server: everything is sent again,
/// reasoning in its encrypted form.
package struct OpenAIResponses: WireFormat {
    package static let name = "openai-responses"
    package var name: String { Self.name }
    package var standardBaseURL: String { "https://api.openai.com/v1" }

    package init() {}

    package func url(base: String, model: String, streaming: Bool) -> String {
        BaseURL.versionedHost(base, "v1") + "/responses"
    }

    package func authorization(_ key: Secret) -> Header { Header("Authorization", "Bearer \(key.reveal())") }
    package func headers(_ options: WireOptions) -> [Header] { [] }
    package func decoder(model: String) -> any AnswerDecoder { ResponsesDecoder(model: model) }

    package func body(_ call: WireCall) -> JSONObject {
        let request = call.request
        var body: JSONObject = [
            "model": .string(call.model), "input": .array(request.messages.flatMap { items($0, call) }),
        ]
        if !request.system.isEmpty { body["instructions"] = .string(request.system) }
        if !request.tools.isEmpty, request.toolChoice != .none {
            body["tools"] = .array(request.tools.map { tool($0, call) })
            if request.toolChoice == .required { body["tool_choice"] = "required" }
            if let parallel = call.options.parallelToolCalls { body["parallel_tool_calls"] = .bool(parallel) }
        }
        let parameters = request.parameters
        let given: [(String, JSONValue?)] = [
            ("temperature", parameters.temperature.map { .double($0) }),
            ("top_p", parameters.topP.map { .double($0) }),
            ("max_output_tokens", parameters.maxTokens.map { .int(max($0, 16)) }),
        ]
        for (name, value) in given where call.allows(name) { if let value { body[name] = value } }
        call.lacks(["top_k", "stop", "seed", "frequency_penalty", "presence_penalty", "thinking_budget"], "Responses")
        var reasoning = JSONObject()
        if let effort = parameters.effort { reasoning["effort"] = .string(effort) }
        if let summary = call.options.reasoningSummary { reasoning["summary"] = .string(summary) }
        if !reasoning.isEmpty, call.allows("reasoning") { body["reasoning"] = .object(reasoning) }
        if let schema = call.outputSchema(usually: true) {
            body["text"] = [
                "format": [
                    "type": "json_schema", "name": "answer", "schema": schema,
                    "strict": .bool(StrictSchema.fits(schema)),
                ]
            ]
        }
        body["store"] = false
        if call.allows("include") { body["include"] = ["reasoning.encrypted_content"] }
        if call.isStreaming { body["stream"] = true }
        return body
    }

    private func tool(_ tool: ToolDescriptor, _ call: WireCall) -> JSONValue {
        [
            "type": "function", "name": .string(call.names.wire(tool.name)), "description": .string(tool.description),
            "parameters": tool.inputSchema,
            "strict": .bool(call.options.strictTools && StrictSchema.fits(tool.inputSchema)),
        ]
    }

    private func items(_ message: Message, _ call: WireCall) -> [JSONValue] {
        switch message.role {
        case .tool:
            let id = message.answers.map { call.callID($0) } ?? ""
            return [
                ["type": "function_call_output", "call_id": .string(id), "output": .string(message.text)]
            ]
        case .assistant: return answerItems(message, call)
        case .user, .system:
            var parts: [JSONValue] = []
            if !message.text.isEmpty { parts.append(["type": "input_text", "text": .string(message.text)]) }
            parts += call.images(message).map {
                ["type": "input_image", "image_url": .string($0.dataURL), "detail": "auto"]
            }
            return [["type": "message", "role": .string(message.role.rawValue), "content": .array(parts)]]
        }
    }

    /// Reasoning stands before what it led to; the rest is written anew, so that ids of calls are ours.
    private func answerItems(_ message: Message, _ call: WireCall) -> [JSONValue] {
        var items = (call.native(message, Self.name) ?? []).filter { item in
            // Without the encrypted content the server would look for an item that it was told not to store.
            item["type"]?.string != "reasoning" || item["encrypted_content"]?.string != nil
        }
        if !message.text.isEmpty {
            items.append(["type": "message", "role": "assistant", "content": .string(message.text)])
        }
        return items
            + message.toolCalls.map { wish in
                [
                    "type": "function_call", "call_id": .string(call.callID(wish.id)),
                    "name": .string(call.names.wire(wish.tool)),
                    "arguments": .string(ArgumentText.text(wish.arguments)),
                ]
            }
    }
}

/// Reads the events of a streamed response, or a whole one.
struct ResponsesDecoder: AnswerDecoder {
    private let model: String
    /// Everything that is neither text nor a call of ours, as it came.
    private var kept: [JSONValue] = []
    private var calls: [(index: Int, call: ToolCall)] = []
    private var reason: StopReason?
    private var usage: TokenUsage?
    /// Bytes of text and reasoning that deltas brought; without any, the finished items tell all.
    private var hasDeltas: Set<String> = []
    private(set) var isFinished = false
    private var isOver = false
    var hasReason: Bool { isOver }

    init(model: String) { self.model = model }

    mutating func decode(_ value: JSONValue) throws(EngineError) -> [ProviderEvent] {
        switch value["type"]?.string {
        case "response.output_text.delta", "response.refusal.delta": return delta(value, "message") { .text($0) }
        case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
            return delta(value, "reasoning") { .reasoning($0) }
        case "response.reasoning_summary_part.added":
            return (value["summary_index"]?.int ?? 0) > 0 ? [.reasoning("\n\n")] : []
        case "response.output_item.done":
            return value["item"].map { take($0, value["output_index"]?.int ?? calls.count) } ?? []
        case "response.completed", "response.incomplete", "response.failed":
            return try end(value["response"] ?? .null)
        case "error": throw WireErrors.broken(value["error"] ?? value)
        case nil where value["output"] != nil || value["status"] != nil:
            // The answer in one piece.
            if let error = value["error"], !error.isNull { throw WireErrors.broken(error) }
            let events = (value["output"]?.array ?? []).enumerated().flatMap { take($0.element, $0.offset) }
            return events + (try end(value))
        case nil:
            if let error = value["error"], !error.isNull { throw WireErrors.broken(error) }
            return []
        default: return []
        }
    }

    private mutating func delta(
        _ value: JSONValue, _ kind: String, _ event: (String) -> ProviderEvent
    ) -> [ProviderEvent] {
        guard let text = value["delta"]?.string, !text.isEmpty else { return [] }
        hasDeltas.insert(kind)
        return [event(text)]
    }

    /// A finished item; its text counts only when no delta brought it.
    private mutating func take(_ item: JSONValue, _ index: Int) -> [ProviderEvent] {
        switch item["type"]?.string {
        case "function_call":
            let id = item["call_id"]?.string ?? item["id"]?.string ?? "call_\(index)"
            let arguments = ArgumentText.value(item["arguments"]?.string ?? "")
            calls.append((index, ToolCall(id: CallID(id), tool: item["name"]?.string ?? "", arguments: arguments)))
            return []
        case "message":
            guard !hasDeltas.contains("message") else { return [] }
            return (item["content"]?.array ?? []).compactMap { part in
                (part["text"]?.string ?? part["refusal"]?.string).map { .text($0) }
            }
        case "reasoning":
            kept.append(item)
            guard !hasDeltas.contains("reasoning") else { return [] }
            let parts = (item["summary"]?.array ?? []) + (item["content"]?.array ?? [])
            return parts.compactMap { $0["text"]?.string.map { .reasoning($0) } }
        default:
            kept.append(item)
            return []
        }
    }

    private mutating func end(_ response: JSONValue) throws(EngineError) -> [ProviderEvent] {
        isOver = true
        if let usage = response["usage"], !usage.isNull { self.usage = Self.usage(usage) }
        switch response["status"]?.string {
        case "failed": throw WireErrors.broken(response["error"] ?? .null)
        case "incomplete":
            let why = response["incomplete_details"]?["reason"]?.string
            reason = why == "content_filter" ? .filtered : .length
        default: break
        }
        return finish()
    }

    mutating func finish() -> [ProviderEvent] {
        guard !isFinished else { return [] }
        isFinished = true
        var events: [ProviderEvent] = calls.sorted { $0.index < $1.index }.map { .toolCall($0.call) }
        if !kept.isEmpty {
            events.append(.native(NativeAnswer(format: OpenAIResponses.name, model: model, items: kept)))
        }
        if let usage { events.append(.usage(usage)) }
        events.append(.finished(calls.isEmpty ? reason ?? .stop : .toolCalls))
        return events
    }

    private static func usage(_ usage: JSONValue) -> TokenUsage {
        let details = usage["input_tokens_details"]
        let read = details?["cached_tokens"]?.int ?? 0
        let write = details?["cache_write_tokens"]?.int ?? 0
        return TokenUsage(
            input: max(0, (usage["input_tokens"]?.int ?? 0) - read - write), cacheRead: read, cacheWrite: write,
            output: usage["output_tokens"]?.int ?? 0,
            reasoning: usage["output_tokens_details"]?["reasoning_tokens"]?.int ?? 0)
    }
}
