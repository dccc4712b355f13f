/// Tools, prompts, resources and completion.
extension MCPConnection {
    /// A page list that goes on longer than this is a loop.
    private static let pageLimit = 100

    /// Asks for a sign of life.
    func ping() async throws(EngineError) {
        _ = try await result(of: context.isModern ? "server/discover" : "ping", JSONObject(), within: 10_000)
    }

    private func pages(_ method: String, _ key: String) async throws(EngineError) -> [JSONValue] {
        var items: [JSONValue] = []
        var cursor: JSONValue?
        var seen: Set<JSONValue> = []
        for _ in 0..<Self.pageLimit {
            var params = JSONObject()
            params["cursor"] = cursor
            let result = try await cached(method, params)
            items += result[key]?.array ?? []
            // An empty cursor is a cursor.
            guard let next = result["nextCursor"], next.string != nil, seen.insert(next).inserted else { return items }
            cursor = next
        }
        throw EngineError(
            .protocolViolation, "the server's answer to '\(method)' has more than \(Self.pageLimit) pages")
    }

    private func cached(_ method: String, _ params: JSONObject) async throws(EngineError) -> JSONValue {
        // Whether tools are listed again is for their handler to say.
        let key = "\(method) \(JSONValue.object(params).text)"
        if method != "tools/list", let known = cache.find(key, now: clock.now().milliseconds) { return known }
        let result = try await result(of: method, params, within: 30_000)
        cache.keep(key, result, now: clock.now().milliseconds)
        return result
    }

    /// Every page of the server's tools.
    package func tools() async throws(EngineError) -> [ToolDescriptor] {
        guard capabilities["tools"] != nil else { return [] }
        // Calls go on meanwhile, by what was known before.
        var (excluded, taskTools): ([String], Set<String>) = ([], [])
        var tools: [ToolDescriptor] = []
        for tool in try await pages("tools/list", "tools") {
            guard let name = tool["name"]?.string else { continue }
            let schema = tool["inputSchema"] ?? ["type": "object"]
            if context.isModern, transport.mirrorsArguments, let objection = MCPContent.headerObjection(schema) {
                excluded.append("'\(name)' is left out: \(objection)")
                continue
            }
            schemas[name] = schema
            if tool["execution"]?["taskSupport"]?.string == "required" { taskTools.insert(name) }
            var descriptor = ToolDescriptor(
                name: name, description: tool["description"]?.string ?? Self.title(of: tool) ?? "", inputSchema: schema,
                readOnly: tool["annotations"]?["readOnlyHint"]?.bool ?? false)
            descriptor.outputSchema = tool["outputSchema"]
            descriptor.title = Self.title(of: tool)
            descriptor.hints = tool["annotations"]
            tools.append(descriptor)
        }
        (self.excluded, self.taskTools) = (excluded, taskTools)
        return tools
    }

    private static func title(of tool: JSONValue) -> String? {
        tool["title"]?.string ?? tool["annotations"]?["title"]?.string
    }

    package func call(_ call: ToolCall, host: any ToolHost) async throws(EngineError) -> ToolAnswer {
        var params: JSONObject = ["name": .string(call.tool), "arguments": call.arguments]
        let running = Running(host: host, call: call.id)
        let result: JSONValue
        if taskTools.contains(call.tool), !context.isModern {
            params["task"] = ["ttl": 3_600_000]
            result = try await taskResult(params, running)
        } else {
            result = try await complete("tools/call", params, running)
        }
        var answer = ToolAnswer(
            text: MCPContent.text(of: result), isError: result["isError"]?.bool ?? false,
            attributes: ["mcp.protocol.version": .string(context.version)])
        answer.structured = result["structuredContent"]
        return answer
    }

    package func prompts() async throws(EngineError) -> [PromptSummary] {
        guard capabilities["prompts"] != nil else { return [] }
        return try await pages("prompts/list", "prompts").compactMap { prompt in
            guard let name = prompt["name"]?.string else { return nil }
            let arguments = (prompt["arguments"]?.array ?? []).compactMap { argument -> PromptSummary.Argument? in
                guard let name = argument["name"]?.string else { return nil }
                return PromptSummary.Argument(
                    name: name, description: argument["description"]?.string ?? "",
                    isRequired: argument["required"]?.bool ?? false)
            }
            return PromptSummary(
                name: name, description: prompt["description"]?.string ?? prompt["title"]?.string ?? "",
                arguments: arguments)
        }
    }

    /// A prompt with its arguments filled in, as text: one message as it is, several with their roles.
    package func prompt(
        _ name: String, _ arguments: [String: String], host: any ToolHost
    ) async throws(EngineError) -> String {
        let values = JSONObject(arguments.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
        let result = try await complete(
            "prompts/get", ["name": .string(name), "arguments": .object(values)], Running(host: host, call: nil))
        let messages = result["messages"]?.array ?? []
        let texts = messages.map { message in
            let content = message["content"] ?? .null
            let text = (content.array ?? [content]).map(MCPContent.block).joined(separator: "\n")
            return messages.count > 1 ? "\(message["role"]?.string ?? "user"): \(text)" : text
        }
        return texts.joined(separator: "\n\n")
    }

    /// Resources, then templates of resources.
    package func resources() async throws(EngineError) -> [ResourceSummary] {
        guard capabilities["resources"] != nil else { return [] }
        func read(_ value: JSONValue, _ key: String) -> ResourceSummary? {
            guard let uri = value[key]?.string else { return nil }
            return ResourceSummary(
                uri: uri, name: value["title"]?.string ?? value["name"]?.string ?? uri,
                description: value["description"]?.string ?? "", mediaType: value["mimeType"]?.string,
                isTemplate: key == "uriTemplate")
        }
        let resources = try await pages("resources/list", "resources").compactMap { read($0, "uri") }
        // Older servers know no templates.
        let templates = (try? await pages("resources/templates/list", "resourceTemplates")) ?? []
        return resources + templates.compactMap { read($0, "uriTemplate") }
    }

    /// The contents of a resource (`contents[]`).
    package func read(_ uri: String, host: any ToolHost) async throws(EngineError) -> [JSONValue] {
        let key = "resources/read \(uri)"
        if let known = cache.find(key, now: clock.now().milliseconds) { return known["contents"]?.array ?? [] }
        let result = try await complete("resources/read", ["uri": .string(uri)], Running(host: host, call: nil))
        cache.keep(key, result, now: clock.now().milliseconds)
        return result["contents"]?.array ?? []
    }

    /// Values that an argument of a prompt, or a variable of a resource template, may have.
    /// - Parameters:
    ///   - reference: `{"type": "ref/prompt", "name": …}` or `{"type": "ref/resource", "uri": …}`.
    ///   - chosen: values of other arguments.
    package func completions(
        _ reference: JSONValue, argument: String, value: String, chosen: [String: String] = [:]
    ) async throws(EngineError) -> [String] {
        guard capabilities["completions"] != nil || context.version < "2025-03-26" else { return [] }
        var params: JSONObject = [
            "ref": reference, "argument": ["name": .string(argument), "value": .string(value)],
        ]
        if !chosen.isEmpty {
            params["context"] = ["arguments": .object(JSONObject(chosen.map { ($0.key, .string($0.value)) }))]
        }
        let result = try await result(of: "completion/complete", params, within: 5_000)
        return result["completion"]?["values"]?.array?.compactMap(\.string) ?? []
    }
}
