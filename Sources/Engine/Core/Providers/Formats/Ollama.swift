/// Ollama's own API (ollama/ollama, docs/api.md, `/api/chat`).
package struct Ollama: WireFormat {
    package static let name = "ollama"
    package var name: String { Self.name }
    package var standardBaseURL: String { "http://127.0.0.1:11434" }

    package init() {}

    package func url(base: String, model: String, streaming: Bool) -> String {
        var base = BaseURL.trimmed(base)
        for suffix in ["/v1", "/api"] where base.hasSuffix(suffix) { base.removeLast(suffix.count) }
        return base + "/api/chat"
    }

    package func authorization(_ key: Secret) -> Header { Header("Authorization", "Bearer \(key.reveal())") }
    package func headers(_ options: WireOptions) -> [Header] { [] }
    package func decoder(model: String) -> any AnswerDecoder { OllamaDecoder(model: model) }
    package var framing: StreamFramer.Framing { .lines }

    package func body(_ call: WireCall) -> JSONObject {
        let request = call.request
        var names: [CallID: String] = [:]
        for message in request.messages { for wish in message.toolCalls { names[wish.id] = wish.tool } }
        var messages = request.messages.map { message($0, call, names) }
        if !request.system.isEmpty {
            messages.insert(["role": "system", "content": .string(request.system)], at: 0)
        }
        var body: JSONObject = [
            "model": .string(call.model), "messages": .array(messages), "stream": .bool(call.isStreaming),
        ]
        if !request.tools.isEmpty, request.toolChoice != .none {
            if request.toolChoice == .required { call.losses.add("Ollama cannot require a tool; the model may choose") }
            body["tools"] = .array(
                request.tools.map { tool in
                    [
                        "type": "function",
                        "function": [
                            "name": .string(call.names.wire(tool.name)), "description": .string(tool.description),
                            "parameters": tool.inputSchema,
                        ],
                    ]
                })
        }
        let parameters = request.parameters
        if let effort = parameters.effort {
            body["think"] = ["none": false, "false": false, "true": true][effort] ?? .string(effort)
        } else if let budget = parameters.thinkingBudget {
            body["think"] = .bool(budget > 0)
        }
        var options = JSONObject()
        let given: [(String, String, JSONValue?)] = [
            ("temperature", "temperature", parameters.temperature.map { .double($0) }),
            ("top_p", "top_p", parameters.topP.map { .double($0) }),
            ("top_k", "top_k", parameters.topK.map { .int($0) }),
            ("max_tokens", "num_predict", parameters.maxTokens.map { .int($0) }),
            ("seed", "seed", parameters.seed.map { .int($0) }),
            ("stop", "stop", parameters.stop.map { .array($0.map { .string($0) }) }),
            ("frequency_penalty", "frequency_penalty", parameters.frequencyPenalty.map { .double($0) }),
            ("presence_penalty", "presence_penalty", parameters.presencePenalty.map { .double($0) }),
            ("context_window", "num_ctx", call.options.contextWindow.map { .int($0) }),
        ]
        for (name, key, value) in given where call.allows(name) { if let value { options[key] = value } }
        if !options.isEmpty { body["options"] = .object(options) }
        if let schema = call.outputSchema(usually: true) { body["format"] = schema }
        if let keep = call.options.keepAlive { body["keep_alive"] = .string(keep) }
        return body
    }

    private func message(_ message: Message, _ call: WireCall, _ names: [CallID: String]) -> JSONValue {
        var object: JSONObject = ["role": .string(message.role.rawValue), "content": .string(message.text)]
        if let answered = message.answers { object["tool_name"] = .string(call.names.wire(names[answered] ?? "")) }
        let images = call.images(message)
        if !images.isEmpty { object["images"] = .array(images.map { .string($0.data) }) }
        if call.native(message, Self.name) != nil { object["thinking"] = .string(message.reasoning ?? "") }
        if !message.toolCalls.isEmpty {
            object["tool_calls"] = .array(
                message.toolCalls.map { wish in
                    [
                        "function": [
                            "name": .string(call.names.wire(wish.tool)),
                            "arguments": ArgumentText.object(wish.arguments),
                        ]
                    ]
                })
        }
        return .object(object)
    }
}

/// Reads the lines of a streamed answer, or its only one.
struct OllamaDecoder: AnswerDecoder {
    private let model: String
    private var calls: [ToolCall] = []
    private var thought = false
    private var reason: StopReason?
    private var usage: TokenUsage?
    private(set) var isFinished = false
    var hasReason: Bool { reason != nil }

    init(model: String) { self.model = model }

    mutating func decode(_ value: JSONValue) throws(EngineError) -> [ProviderEvent] {
        if let error = value["error"], !error.isNull { throw WireErrors.broken(error) }
        var events: [ProviderEvent] = []
        let message = value["message"]
        if let text = message?["thinking"]?.string, !text.isEmpty {
            thought = true
            events.append(.reasoning(text))
        }
        if let text = message?["content"]?.string, !text.isEmpty { events.append(.text(text)) }
        for wish in message?["tool_calls"]?.array ?? [] {
            calls.append(
                ToolCall(
                    id: CallID(wish["id"]?.string ?? ""), tool: wish["function"]?["name"]?.string ?? "",
                    arguments: wish["function"]?["arguments"] ?? .object(JSONObject())))
        }
        guard value["done"]?.bool == true else { return events }
        // The prompt's count is missing when the prompt was cached; then all is estimated.
        if let prompt = value["prompt_eval_count"]?.int {
            usage = TokenUsage(input: prompt, output: value["eval_count"]?.int ?? 0)
        }
        reason = value["done_reason"]?.string == "length" ? .length : .stop
        for (name, unit) in [
            ("load_duration", "load"), ("prompt_eval_duration", "prompt"), ("eval_duration", "answer"),
        ] {
            if let nanoseconds = value[name]?.int {
                events.append(.note("ollama.\(unit)_ms", .int(nanoseconds / 1_000_000)))
            }
        }
        return events + finish()
    }

    mutating func finish() -> [ProviderEvent] {
        guard !isFinished else { return [] }
        isFinished = true
        var events: [ProviderEvent] = calls.map { .toolCall($0) }
        if thought, !calls.isEmpty {
            events.append(.native(NativeAnswer(format: Ollama.name, model: model, items: [])))
        }
        if let usage { events.append(.usage(usage)) }
        events.append(.finished(calls.isEmpty ? reason ?? .stop : .toolCalls))
        return events
    }
}
