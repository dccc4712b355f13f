/// OpenAI's Chat Completions on the wire (openai/openai-openapi, `/chat/completions`).
package enum ChatCompletions {
    /// The request's body, streaming.
    package static func body(_ request: ProviderRequest, model: String) -> JSONValue {
        var body = JSONObject()
        body["model"] = .string(model)
        body["messages"] = .array(messages(request))
        if !request.tools.isEmpty, request.toolChoice != .none {
            body["tools"] = .array(request.tools.map(tool))
            if request.toolChoice == .required { body["tool_choice"] = "required" }
        }
        let parameters = request.parameters
        if let value = parameters.temperature { body["temperature"] = .double(value) }
        if let value = parameters.topP { body["top_p"] = .double(value) }
        if let value = parameters.maxTokens { body["max_completion_tokens"] = .int(value) }
        if let value = parameters.frequencyPenalty { body["frequency_penalty"] = .double(value) }
        if let value = parameters.presencePenalty { body["presence_penalty"] = .double(value) }
        body["stream"] = true
        body["stream_options"] = ["include_usage": true]
        return .object(body)
    }

    private static func messages(_ request: ProviderRequest) -> [JSONValue] {
        var messages: [JSONValue] = []
        if !request.system.isEmpty { messages.append(["role": "system", "content": .string(request.system)]) }
        return messages + request.messages.map(message)
    }

    private static func message(_ message: Message) -> JSONValue {
        var object = JSONObject()
        object["role"] = .string(message.role.rawValue)
        object["content"] = message.text.isEmpty && !message.toolCalls.isEmpty ? .null : .string(message.text)
        if let call = message.answers { object["tool_call_id"] = .string(call.rawValue) }
        if !message.toolCalls.isEmpty {
            object["tool_calls"] = .array(
                message.toolCalls.map { call in
                    [
                        "id": .string(call.id.rawValue), "type": "function",
                        "function": [
                            "name": .string(call.tool), "arguments": .string(argumentsText(call.arguments)),
                        ],
                    ]
                })
        }
        return .object(object)
    }

    /// What the model wrote, when it was not JSON, goes back as it was.
    private static func argumentsText(_ arguments: JSONValue) -> String { arguments.string ?? arguments.text }

    private static func tool(_ tool: ToolDescriptor) -> JSONValue {
        [
            "type": "function",
            "function": [
                "name": .string(tool.name), "description": .string(tool.description),
                "parameters": tool.inputSchema,
            ],
        ]
    }
}

/// Reads the chunks of a streamed answer, with the ways of the compatible servers: usage on the last chunk or the
/// finishing one, calls without index or id, arguments as objects, reasoning under several names.
package struct ChatStreamDecoder {
    private struct Call {
        var id: String?
        var name = ""
        var arguments = ""
    }

    private var calls: [Call] = []
    private var reason: StopReason?
    private var lastUsage: TokenUsage?
    /// Whether the answer has come to its end.
    package private(set) var isFinished = false

    package init() {}

    /// Decodes the data of one event.
    /// - Throws: `protocolViolation` when it is not JSON; the server's own error when it holds one.
    package mutating func decode(_ data: [UInt8]) throws(EngineError) -> [ProviderEvent] {
        if data.elementsEqual("[DONE]".utf8) { return finish() }
        let chunk: JSONValue
        do throws(JSONSyntaxError) {
            chunk = try JSONParser.parse(data)
        } catch {
            let excerpt = String(decoding: data.prefix(80), as: UTF8.self)
            throw EngineError(
                .protocolViolation, "the provider sent something that is not JSON (\(error.message)): \(excerpt)")
        }
        if let error = chunk["error"], !error.isNull {
            throw EngineError(.refused, "the provider broke off: \(ChatErrors.message(error))")
        }
        var events: [ProviderEvent] = []
        if let usage = chunk["usage"], !usage.isNull { lastUsage = Self.usage(usage) }
        guard let choice = chunk["choices"]?[0] else { return events }
        let delta = choice["delta"] ?? choice["message"] ?? .null
        if let text = delta["reasoning"]?.string ?? delta["reasoning_content"]?.string, !text.isEmpty {
            events.append(.reasoning(text))
        }
        if let text = delta["content"]?.string, !text.isEmpty { events.append(.text(text)) }
        if let text = delta["refusal"]?.string, !text.isEmpty { events.append(.text(text)) }
        for fragment in delta["tool_calls"]?.array ?? [] { add(fragment) }
        if let name = choice["finish_reason"]?.string { reason = Self.reason(name) }
        return events
    }

    private mutating func add(_ fragment: JSONValue) {
        let id = fragment["id"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        var index = fragment["index"]?.int
        if index == nil {
            // Without an index, a new id or a name begins a new call.
            let begins = calls.isEmpty || (id != nil && id != calls.last?.id)
            index = begins ? calls.count : calls.count - 1
        }
        guard let index, (0..<128).contains(index) else { return }
        while calls.count <= index { calls.append(Call()) }
        calls[index].id = calls[index].id ?? id
        if let name = fragment["function"]?["name"]?.string, calls[index].name.isEmpty { calls[index].name = name }
        switch fragment["function"]?["arguments"] {
        case .string(let text)?: calls[index].arguments += text
        case .object(let object)?: calls[index].arguments = JSONValue.object(object).text
        default: break
        }
    }

    /// What the end of the stream brings: calls, usage, the reason. Empty when it was already told.
    package mutating func finish() -> [ProviderEvent] {
        guard !isFinished else { return [] }
        isFinished = true
        var events: [ProviderEvent] = calls.enumerated().filter { !$0.element.name.isEmpty }.map { index, call in
            let text = call.arguments.isEmpty ? "{}" : call.arguments
            return .toolCall(
                ToolCall(
                    id: CallID(call.id ?? "call_\(index)"), tool: call.name,
                    arguments: (try? JSONParser.parse(text)) ?? .string(text)))
        }
        if let lastUsage { events.append(.usage(lastUsage)) }
        events.append(.finished(reason ?? (calls.isEmpty ? .stop : .toolCalls)))
        return events
    }

    /// Whether the model has said why it stopped, even if the stream's own end is missing.
    package var hasReason: Bool { reason != nil }

    private static func reason(_ name: String) -> StopReason {
        switch name {
        case "length": .length
        case "content_filter": .filtered
        case "tool_calls", "function_call": .toolCalls
        default: .stop
        }
    }

    /// Prompt tokens include the cached ones; ours do not overlap.
    private static func usage(_ usage: JSONValue) -> TokenUsage {
        let details = usage["prompt_tokens_details"]
        let read = details?["cached_tokens"]?.int ?? 0
        let write = details?["cache_write_tokens"]?.int ?? 0
        return TokenUsage(
            input: max(0, (usage["prompt_tokens"]?.int ?? 0) - read - write), cacheRead: read, cacheWrite: write,
            output: usage["completion_tokens"]?.int ?? 0,
            reasoning: usage["completion_tokens_details"]?["reasoning_tokens"]?.int ?? 0)
    }
}

/// What OpenAI and its compatible servers say when they refuse.
package enum ChatErrors {
    package static func message(_ error: JSONValue) -> String {
        error["message"]?.string ?? error.string ?? error.text
    }

    /// An answer that is not a success, as one error with what to do about it.
    package static func error(
        provider: String, status: Int, body: [UInt8], retryAfter: Double?, keyName: String?
    ) -> EngineError {
        let parsed = try? JSONParser.parse(body)
        let said = parsed?["error"].map(message) ?? String(decoding: body.prefix(200), as: UTF8.self)
        let tail = said.isEmpty ? "" : ": \(said)"
        let head = "provider '\(provider)' refused the request (\(status))"
        switch status {
        case 401, 403:
            let hint =
                keyName.map { "check the key in $\($0)" } ?? "name the key's environment variable: 'credential_env'"
            return EngineError(.unauthorized, head + tail, hint: hint)
        case 404:
            return EngineError(.notFound, head + tail, hint: "check the model's name and the base URL")
        case 429:
            let wait = retryAfter.map { "try again in \(DurationText.text(Int($0 * 1_000)))" }
            return EngineError(
                .rateLimited, "provider '\(provider)' is at its limit (429)\(tail)", hint: wait,
                retryAfter: retryAfter)
        case 500...:
            return EngineError(
                .unreachable, "provider '\(provider)' has trouble (\(status))\(tail)", retryAfter: retryAfter)
        default:
            return EngineError(.refused, head + tail)
        }
    }
}
