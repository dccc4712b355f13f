/// An MCP server of both eras, whatever carries its messages: `initialize` (2024-11-05 to 2025-11-25), and the
/// stateless protocol (2026-07-28). It serves tools, and conversations as resources.
package actor MCPServer {
    private let tools: ToolBox
    private let sessions: SessionTools
    private let send: @Sendable (JSONValue) -> Void
    private var running: [JSONValue: Task<Void, Never>] = [:]

    /// Requests at once; a client that asks for more waits.
    private static let parallel = 16
    private let gate: Gate
    private let refusal: Refusing

    /// Why a call of a handler's tool is not made; nil when it is.
    package typealias Refusing = @Sendable (ToolCall, String) -> EngineError?

    package init(
        tools: ToolBox, sessions: SessionTools, clock: any EngineClock, refusal: @escaping Refusing,
        send: @escaping @Sendable (JSONValue) -> Void
    ) {
        gate = Gate(Gate.Limits(parallel: Self.parallel), clock: clock)
        self.refusal = refusal
        self.tools = tools
        self.sessions = sessions
        self.send = send
    }

    /// One message. Requests are answered in the order in which they are done.
    package func receive(_ bytes: some Collection<UInt8>) async {
        guard let message = try? JSONParser.parse(Array(bytes)) else {
            return send(JSONRPC.failure(id: .null, code: JSONRPC.parseError, message: "this is no JSON"))
        }
        let params = message["params"] ?? [:]
        guard let method = message["method"]?.string else {
            // An answer to a question that nobody asked.
            if message["result"] != nil || message["error"] != nil { return }
            return send(
                JSONRPC.failure(
                    id: message["id"] ?? .null, code: JSONRPC.invalidRequest, message: "this is no JSON-RPC request"))
        }
        guard let id = message["id"], !id.isNull else {
            if method == "notifications/cancelled", let id = params["requestId"] { running[id]?.cancel() }
            return
        }
        guard running[id] == nil else {
            return send(JSONRPC.failure(id: id, code: JSONRPC.invalidRequest, message: "this id is in use"))
        }
        let gate = gate
        running[id] = Task {
            // Whoever waits can be cancelled, and the reader goes on reading.
            guard (try? await gate.enter("tools")) != nil else { return self.finish(id, nil) }
            let answer = await self.answer(method, params, id)
            gate.leave()
            self.finish(id, Task.isCancelled ? nil : answer)
        }
    }

    private func finish(_ id: JSONValue, _ answer: JSONValue?) {
        running[id] = nil
        // A request that was taken back gets no answer.
        if let answer { send(answer) }
    }

    /// The client has gone: what has begun is finished.
    package func end() async { while let task = running.values.first { await task.value } }

    // MARK: requests

    private struct Refusal: Error {
        var code: Int
        var message: String
        var data: JSONValue?
    }

    private func answer(_ method: String, _ params: JSONValue, _ id: JSONValue) async -> JSONValue {
        do throws(Refusal) {
            let version = params["_meta"]?["io.modelcontextprotocol/protocolVersion"]?.string
            if let version, !MCPVersions.modern.contains(version) {
                throw Refusal(
                    code: JSONRPC.unsupportedVersion, message: "the version '\(version)' is not spoken here",
                    data: [
                        "supported": .array(MCPVersions.modern.map { .string($0) }), "requested": .string(version),
                    ])
            }
            var result = try await result(method, params)
            if version != nil {
                result["resultType"] = "complete"
                if Self.listed.contains(method) {
                    result["ttlMs"] = 0
                    result["cacheScope"] = "private"
                }
                result["_meta"] = ["io.modelcontextprotocol/serverInfo": Self.info]
            }
            return JSONRPC.response(id: id, result: .object(result))
        } catch {
            var failure: JSONObject = ["code": .int(error.code), "message": .string(error.message)]
            failure["data"] = error.data
            return ["jsonrpc": "2.0", "id": id, "error": .object(failure)]
        }
    }

    /// What may be kept by the client, and says for how long.
    private static let listed: Set<String> = [
        "server/discover", "tools/list", "resources/list", "resources/templates/list", "resources/read",
    ]

    private static let info: JSONValue = ["name": "cleo-tui", "version": .string(ProgramInfo.version)]
    private static let capabilities: JSONValue = ["tools": [:], "resources": [:]]

    private func result(_ method: String, _ params: JSONValue) async throws(Refusal) -> JSONObject {
        switch method {
        case "initialize":
            let asked = params["protocolVersion"]?.string ?? ""
            let version = MCPVersions.legacy.contains(asked) ? asked : MCPVersions.legacy[0]
            return [
                "protocolVersion": .string(version), "capabilities": Self.capabilities, "serverInfo": Self.info,
            ]
        case "server/discover":
            return [
                "supportedVersions": .array(MCPVersions.modern.map { .string($0) }),
                "capabilities": Self.capabilities,
            ]
        case "ping": return [:]
        case "tools/list": return ["tools": .array(await tools.tools.map(Self.description))]
        case "tools/call": return try await call(params)
        case "resources/list":
            let found = try await Self.reading { () async throws(EngineError) in try await self.sessions.resources() }
            return ["resources": .array(found)]
        case "resources/templates/list": return ["resourceTemplates": [SessionTools.template]]
        case "resources/read":
            let uri = params["uri"]?.string ?? ""
            let found = try await Self.reading { () async throws(EngineError) in
                try await self.sessions.resource(uri)
            }
            return ["contents": [found]]
        default: throw Refusal(code: JSONRPC.methodNotFound, message: "there is no method '\(method)'")
        }
    }

    private static func reading<Value>(
        _ work: () async throws(EngineError) -> Value
    ) async throws(Refusal) -> Value {
        do throws(EngineError) {
            return try await work()
        } catch {
            throw Refusal(
                code: error.code == .notFound ? JSONRPC.invalidParams : JSONRPC.internalError, message: error.message)
        }
    }

    private static func description(_ tool: ToolDescriptor) -> JSONValue {
        var described: JSONObject = [
            "name": .string(tool.name), "description": .string(tool.description), "inputSchema": tool.inputSchema,
            "annotations": ["readOnlyHint": .bool(tool.readOnly)],
        ]
        described["outputSchema"] = tool.outputSchema
        return .object(described)
    }

    /// What is wrong with a call is for the model to read, so it is a result.
    private func call(_ params: JSONValue) async throws(Refusal) -> JSONObject {
        let name = params["name"]?.string ?? ""
        guard let found = await tools.find(name) else {
            throw Refusal(code: JSONRPC.invalidParams, message: "there is no tool '\(name)'")
        }
        let call = ToolCall(id: CallID("call"), tool: name, arguments: params["arguments"] ?? [:])
        var answer: ToolAnswer
        do throws(EngineError) {
            if let objection = await tools.objection(to: call) { throw objection }
            if let refusal = refusal(call, found.handler) { throw refusal }
            let (token, send) = (params["_meta"]?["progressToken"], send)
            answer = try await tools.run(
                call,
                host: LonelyHost { progress in
                    guard let token else { return }
                    var told: JSONObject = ["progressToken": token, "progress": .double(progress.progress)]
                    told["total"] = progress.total.map { .double($0) }
                    told["message"] = progress.message.map { .string($0) }
                    send(JSONRPC.notification(method: "notifications/progress", params: told))
                })
        } catch {
            answer = ToolAnswer(text: error.description, isError: true)
        }
        var result: JSONObject = ["content": [["type": "text", "text": .string(answer.text)]]]
        if case .object? = answer.structured { result["structuredContent"] = answer.structured }
        if answer.isError { result["isError"] = true }
        return result
    }
}
