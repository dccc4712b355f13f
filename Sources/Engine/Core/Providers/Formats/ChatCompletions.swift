/// OpenAI's Chat Completions (openai/openai-openapi, `/chat/completions`), and the many servers that speak it.
package struct ChatCompletions: WireFormat {
    package static let name = "openai-chat"
    package var name: String { Self.name }
    package let standardBaseURL: String
    private let keyHeader: String?

    /// - Parameter keyHeader: the header of the key where it is not `Authorization`, as Azure has it.
    package init(standardBaseURL: String = "https://api.openai.com/v1", keyHeader: String? = nil) {
        self.standardBaseURL = standardBaseURL
        self.keyHeader = keyHeader
    }

    package func url(base: String, model: String, streaming: Bool) -> String {
        let parts = base.split(separator: "?", maxSplits: 1)
        let query = parts.count > 1 ? "?" + parts[1] : ""
        return BaseURL.versionedHost(String(parts.first ?? ""), "v1") + "/chat/completions" + query
    }

    package func authorization(_ key: Secret) -> Header {
        keyHeader.map { Header($0, key.reveal()) } ?? Header("Authorization", "Bearer \(key.reveal())")
    }

    package func headers(_ options: WireOptions) -> [Header] { [] }
    package func decoder(model: String) -> any AnswerDecoder { ChatDecoder(model: model) }

    package func body(_ call: WireCall) -> JSONObject {
        let request = call.request
        var body: JSONObject = ["model": .string(call.model), "messages": .array(messages(call))]
        if !request.tools.isEmpty, request.toolChoice != .none {
            body["tools"] = .array(request.tools.map { ["type": "function", "function": function($0, call)] })
            if request.toolChoice == .required { body["tool_choice"] = "required" }
            if let parallel = call.options.parallelToolCalls { body["parallel_tool_calls"] = .bool(parallel) }
        }
        let parameters = request.parameters
        let maximum = call.options.usesOldMaxTokens || !call.allows("max_completion_tokens")
        var given: [(String, JSONValue?)] = [
            ("temperature", parameters.temperature.map { .double($0) }),
            ("top_p", parameters.topP.map { .double($0) }),
            (maximum ? "max_tokens" : "max_completion_tokens", parameters.maxTokens.map { .int($0) }),
            ("frequency_penalty", parameters.frequencyPenalty.map { .double($0) }),
            ("presence_penalty", parameters.presencePenalty.map { .double($0) }),
            ("seed", parameters.seed.map { .int($0) }),
            ("stop", parameters.stop.map { .array($0.map { .string($0) }) }),
            ("reasoning_effort", parameters.effort.map { .string($0) }),
        ]
        call.lacks(standardBaseURL.isEmpty ? ["thinking_budget"] : ["top_k", "thinking_budget"], "Chat Completions")
        if standardBaseURL.isEmpty { given.append(("top_k", parameters.topK.map { .int($0) })) }
        for (name, value) in given where call.allows(name) { if let value { body[name] = value } }
        if let schema = call.outputSchema(usually: true) {
            body["response_format"] = [
                "type": "json_schema",
                "json_schema": ["name": "answer", "schema": schema, "strict": .bool(StrictSchema.fits(schema))],
            ]
        }
        if call.isStreaming {
            body["stream"] = true
            if call.allows("stream_options") { body["stream_options"] = ["include_usage": true] }
        }
        return body
    }

    private func messages(_ call: WireCall) -> [JSONValue] {
        var messages: [JSONValue] = []
        if !call.request.system.isEmpty {
            messages.append(["role": "system", "content": .string(call.request.system)])
        }
        return messages + call.request.messages.map { message($0, call) }
    }

    private func message(_ message: Message, _ call: WireCall) -> JSONValue {
        var object = JSONObject()
        object["role"] = .string(message.role.rawValue)
        object["content"] = content(message, call)
        if let answered = message.answers { object["tool_call_id"] = .string(call.callID(answered)) }
        for item in call.native(message, Self.name) ?? [] {
            for (name, value) in item.object ?? JSONObject() { object[name] = value }
        }
        if !message.toolCalls.isEmpty {
            object["tool_calls"] = .array(
                message.toolCalls.map { wish in
                    [
                        "id": .string(call.callID(wish.id)), "type": "function",
                        "function": [
                            "name": .string(call.names.wire(wish.tool)),
                            "arguments": .string(ArgumentText.text(wish.arguments)),
                        ],
                    ]
                })
        }
        return .object(object)
    }

    private func content(_ message: Message, _ call: WireCall) -> JSONValue {
        let images = call.images(message)
        guard images.isEmpty else {
            let text: [JSONValue] = message.text.isEmpty ? [] : [["type": "text", "text": .string(message.text)]]
            return .array(
                text + images.map { ["type": "image_url", "image_url": ["url": .string($0.dataURL)]] })
        }
        return message.text.isEmpty && !message.toolCalls.isEmpty ? .null : .string(message.text)
    }

    private func function(_ tool: ToolDescriptor, _ call: WireCall) -> JSONValue {
        var function: JSONObject = [
            "name": .string(call.names.wire(tool.name)), "description": .string(tool.description),
            "parameters": tool.inputSchema,
        ]
        if call.options.strictTools, StrictSchema.fits(tool.inputSchema) { function["strict"] = true }
        return .object(function)
    }
}

extension Attachment {
    /// RFC 2397.
    var dataURL: String { "data:\(mediaType);base64,\(data)" }
}

/// Whether a schema is one that OpenAI's strict mode takes: every object closed, every property required.
package enum StrictSchema {
    package static func fits(_ schema: JSONValue) -> Bool {
        switch schema {
        case .array(let items): return items.allSatisfy(fits)
        case .object(let object):
            if object["type"]?.string == "object" || object["properties"] != nil {
                let names = object["properties"]?.object?.keys ?? []
                let required = Set(object["required"]?.array?.compactMap(\.string) ?? [])
                guard object["additionalProperties"] == .bool(false), names.allSatisfy(required.contains) else {
                    return false
                }
            }
            return object.allSatisfy { _, value in fits(value) }
        case .null, .bool, .number, .string: return true
        }
    }
}

/// Reads the chunks of a streamed answer, with the ways of the compatible servers: usage on the last chunk or the
/// finishing one, calls without index or id, arguments as objects, reasoning under several names.
struct ChatDecoder: AnswerDecoder {
    private struct Call {
        var id: String?
        var name = ""
        var arguments = ""
    }

    private let model: String
    private var calls: [Call] = []
    private var reason: StopReason?
    private var usage: TokenUsage?
    private var cost: Money?
    /// What OpenRouter and LiteLLM want back: signed reasoning.
    private var kept = JSONObject()
    private(set) var isFinished = false
    var hasReason: Bool { reason != nil }

    init(model: String) { self.model = model }

    mutating func decode(_ chunk: JSONValue) throws(EngineError) -> [ProviderEvent] {
        if let error = chunk["error"], !error.isNull { throw WireErrors.broken(error) }
        if let usage = chunk["usage"], !usage.isNull { take(usage) }
        guard let choice = chunk["choices"]?[0] else { return [] }
        let delta = choice["delta"] ?? choice["message"] ?? .null
        var events: [ProviderEvent] = []
        if let text = delta["reasoning"]?.string ?? delta["reasoning_content"]?.string, !text.isEmpty {
            events.append(.reasoning(text))
        }
        for name in ["reasoning_details", "thinking_blocks"] {
            if let details = delta[name]?.array, !details.isEmpty {
                kept[name] = .array((kept[name]?.array ?? []) + details)
            }
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

    mutating func finish() -> [ProviderEvent] {
        guard !isFinished else { return [] }
        isFinished = true
        var events: [ProviderEvent] = calls.enumerated().filter { !$0.element.name.isEmpty }.map { index, call in
            .toolCall(
                ToolCall(
                    id: CallID(call.id ?? "call_\(index)"), tool: call.name,
                    arguments: ArgumentText.value(call.arguments)))
        }
        if !kept.isEmpty {
            events.append(
                .native(NativeAnswer(format: ChatCompletions.name, model: model, items: [.object(kept)])))
        }
        if let usage { events.append(.usage(usage)) }
        if let cost { events.append(.cost(cost)) }
        events.append(.finished(calls.isEmpty ? reason ?? .stop : .toolCalls))
        return events
    }

    private static func reason(_ name: String) -> StopReason {
        switch name {
        case "length": .length
        case "content_filter": .filtered
        case "tool_calls", "function_call": .toolCalls
        default: .stop
        }
    }

    /// Prompt tokens include the cached ones; ours do not overlap.
    private mutating func take(_ usage: JSONValue) {
        let details = usage["prompt_tokens_details"]
        let read = details?["cached_tokens"]?.int ?? usage["prompt_cache_hit_tokens"]?.int ?? 0
        let write = details?["cache_write_tokens"]?.int ?? 0
        self.usage = TokenUsage(
            input: max(0, (usage["prompt_tokens"]?.int ?? 0) - read - write), cacheRead: read, cacheWrite: write,
            output: usage["completion_tokens"]?.int ?? 0,
            reasoning: usage["completion_tokens_details"]?["reasoning_tokens"]?.int ?? 0)
        // OpenRouter's; a plain number of dollars.
        if let dollars = usage["cost"]?.double { cost = Money(dollars: dollars) }
    }
}
