/// What servers want from this side: input in the middle of a request (2026-07-28), requests of their own (before),
/// and tasks.
extension MCPConnection {
    private static let roundLimit = 10

    /// A request's result, after whatever the server wants to know first.
    func complete(
        _ method: String, _ params: JSONObject, _ running: Running
    ) async throws(EngineError) -> JSONValue {
        var params = params
        for _ in 0..<Self.roundLimit {
            let result = try await result(of: method, params, within: nil, running: running)
            switch result["resultType"]?.string {
            case nil, "complete": return result
            case "input_required":
                params["inputResponses"] = nil
                params["requestState"] = result["requestState"]
                let answers = await answers(to: result["inputRequests"], running)
                if !answers.isEmpty { params["inputResponses"] = .object(answers) }
            case "task":
                guard let id = result["taskId"]?.string else {
                    throw EngineError(.protocolViolation, "the server answered with a task that has no 'taskId'")
                }
                return try await follow(task: id, result, running)
            case .some(let other):
                throw EngineError(.protocolViolation, "the server answered with the unknown result type '\(other)'")
            }
        }
        throw EngineError(
            .protocolViolation, "the server asked for more input \(Self.roundLimit) times, without an answer")
    }

    private func answers(to requests: JSONValue?, _ running: Running) async -> JSONObject {
        var answers = JSONObject()
        for (key, request) in requests?.object ?? JSONObject() {
            do throws(JSONRPC.Failure) {
                answers[key] = try await answer(
                    request["method"]?.string ?? "", request["params"] ?? .null, running)
            } catch {
                answers[key] = ["action": "cancel"]
            }
        }
        return answers
    }

    /// One request of the server.
    func answer(
        _ method: String, _ params: JSONValue, _ running: Running?
    ) async throws(JSONRPC.Failure) -> JSONValue {
        switch method {
        case "ping": return [:]
        case "roots/list":
            return [
                "roots": .array(
                    settings.roots.map { path in
                        let name = path.split(separator: "/").last.map(String.init) ?? path
                        return ["uri": .string(Self.fileURI(path)), "name": .string(name)]
                    })
            ]
        case "elicitation/create": return await elicit(params, running)
        case "sampling/createMessage": return try await sample(params, running)
        default: throw Self.failure(JSONRPC.methodNotFound, "\(method) is not supported")
        }
    }

    private static func failure(_ code: Int, _ message: String) -> JSONRPC.Failure {
        JSONRPC.Failure(error: ["code": .int(code), "message": .string(message)])
    }

    /// RFC 8089.
    private static func fileURI(_ path: String) -> String {
        "file://"
            + path.split(separator: "/", omittingEmptySubsequences: false)
            .map { Encodings.percent(String($0)) }.joined(separator: "/")
    }

    private func elicit(_ params: JSONValue, _ running: Running?) async -> JSONValue {
        let host = running?.host ?? LonelyHost()
        let message = params["message"]?.string ?? ""
        if params["mode"]?.string == "url" {
            let reply = await host.ask(
                Question(.link, from: name, call: running?.call, message: message, url: params["url"]?.string ?? ""))
            return ["action": .string(reply.action.rawValue)]
        }
        let schema = params["requestedSchema"] ?? ["type": "object"]
        let reply = await host.ask(
            Question(.form, from: name, call: running?.call, message: message, schema: schema))
        guard reply.action == .accept else { return ["action": .string(reply.action.rawValue)] }
        return ["action": "accept", "content": MCPContent.withDefaults(reply.content ?? [:], schema)]
    }

    /// Pages that have to be visited before the call can be made (2025-11-25).
    /// - Returns: whether the person visited all of them.
    func visit(_ elicitations: [JSONValue], _ running: Running) async -> Bool {
        guard !elicitations.isEmpty else { return false }
        for elicitation in elicitations {
            guard await elicit(elicitation, running)["action"] == "accept" else { return false }
        }
        return true
    }

    private func sample(_ params: JSONValue, _ running: Running?) async throws(JSONRPC.Failure) -> JSONValue {
        guard let running else { throw Self.failure(-1, "nothing runs that could ask the model") }
        var parameters = ModelParameters(
            temperature: params["temperature"]?.double, maxTokens: params["maxTokens"]?.int)
        parameters.stop = params["stopSequences"]?.array?.compactMap(\.string)
        let messages = (params["messages"]?.array ?? []).enumerated().map { place, message in
            let content = message["content"] ?? .null
            let blocks = content.array ?? [content]
            let images = blocks.filter { $0["type"]?.string == "image" }.map { image in
                Attachment(
                    name: "image", mediaType: image["mimeType"]?.string ?? "", data: image["data"]?.string ?? "")
            }
            return Message(
                id: MessageID("sampling-\(place)"), role: message["role"]?.string == "assistant" ? .assistant : .user,
                text: blocks.filter { $0["type"]?.string != "image" }.map(MCPContent.block).joined(separator: "\n"),
                attachments: images)
        }
        let request = SamplingRequest(
            from: name, call: running.call, system: params["systemPrompt"]?.string, messages: messages,
            parameters: parameters)
        do throws(EngineError) {
            let answer = try await running.host.sample(request)
            let stop =
                switch answer.stop {
                case .length: "maxTokens"
                case .stop, nil: "endTurn"
                case .toolCalls, .filtered: "other"
                }
            return [
                "role": "assistant", "content": ["type": "text", "text": .string(answer.text)],
                "model": .string(answer.model), "stopReason": .string(stop),
            ]
        } catch {
            throw Self.failure(-1, error.message)
        }
    }

    // MARK: tasks

    /// A task of the extension `io.modelcontextprotocol/tasks` (2026-07-28), until it ends.
    private func follow(
        task id: String, _ first: JSONValue, _ running: Running
    ) async throws(EngineError) -> JSONValue {
        var state = first
        var answered: Set<JSONValue> = []
        do throws(EngineError) {
            while true {
                switch state["status"]?.string {
                case "completed": return state["result"] ?? .null
                case "failed":
                    throw state["error"].map { JSONRPC.Failure(error: $0).engineError }
                        ?? EngineError(.failed, state["statusMessage"]?.string ?? "the task failed")
                case "cancelled": throw EngineError(.refused, "the server cancelled the task")
                case "input_required":
                    if let requests = state["inputRequests"], answered.insert(requests).inserted {
                        let answers = await answers(to: requests, running)
                        _ = try await result(
                            of: "tasks/update", ["taskId": .string(id), "inputResponses": .object(answers)],
                            within: 30_000)
                    }
                default: break
                }
                try await pause(state, "pollIntervalMs", running)
                state = try await result(of: "tasks/get", ["taskId": .string(id)], within: 30_000)
            }
        } catch {
            if error.code == .cancelled { cancel(task: id) }
            throw error
        }
    }

    /// A tool call as a task of 2025-11-25.
    func taskResult(_ params: JSONObject, _ running: Running) async throws(EngineError) -> JSONValue {
        let begun = try await result(of: "tools/call", params, within: nil, running: running)
        guard var state = begun["task"], let id = state["taskId"]?.string else { return begun }
        let task: JSONObject = ["taskId": .string(id)]
        do throws(EngineError) {
            while state["status"]?.string == "working" {
                try await pause(state, "pollInterval", running)
                state = try await result(of: "tasks/get", task, within: 30_000)
            }
            // It waits for the end, and while it waits, the server may ask.
            return try await result(of: "tasks/result", task, within: nil, running: running)
        } catch {
            if error.code == .cancelled { cancel(task: id) }
            throw error
        }
    }

    /// Says how the task stands, and waits as long as the server wants.
    private func pause(_ state: JSONValue, _ key: String, _ running: Running) async throws(EngineError) {
        if let call = running.call {
            let words = state["statusMessage"]?.string ?? state["status"]?.string
            await running.host.progressed(ToolProgress(call: call, progress: 0, message: words))
        }
        do throws(CancellationError) {
            try await clock.sleep(milliseconds: min(max(state[key]?.int ?? 1_000, 20), 60_000))
        } catch {
            throw EngineError(.cancelled, "cancelled")
        }
    }

    private func cancel(task id: String) {
        Task { _ = try? await result(of: "tasks/cancel", ["taskId": .string(id)], within: 5_000) }
    }
}
