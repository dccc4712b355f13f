/// A conversation with one MCP server, whatever its era: the legacy handshake (2024-11-05 to 2025-11-25) or the
/// stateless protocol (2026-07-28).
package actor MCPConnection {
    private let transport: any MCPTransport
    private let clock: any EngineClock
    private var nextID = 0
    private var context: MCPContext
    private var capabilities: JSONValue = .null
    private var progressSinks: [Int: @Sendable (ToolProgress) async -> Void] = [:]
    private var progressCalls: [Int: CallID] = [:]
    private var toolsChanged: (@Sendable () async -> Void)?
    private var background: [Task<Void, Never>] = []
    private var relisting: Task<Void, Never>?
    /// Schemas by tool, for the headers that repeat arguments.
    private var schemas: [String: JSONValue] = [:]

    /// A page list that goes on longer than this is a loop.
    private static let pageLimit = 100
    private static let probeMilliseconds = 3_000

    package init(transport: any MCPTransport, clock: any EngineClock) {
        self.transport = transport
        self.clock = clock
        context = MCPContext(version: MCPVersions.modern[0], isModern: true)
    }

    /// For people: `MCP 2026-07-28, wire-lab 0.9.0`.
    package private(set) var identity = ""

    // MARK: opening

    /// Finds out the era, agrees on a version, and begins to listen for changes.
    package func open(toolsChanged: @escaping @Sendable () async -> Void) async throws(EngineError) {
        self.toolsChanged = toolsChanged
        try await transport.open { [weak self] message in await self?.receive(message) }
        if try await probeModern() == false { try await initialize() }
        listen()
    }

    /// Asks as the modern era does. False: the server is of the legacy era.
    private func probeModern() async throws(EngineError) -> Bool {
        let answer: JSONValue
        do throws(EngineError) {
            answer = try await exchange("server/discover", JSONObject(), within: Self.probeMilliseconds)
        } catch {
            // No answer to an unknown question is how old servers say no; a dead or refusing one fails for good.
            switch error.code {
            case .timedOut, .notFound, .refused, .protocolViolation: return false
            default: throw error
            }
        }
        if let failure = JSONRPC.Failure(answer) {
            guard failure.code == JSONRPC.unsupportedVersion else { return false }
            let offered = failure.data?["supported"]?.array?.compactMap(\.string) ?? []
            guard let shared = MCPVersions.modern.first(where: offered.contains) else {
                if offered.contains(where: MCPVersions.legacy.contains) { return false }
                throw EngineError(
                    .protocolViolation,
                    "no protocol version in common: the server speaks \(offered.joined(separator: ", ")), this program "
                        + (MCPVersions.modern + MCPVersions.legacy).joined(separator: ", "))
            }
            context.version = shared
            return true
        }
        guard let result = answer["result"] else { return false }
        let offered = result["supportedVersions"]?.array?.compactMap(\.string) ?? []
        guard let shared = MCPVersions.modern.first(where: offered.contains) else { return false }
        context.version = shared
        capabilities = result["capabilities"] ?? .null
        identify(result["_meta"]?["io.modelcontextprotocol/serverInfo"])
        return true
    }

    private func initialize() async throws(EngineError) {
        context = MCPContext(version: MCPVersions.legacy[0], isModern: false)
        let params: JSONObject = [
            "protocolVersion": .string(MCPVersions.legacy[0]), "capabilities": [:], "clientInfo": Self.client,
        ]
        let answer = try await exchange("initialize", params, within: 15_000)
        if let failure = JSONRPC.Failure(answer) {
            throw EngineError(.refused, "the server refused to begin: \(failure.message) (\(failure.code))")
        }
        guard let result = answer["result"], let version = result["protocolVersion"]?.string else {
            throw EngineError(.protocolViolation, "the server's answer to 'initialize' names no protocol version")
        }
        guard MCPVersions.legacy.contains(version) else {
            throw EngineError(
                .protocolViolation,
                "the server speaks \(version); this program speaks " + MCPVersions.legacy.joined(separator: ", "))
        }
        context.version = version
        capabilities = result["capabilities"] ?? .null
        identify(result["serverInfo"])
        try await transport.notify(JSONRPC.notification(method: "notifications/initialized"), context: context)
    }

    private static let client: JSONValue = ["name": "cleo-tui", "version": .string(ProgramInfo.version)]

    private func identify(_ server: JSONValue?) {
        let name = [server?["name"]?.string, server?["version"]?.string].compactMap { $0 }.joined(separator: " ")
        identity = "MCP \(context.version)" + (name.isEmpty ? "" : ", \(name)")
    }

    /// List changes come on a stream that the client asks for; over legacy stdio they come by themselves.
    private func listen() {
        if context.isModern {
            guard capabilities["tools"]?["listChanged"]?.bool == true else { return }
            background.append(
                Task {
                    _ = try? await self.exchange(
                        "subscriptions/listen",
                        ["notifications": ["toolsListChanged": true]], within: nil)
                })
        } else {
            let context = context
            background.append(Task { [transport] in await transport.listen(context: context) })
        }
    }

    // MARK: tools

    /// Every page of the server's tools.
    package func tools() async throws(EngineError) -> [ToolDescriptor] {
        guard capabilities["tools"] != nil else { return [] }
        var tools: [ToolDescriptor] = []
        var cursor: JSONValue?
        var seen: Set<JSONValue> = []
        for _ in 0..<Self.pageLimit {
            var params = JSONObject()
            params["cursor"] = cursor
            let result = try await result(of: "tools/list", params, within: 30_000)
            for tool in result["tools"]?.array ?? [] {
                guard let name = tool["name"]?.string else { continue }
                let schema = tool["inputSchema"] ?? ["type": "object"]
                schemas[name] = schema
                tools.append(
                    ToolDescriptor(
                        name: name,
                        description: tool["description"]?.string ?? tool["title"]?.string ?? "",
                        inputSchema: schema, readOnly: tool["annotations"]?["readOnlyHint"]?.bool ?? false))
            }
            // An empty cursor is a cursor.
            guard let next = result["nextCursor"], next.string != nil, seen.insert(next).inserted else { return tools }
            cursor = next
        }
        throw EngineError(.protocolViolation, "the server's list of tools has more than \(Self.pageLimit) pages")
    }

    package func call(
        _ call: ToolCall, progress: @escaping @Sendable (ToolProgress) async -> Void
    ) async throws(EngineError) -> ToolAnswer {
        let token = nextID + 1
        progressSinks[token] = progress
        progressCalls[token] = call.id
        defer {
            progressSinks[token] = nil
            progressCalls[token] = nil
        }
        let params: JSONObject = [
            "name": .string(call.tool), "arguments": call.arguments, "_meta": ["progressToken": .int(token)],
        ]
        let result = try await result(of: "tools/call", params, within: nil)
        switch result["resultType"]?.string {
        case nil, "complete": break
        case "input_required":
            throw EngineError(
                .refused, "the server asks the person for more input, which this version cannot give yet")
        case .some(let other):
            throw EngineError(.protocolViolation, "the server answered with the unknown result type '\(other)'")
        }
        var attributes = JSONObject()
        attributes["mcp.protocol.version"] = .string(context.version)
        return ToolAnswer(
            text: MCPContent.text(of: result), isError: result["isError"]?.bool ?? false, attributes: attributes)
    }

    package func close() async {
        for task in background { task.cancel() }
        relisting?.cancel()
        await transport.close()
    }

    // MARK: messages

    private func result(
        of method: String, _ params: JSONObject, within limit: Int?
    ) async throws(EngineError) -> JSONValue {
        let answer = try await exchange(method, params, within: limit)
        if let failure = JSONRPC.Failure(answer) {
            throw EngineError(
                failure.code == -32602 ? .invalidInput : .refused, "\(failure.message) (\(failure.code))")
        }
        return answer["result"] ?? .null
    }

    private func exchange(
        _ method: String, _ params: JSONObject, within limit: Int?
    ) async throws(EngineError) -> JSONValue {
        nextID += 1
        let id = nextID
        var params = params
        if context.isModern {
            var meta = params["_meta"]?.object ?? JSONObject()
            meta["io.modelcontextprotocol/protocolVersion"] = .string(context.version)
            meta["io.modelcontextprotocol/clientInfo"] = Self.client
            meta["io.modelcontextprotocol/clientCapabilities"] = [:]
            params["_meta"] = .object(meta)
        }
        let request = MCPOutgoing(
            id: id, method: method, message: JSONRPC.request(id: id, method: method, params: params),
            context: context, mirrored: mirrored(method, params),
            cancellation: JSONRPC.notification(
                method: "notifications/cancelled", params: ["requestId": .int(id)]))
        guard let limit else { return try await transport.exchange(request) }
        let transport = transport
        return try await withDeadline(milliseconds: limit, clock: clock, "'\(method)'") {
            () async throws(EngineError) in try await transport.exchange(request)
        }
    }

    /// `Mcp-Name` and `Mcp-Param-…` (2026-07-28, transports).
    private func mirrored(_ method: String, _ params: JSONObject) -> [Header] {
        guard context.isModern, method == "tools/call", let name = params["name"]?.string else { return [] }
        var headers = [Header("Mcp-Name", MCPContent.headerValue(name))]
        if let schema = schemas[name], let arguments = params["arguments"] {
            headers += MCPContent.mirroredArguments(schema, arguments)
        }
        return headers
    }

    /// Not awaited: the answer comes through the very reader that brought the notice.
    private func listAgain() {
        let before = relisting
        relisting = Task { [toolsChanged] in
            await before?.value
            await toolsChanged?()
        }
    }

    private func receive(_ message: JSONValue) async -> JSONValue? {
        let method = message["method"]?.string ?? ""
        if let id = message["id"], !id.isNull {
            if method == "ping" { return JSONRPC.response(id: id, result: [:]) }
            return JSONRPC.failure(id: id, code: JSONRPC.methodNotFound, message: "\(method) is not supported")
        }
        switch method {
        case "notifications/progress":
            let params = message["params"] ?? .null
            guard let token = params["progressToken"]?.int, let sink = progressSinks[token],
                let call = progressCalls[token]
            else { return nil }
            await sink(
                ToolProgress(
                    call: call, progress: params["progress"]?.double ?? 0, total: params["total"]?.double,
                    message: params["message"]?.string))
        case "notifications/tools/list_changed": listAgain()
        default: break
        }
        return nil
    }
}

/// MCP's content blocks as text for a model, and header values.
package enum MCPContent {
    package static func text(of result: JSONValue) -> String {
        let blocks = result["content"]?.array ?? []
        let texts = blocks.map(block)
        if texts.isEmpty, let structured = result["structuredContent"] { return structured.text }
        return texts.joined(separator: "\n")
    }

    private static func block(_ block: JSONValue) -> String {
        switch block["type"]?.string {
        case "text": return block["text"]?.string ?? ""
        case "image", "audio":
            let bytes = (block["data"]?.string?.utf8.count ?? 0) * 3 / 4
            return "[\(block["type"]?.string ?? "") \(block["mimeType"]?.string ?? ""), \(bytes) bytes]"
        case "resource_link": return "[\(block["name"]?.string ?? "resource"): \(block["uri"]?.string ?? "")]"
        case "resource":
            return block["resource"]?["text"]?.string ?? "[resource \(block["resource"]?["uri"]?.string ?? "")]"
        default: return block.text
        }
    }

    /// A header's value: as it is when it is plain ASCII, else in the protocol's base64 form.
    package static func headerValue(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let blanks: [UInt8] = [0x20, 0x09]
        let edges = [bytes.first, bytes.last].compactMap { $0 }.contains { blanks.contains($0) }
        let plain = bytes.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x09 }
        let lookalike = text.hasPrefix("=?base64?") && text.hasSuffix("?=")
        return plain && !edges && !lookalike ? text : "=?base64?\(Encodings.base64(bytes))?="
    }

    /// One header for each argument whose schema asks for it with `x-mcp-header`.
    package static func mirroredArguments(_ schema: JSONValue, _ arguments: JSONValue) -> [Header] {
        var headers: [Header] = []
        for (name, property) in schema["properties"]?.object ?? JSONObject() {
            guard let value = arguments[name], !value.isNull else { continue }
            if let header = property["x-mcp-header"]?.string, let text = value.scalarText {
                headers.append(Header("Mcp-Param-\(header)", headerValue(text)))
            } else if case .object = value {
                headers += mirroredArguments(property, value)
            }
        }
        return headers
    }
}
