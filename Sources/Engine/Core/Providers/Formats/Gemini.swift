/// Google's Gemini API (`generateContent`, `streamGenerateContent`; ai.google.dev/api).
package struct Gemini: WireFormat {
    package static let name = "gemini"
    package var name: String { Self.name }
    package var standardBaseURL: String { "https://generativelanguage.googleapis.com/v1beta" }

    package init() {}

    package func url(base: String, model: String, streaming: Bool) -> String {
        let path = model.contains("/") ? model : "models/" + model
        return BaseURL.versioned(base, "v1beta") + "/" + path
            + (streaming ? ":streamGenerateContent?alt=sse" : ":generateContent")
    }

    package func authorization(_ key: Secret) -> Header { Header("x-goog-api-key", key.reveal()) }
    package func headers(_ options: WireOptions) -> [Header] { [] }
    package func decoder(model: String) -> any AnswerDecoder { GeminiDecoder(model: model) }

    package func body(_ call: WireCall) -> JSONObject {
        let request = call.request
        var body: JSONObject = ["contents": .array(contents(call))]
        if !request.system.isEmpty { body["systemInstruction"] = ["parts": [["text": .string(request.system)]]] }
        if !request.tools.isEmpty {
            let declarations: [JSONValue] = request.tools.map { tool in
                [
                    "name": .string(call.names.wire(tool.name)), "description": .string(tool.description),
                    "parametersJsonSchema": tool.inputSchema.object == nil ? ["type": "object"] : tool.inputSchema,
                ]
            }
            body["tools"] = [["functionDeclarations": .array(declarations)]]
            let mode = [ToolChoice.auto: "AUTO", .required: "ANY", .none: "NONE"][request.toolChoice] ?? "AUTO"
            body["toolConfig"] = ["functionCallingConfig": ["mode": .string(mode)]]
        }
        let parameters = request.parameters
        var config = JSONObject()
        let given: [(String, String, JSONValue?)] = [
            ("temperature", "temperature", parameters.temperature.map { .double($0) }),
            ("top_p", "topP", parameters.topP.map { .double($0) }),
            ("top_k", "topK", parameters.topK.map { .int($0) }),
            ("max_tokens", "maxOutputTokens", parameters.maxTokens.map { .int($0) }),
            ("stop", "stopSequences", parameters.stop.map { .array($0.map { .string($0) }) }),
            ("seed", "seed", parameters.seed.map { .int($0) }),
            ("frequency_penalty", "frequencyPenalty", parameters.frequencyPenalty.map { .double($0) }),
            ("presence_penalty", "presencePenalty", parameters.presencePenalty.map { .double($0) }),
        ]
        for (name, key, value) in given where call.allows(name) { if let value { config[key] = value } }
        var thinking = JSONObject()
        // One or the other; the level is what newer models want.
        if let effort = parameters.effort {
            thinking["thinkingLevel"] = .string(effort.uppercased())
        } else if let budget = parameters.thinkingBudget {
            thinking["thinkingBudget"] = .int(budget)
        }
        if !thinking.isEmpty {
            thinking["includeThoughts"] = true
            config["thinkingConfig"] = .object(thinking)
        }
        if let schema = call.outputSchema(usually: true) {
            config["responseMimeType"] = "application/json"
            config["responseJsonSchema"] = schema
        }
        if !config.isEmpty { body["generationConfig"] = .object(config) }
        return body
    }

    private func contents(_ call: WireCall) -> [JSONValue] {
        // Results are matched by name, and by the order of the calls.
        var names: [CallID: String] = [:]
        var grouped: [(role: String, parts: [JSONValue])] = []
        for message in call.request.messages {
            for wish in message.toolCalls { names[wish.id] = wish.tool }
            let role = message.role == .assistant ? "model" : "user"
            let parts = parts(message, call, names)
            guard !parts.isEmpty else { continue }
            if grouped.last?.role == role {
                grouped[grouped.count - 1].parts += parts
            } else {
                grouped.append((role, parts))
            }
        }
        return grouped.map { ["role": .string($0.role), "parts": .array($0.parts)] }
    }

    private func parts(_ message: Message, _ call: WireCall, _ names: [CallID: String]) -> [JSONValue] {
        switch message.role {
        case .tool:
            let id = message.answers ?? CallID("")
            let key = message.text.hasPrefix("Error: ") ? "error" : "result"
            let value = try? JSONParser.parse(message.text)
            return [
                [
                    "functionResponse": [
                        "name": .string(call.names.wire(names[id] ?? "")),
                        "response": value?.object != nil ? value ?? .null : [key: value ?? .string(message.text)],
                    ]
                ]
            ]
        case .assistant: return answer(message, call)
        case .user, .system:
            let text: [JSONValue] = message.text.isEmpty ? [] : [["text": .string(message.text)]]
            return text
                + call.images(message).map { image in
                    ["inlineData": ["mimeType": .string(image.mediaType), "data": .string(image.data)]]
                }
        }
    }

    /// A signature has to come back on the part that it came with.
    private func answer(_ message: Message, _ call: WireCall) -> [JSONValue] {
        let wishes: [JSONValue] = message.toolCalls.map { wish in
            [
                "functionCall": [
                    "name": .string(call.names.wire(wish.tool)), "args": ArgumentText.object(wish.arguments),
                ]
            ]
        }
        guard let native = call.native(message, Self.name),
            native.count(where: { $0["functionCall"] != nil }) == wishes.count
        else { return (message.text.isEmpty ? [] : [["text": .string(message.text)]]) + wishes }
        var rest = wishes[...]
        return native.compactMap { part in
            guard part["functionCall"] != nil, case .object(var object) = part,
                let wish = rest.popFirst()?["functionCall"]
            else { return part }
            object["functionCall"] = wish
            return .object(object)
        }
    }
}

/// Reads the answers of a stream, each of which is a whole one with the next piece in it.
struct GeminiDecoder: AnswerDecoder {
    private let model: String
    private var parts: [(part: JSONObject, text: String)] = []
    private var calls: [ToolCall] = []
    private var reason: StopReason?
    private var usage: TokenUsage?
    private(set) var isFinished = false
    var hasReason: Bool { reason != nil }

    init(model: String) { self.model = model }

    mutating func decode(_ value: JSONValue) throws(EngineError) -> [ProviderEvent] {
        // Without `alt=sse` a stream is an array.
        if let items = value.array {
            var events: [ProviderEvent] = []
            for item in items { events += try decode(item) }
            return events
        }
        if let error = value["error"], !error.isNull { throw WireErrors.broken(error) }
        if let usage = value["usageMetadata"], !usage.isNull { self.usage = Self.usage(usage) }
        if let why = value["promptFeedback"]?["blockReason"]?.string {
            reason = .filtered
            return [.warning("the prompt was blocked: \(why)")]
        }
        guard let candidate = value["candidates"]?[0] else { return [] }
        var events: [ProviderEvent] = []
        for part in candidate["content"]?["parts"]?.array ?? [] { events += take(part) }
        if let name = candidate["finishReason"]?.string {
            reason = Self.reason(name)
            if reason == .filtered || !Self.ordinary.contains(name) {
                let words = candidate["finishMessage"]?.string.map { ": \($0)" } ?? ""
                events.append(.warning("the model stopped with \(name)\(words)"))
            }
        }
        return events
    }

    private mutating func take(_ value: JSONValue) -> [ProviderEvent] {
        guard let part = value.object else { return [] }
        keep(part)
        if let wish = part["functionCall"] {
            let id = wish["id"]?.string ?? ""
            calls.append(
                ToolCall(
                    id: CallID(id), tool: wish["name"]?.string ?? "", arguments: wish["args"] ?? .object(JSONObject())))
            return []
        }
        guard let text = part["text"]?.string, !text.isEmpty else { return [] }
        return [part["thought"]?.bool == true ? .reasoning(text) : .text(text)]
    }

    /// Pieces of one text are one part; a signature ends it.
    private mutating func keep(_ part: JSONObject) {
        let text = part["text"]?.string ?? ""
        if part.count == 1, part["text"] != nil, text.isEmpty { return }
        let last = parts.indices.last
        let isMore =
            part["text"] != nil && part["thoughtSignature"] == nil
            && last.map { last in
                let before = parts[last].part
                return before["text"] != nil && before["thoughtSignature"] == nil
                    && before["thought"] == part["thought"]
            } == true
        if isMore, let last { parts[last].text += text } else { parts.append((part, text)) }
    }

    mutating func finish() -> [ProviderEvent] {
        guard !isFinished else { return [] }
        isFinished = true
        var events: [ProviderEvent] = calls.map { .toolCall($0) }
        // Thoughts are for people: without a signature they need not go back.
        let whole = parts.map { part, text in
            var part = part
            if part["text"] != nil { part["text"] = .string(text) }
            return part
        }
        let items = whole.filter { $0["thought"]?.bool != true || $0["thoughtSignature"] != nil }
        let isPlain = items.allSatisfy { part in
            part["thoughtSignature"] == nil && (part["text"] != nil || part["functionCall"] != nil)
        }
        if !isPlain {
            events.append(
                .native(NativeAnswer(format: Gemini.name, model: model, items: items.map { .object($0) })))
        }
        if let usage { events.append(.usage(usage)) }
        events.append(.finished(calls.isEmpty ? reason ?? .stop : .toolCalls))
        return events
    }

    private static let ordinary = ["STOP", "MAX_TOKENS"]

    private static func reason(_ name: String) -> StopReason {
        switch name {
        case "MAX_TOKENS": .length
        case "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY": .filtered
        default: .stop
        }
    }

    /// Prompt tokens include the cached ones; thoughts stand beside the candidates' tokens.
    private static func usage(_ usage: JSONValue) -> TokenUsage {
        let cached = usage["cachedContentTokenCount"]?.int ?? 0
        let prompt = (usage["promptTokenCount"]?.int ?? 0) + (usage["toolUsePromptTokenCount"]?.int ?? 0)
        let thoughts = usage["thoughtsTokenCount"]?.int ?? 0
        return TokenUsage(
            input: max(0, prompt - cached), cacheRead: cached,
            output: (usage["candidatesTokenCount"]?.int ?? 0) + thoughts, reasoning: thoughts)
    }
}
