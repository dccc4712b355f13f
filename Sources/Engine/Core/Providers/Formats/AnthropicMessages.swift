/// Anthropic's Messages (platform documentation, `/v1/messages`; versions 2023-06-01 and 2026-10-21).
package struct AnthropicMessages: WireFormat {
    package static let name = "anthropic"
    package static let standardVersion = "2023-06-01"
    package var name: String { Self.name }
    package var standardBaseURL: String { "https://api.anthropic.com" }

    package init() {}

    package func url(base: String, model: String, streaming: Bool) -> String {
        BaseURL.versioned(base, "v1") + "/messages"
    }

    package func authorization(_ key: Secret) -> Header { Header("x-api-key", key.reveal()) }

    package func headers(_ options: WireOptions) -> [Header] {
        [Header("anthropic-version", options.apiVersion ?? Self.standardVersion)]
            + (options.betas.isEmpty ? [] : [Header("anthropic-beta", options.betas.joined(separator: ","))])
    }

    package func decoder(model: String) -> any AnswerDecoder { AnthropicDecoder(model: model) }

    /// Anthropic wants a limit; this one where nobody gave any.
    private static let standardMaxTokens = 8_192
    private static let smallestBudget = 1_024

    package func body(_ call: WireCall) -> JSONObject {
        let request = call.request
        let thinking = thinking(call)
        let room = max(request.parameters.thinkingBudget ?? 0, 0)
        var body: JSONObject = [
            "model": .string(call.model),
            "max_tokens": .int(max(request.parameters.maxTokens ?? room + Self.standardMaxTokens, room + 1)),
            "messages": .array(messages(call)),
        ]
        if !request.system.isEmpty {
            body["system"] =
                call.options.promptCaching
                ? [["type": "text", "text": .string(request.system), "cache_control": Self.mark]]
                : .string(request.system)
        }
        if !request.tools.isEmpty {
            var tools: [JSONValue] = request.tools.map { tool in
                [
                    "name": .string(call.names.wire(tool.name)), "description": .string(tool.description),
                    "input_schema": tool.inputSchema.object == nil ? ["type": "object"] : tool.inputSchema,
                ]
            }
            if call.options.promptCaching { tools[tools.count - 1] = Self.marked(tools[tools.count - 1]) }
            body["tools"] = .array(tools)
            body["tool_choice"] = choice(call, thinks: thinking != nil)
        }
        if let thinking { body["thinking"] = thinking }
        var output = JSONObject()
        if let effort = request.parameters.effort { output["effort"] = .string(effort) }
        // Older models refuse it.
        if let schema = call.outputSchema(usually: false) {
            output["format"] = ["type": "json_schema", "schema": schema]
        }
        if !output.isEmpty { body["output_config"] = .object(output) }
        for (name, value) in sampling(call, thinks: thinking != nil) where call.allows(name) { body[name] = value }
        call.lacks(["seed", "frequency_penalty", "presence_penalty"], "Messages")
        if let stop = request.parameters.stop { body["stop_sequences"] = .array(stop.map { .string($0) }) }
        if call.isStreaming { body["stream"] = true }
        return body
    }

    private func choice(_ call: WireCall, thinks: Bool) -> JSONValue? {
        var choice = JSONObject()
        switch call.request.toolChoice {
        case .none: choice["type"] = "none"
        case .required where !thinks: choice["type"] = "any"
        case .required:
            call.losses.add("a tool cannot be required while the model thinks; it may choose")
            choice["type"] = "auto"
        case .auto: choice["type"] = "auto"
        }
        if let parallel = call.options.parallelToolCalls, call.request.toolChoice != .none {
            choice["disable_parallel_tool_use"] = .bool(!parallel)
        }
        return .object(choice)
    }

    private func thinking(_ call: WireCall) -> JSONValue? {
        guard let budget = call.request.parameters.thinkingBudget else { return nil }
        guard budget > 0 else { return ["type": "disabled"] }
        return ["type": "enabled", "budget_tokens": .int(max(budget, Self.smallestBudget))]
    }

    /// From this version on sampling parameters are an error.
    private static let versionWithoutSampling = "2026-10-21"

    /// Thinking takes no sampling parameters.
    private func sampling(_ call: WireCall, thinks: Bool) -> [(String, JSONValue)] {
        let parameters = call.request.parameters
        let given: [(String, JSONValue?)] = [
            ("temperature", parameters.temperature.map { .double(min($0, 1)) }),
            ("top_p", parameters.topP.map { .double($0) }), ("top_k", parameters.topK.map { .int($0) }),
        ]
        let sent = given.compactMap { name, value in value.map { (name, $0) } }
        if let version = call.options.apiVersion, version >= Self.versionWithoutSampling, version.hasPrefix("20") {
            if !sent.isEmpty {
                call.losses.add("\(sent.map(\.0).joined(separator: ", ")) left out: version \(version) has none")
            }
            return []
        }
        if (parameters.temperature ?? 0) > 1 { call.losses.add("Anthropic's temperature ends at 1; 1 is sent") }
        guard thinks, parameters.thinkingBudget ?? 0 > 0, !sent.isEmpty else { return sent }
        call.losses.add("\(sent.map(\.0).joined(separator: ", ")) left out: not while the model thinks")
        return []
    }

    // MARK: Messages

    private static let mark: JSONValue = ["type": "ephemeral"]

    private static func marked(_ value: JSONValue) -> JSONValue {
        guard case .object(var object) = value else { return value }
        object["cache_control"] = mark
        return .object(object)
    }

    /// What tools said goes together, and before what the person says next.
    private func messages(_ call: WireCall) -> [JSONValue] {
        var grouped: [(role: String, blocks: [JSONValue])] = []
        for message in call.request.messages {
            let role = message.role == .assistant ? "assistant" : "user"
            let blocks = blocks(message, call)
            guard !blocks.isEmpty else { continue }
            if grouped.last?.role == role {
                grouped[grouped.count - 1].blocks += blocks
            } else {
                grouped.append((role, blocks))
            }
        }
        if call.options.promptCaching, let last = grouped.indices.last, grouped[last].role == "user" {
            let end = grouped[last].blocks.count - 1
            grouped[last].blocks[end] = Self.marked(grouped[last].blocks[end])
        }
        return grouped.map { ["role": .string($0.role), "content": .array($0.blocks)] }
    }

    private func blocks(_ message: Message, _ call: WireCall) -> [JSONValue] {
        switch message.role {
        case .tool:
            var result: JSONObject = [
                "type": "tool_result", "tool_use_id": .string(message.answers.map { call.callID($0) } ?? ""),
                "content": .string(message.text),
            ]
            if message.text.hasPrefix("Error: ") { result["is_error"] = true }
            return [.object(result)]
        case .assistant: return answer(message, call)
        case .user, .system:
            let images: [JSONValue] = call.images(message).map { image in
                [
                    "type": "image",
                    "source": [
                        "type": "base64", "media_type": .string(image.mediaType), "data": .string(image.data),
                    ],
                ]
            }
            return images + (message.text.isEmpty ? [] : [["type": "text", "text": .string(message.text)]])
        }
    }

    private func answer(_ message: Message, _ call: WireCall) -> [JSONValue] {
        let uses: [JSONValue] = message.toolCalls.map { wish in
            [
                "type": "tool_use", "id": .string(call.callID(wish.id)), "name": .string(call.names.wire(wish.tool)),
                "input": ArgumentText.object(wish.arguments),
            ]
        }
        guard let native = call.native(message, Self.name),
            native.count(where: { $0["type"]?.string == "tool_use" }) == uses.count
        else { return (message.text.isEmpty ? [] : [["type": "text", "text": .string(message.text)]]) + uses }
        // Calls are written anew, in their places, so that their ids are ours.
        var rest = uses[...]
        return native.compactMap { block in
            switch block["type"]?.string {
            case "tool_use": rest.popFirst()
            case "text" where block["text"]?.string?.isEmpty != false: nil
            // Thoughts that nobody signed are refused.
            case "thinking" where block["signature"]?.string?.isEmpty != false: nil
            default: block
            }
        }
    }
}

/// Reads the events of a streamed message, or a whole one.
struct AnthropicDecoder: AnswerDecoder {
    /// A block as it began, and what deltas added to its texts.
    private struct Block {
        var start = JSONObject()
        /// By field: `text`, `thinking`, `signature`, and `input` as JSON.
        var added: [String: String] = [:]
        var citations: [JSONValue] = []

        var type: String { start["type"]?.string ?? "" }

        var whole: JSONObject {
            var block = start
            for (field, text) in added where field != "input" {
                block[field] = .string((start[field]?.string ?? "") + text)
            }
            if let input = added["input"], !input.isEmpty { block["input"] = ArgumentText.value(input) }
            if !citations.isEmpty { block["citations"] = .array((start["citations"]?.array ?? []) + citations) }
            return block
        }
    }

    private let model: String
    private var blocks: [Int: Block] = [:]
    private var usage = JSONObject()
    private var reason: StopReason?
    private(set) var isFinished = false
    var hasReason: Bool { reason != nil }

    init(model: String) { self.model = model }

    mutating func decode(_ value: JSONValue) throws(EngineError) -> [ProviderEvent] {
        switch value["type"]?.string {
        case "message_start":
            merge(value["message"]?["usage"])
            return []
        case "content_block_start":
            guard let index = index(value), let block = value["content_block"]?.object else { return [] }
            blocks[index] = Block(start: block)
            return Self.shown(block)
        case "content_block_delta": return delta(value)
        case "message_delta":
            merge(value["usage"])
            guard let name = value["delta"]?["stop_reason"]?.string else { return [] }
            reason = Self.reason(name)
            return name == "pause_turn" ? [.warning("the model paused; say 'go on' to let it finish")] : []
        case "message_stop": return finish()
        case "error": throw WireErrors.broken(value["error"] ?? value)
        case "message":
            // The answer in one piece.
            merge(value["usage"])
            for (index, block) in (value["content"]?.array ?? []).enumerated() {
                blocks[index] = Block(start: block.object ?? JSONObject())
            }
            reason = value["stop_reason"]?.string.map(Self.reason) ?? .stop
            return (value["content"]?.array ?? []).flatMap { Self.shown($0.object ?? JSONObject()) } + finish()
        default:
            if let error = value["error"], !error.isNull { throw WireErrors.broken(error) }
            return []
        }
    }

    private func index(_ value: JSONValue) -> Int? {
        value["index"]?.int.flatMap { (0..<4_096).contains($0) ? $0 : nil }
    }

    private static func shown(_ block: JSONObject) -> [ProviderEvent] {
        if block["type"]?.string == "text", let text = block["text"]?.string, !text.isEmpty { return [.text(text)] }
        if block["type"]?.string == "thinking", let text = block["thinking"]?.string, !text.isEmpty {
            return [.reasoning(text)]
        }
        return []
    }

    private mutating func delta(_ value: JSONValue) -> [ProviderEvent] {
        guard let index = index(value), let delta = value["delta"] else { return [] }
        func add(_ field: String, _ text: JSONValue?) -> String {
            let text = text?.string ?? ""
            if !text.isEmpty { blocks[index, default: Block()].added[field, default: ""] += text }
            return text
        }
        switch delta["type"]?.string {
        case "text_delta":
            let text = add("text", delta["text"])
            return text.isEmpty ? [] : [.text(text)]
        case "thinking_delta":
            let text = add("thinking", delta["thinking"])
            return text.isEmpty ? [] : [.reasoning(text)]
        case "signature_delta": _ = add("signature", delta["signature"])
        case "input_json_delta": _ = add("input", delta["partial_json"])
        case "citations_delta": if let citation = delta["citation"] { blocks[index]?.citations.append(citation) }
        default: break
        }
        return []
    }

    /// Counts are running totals: the last word stands.
    private mutating func merge(_ more: JSONValue?) {
        for (name, value) in more?.object ?? JSONObject() where !value.isNull { usage[name] = value }
    }

    mutating func finish() -> [ProviderEvent] {
        guard !isFinished else { return [] }
        isFinished = true
        var events: [ProviderEvent] = []
        var items: [JSONValue] = []
        for index in blocks.keys.sorted() {
            guard let block = blocks[index]?.whole else { continue }
            items.append(.object(block))
            guard blocks[index]?.type == "tool_use" else { continue }
            events.append(
                .toolCall(
                    ToolCall(
                        id: CallID(block["id"]?.string ?? ""), tool: block["name"]?.string ?? "",
                        arguments: block["input"] ?? .object(JSONObject()))))
        }
        let hasCalls = !events.isEmpty
        if items.contains(where: { !["text", "tool_use"].contains($0["type"]?.string) }) {
            events.append(.native(NativeAnswer(format: AnthropicMessages.name, model: model, items: items)))
        }
        if !usage.isEmpty { events.append(.usage(Self.usage(.object(usage)))) }
        events.append(.finished(hasCalls ? .toolCalls : reason ?? .stop))
        return events
    }

    private static func reason(_ name: String) -> StopReason {
        switch name {
        case "max_tokens", "model_context_window_exceeded": .length
        case "tool_use": .toolCalls
        case "refusal": .filtered
        default: .stop
        }
    }

    /// Anthropic's input tokens leave out what was read from and written to the cache.
    private static func usage(_ usage: JSONValue) -> TokenUsage {
        TokenUsage(
            input: usage["input_tokens"]?.int ?? 0, cacheRead: usage["cache_read_input_tokens"]?.int ?? 0,
            cacheWrite: usage["cache_creation_input_tokens"]?.int ?? 0,
            cacheWriteLong: usage["cache_creation"]?["ephemeral_1h_input_tokens"]?.int ?? 0,
            output: usage["output_tokens"]?.int ?? 0,
            reasoning: usage["output_tokens_details"]?["thinking_tokens"]?.int ?? 0)
    }
}
