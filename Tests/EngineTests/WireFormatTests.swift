import Engine
import EngineSystem
import Support
import Testing

@Suite struct WireStreamTests {
    private static let names: [String] = (try? WireFixtures.streams().map(\.0.name)) ?? []

    private func fixture(_ name: String) throws -> (text: String, format: any WireFormat) {
        let found = try #require(try WireFixtures.streams().first { $0.0.name == name })
        return (found.0.text, found.1)
    }

    /// What each answer means is written down beside it: `NAME.decoded`, made anew with `CLEO_RECORD=1`.
    @Test(arguments: names)
    func everyAnswerMeansWhatItsPictureSays(name: String) throws {
        let (text, format) = try fixture(name)
        let (events, error) = WireFixtures.decode(Array(text.utf8), name, format)
        let picture = WireFixtures.picture(events, error)
        let path = "\(WireFixtures.folder)/\(name).decoded"
        if EnvironmentVariables().value(of: "CLEO_RECORD") != nil {
            writeText(packageRoot + "/" + path, picture)
            Issue.record("recorded \(path)")
        }
        #expect(picture == readText(path))
    }

    @Test(arguments: names)
    func aCutAtAnyByteChangesNothing(name: String) async throws {
        let (text, format) = try fixture(name)
        let bytes = Array(text.utf8)
        let whole = WireFixtures.decode(bytes, name, format)
        for cut in 1..<bytes.count {
            if cut.isMultiple(of: 512) { await Task.yield() }
            let parts = WireFixtures.decode(bytes, name, format, cuts: [cut])
            guard parts.events == whole.events, parts.error == whole.error else {
                Issue.record("cut at byte \(cut): \(WireFixtures.picture(parts.events, parts.error))")
                return
            }
        }
        let single = WireFixtures.decode(bytes, name, format, cuts: Array(1..<bytes.count))
        #expect(single.events == whole.events)
    }

    @Test func bedrocksFramesHoldTheSameEvents() throws {
        let (text, format) = try fixture("anthropic-thinking-tools.sse")
        let payloads = text.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
        let frames = AmazonFrames.encode(payloads)
        let whole = WireFixtures.decode(Array(text.utf8), "x.sse", format)
        for cut in stride(from: 1, to: frames.count, by: 7) {
            #expect(WireFixtures.decode(frames, "x.frames", format, cuts: [cut]).events == whole.events)
        }
        var broken = frames
        broken[40] ^= 1
        #expect(WireFixtures.decode(broken, "x.frames", format).error?.code == .protocolViolation)
    }

    /// Vendors add fields and events; whoever does not know them goes on.
    @Test(arguments: ["anthropic-unknown.sse", "openai-responses-unknown.sse"])
    func whatIsUnknownBreaksNothing(name: String) throws {
        let (text, format) = try fixture(name)
        let (events, error) = WireFixtures.decode(Array(text.utf8), name, format)
        #expect(error == nil)
        #expect(events.contains(.text("Still here.")))
    }

    @Test(arguments: names.filter { $0.hasSuffix(".sse") && !$0.contains("error") && !$0.contains("failed") })
    func aStreamThatBreaksOffIsAnError(name: String) throws {
        let (text, format) = try fixture(name)
        let half = Array(text.utf8.prefix(text.utf8.count / 3))
        #expect(WireFixtures.decode(half, name, format).error?.code == .protocolViolation)
    }
}

@Suite struct WireRequestTests {
    static let weather = ToolDescriptor(
        name: "get.weather/now", description: "w",
        inputSchema: [
            "type": "object", "properties": ["city": ["type": "string"]], "required": ["city"],
            "additionalProperties": false,
        ], readOnly: true)

    /// A conversation with everything in it that a format has to say in its own way.
    static func conversation(native: NativeAnswer? = nil) -> ProviderRequest {
        let image = Attachment(name: "dot.png", mediaType: "image/png", data: "iVBORw0KGgo=")
        var request = ProviderRequest(
            system: "be brief",
            messages: [
                Message(id: MessageID("1"), role: .user, text: "what city?", attachments: [image]),
                Message(
                    id: MessageID("2"), role: .assistant, text: "Checking.", reasoning: "two calls",
                    toolCalls: [
                        ToolCall(id: CallID("call A/1"), tool: "get.weather/now", arguments: ["city": "Oslo"]),
                        ToolCall(id: CallID("b2"), tool: "list_all", arguments: .string("not json")),
                    ], native: native),
                Message(id: MessageID("3"), role: .tool, text: #"{"c": 21}"#, answers: CallID("call A/1")),
                Message(id: MessageID("4"), role: .tool, text: "Error: gone", answers: CallID("b2")),
                Message(id: MessageID("5"), role: .assistant, text: "21 degrees"),
                Message(id: MessageID("6"), role: .user, text: "and now?"),
            ], tools: [weather], parameters: ModelParameters(temperature: 0.5, maxTokens: 100, topP: 0.9, topK: 40))
        request.parameters.stop = ["END"]
        request.parameters.seed = 7
        return request
    }

    static let formats: [(String, any WireFormat)] = [
        ("anthropic", AnthropicMessages()), ("anthropic-2026-10-21", AnthropicMessages()),
        ("openai-chat", ChatCompletions()),
        ("openai-responses", OpenAIResponses()), ("gemini", Gemini()), ("ollama", Ollama()),
        ("bedrock", BedrockAnthropic(region: "eu-west-1")),
        ("vertex-anthropic", Vertex(AnthropicMessages(), project: "p", region: "global")),
    ]

    /// What is sent is written down: `requests/NAME.json`, made anew with `CLEO_RECORD=1`. The vendors' SDKs judge
    /// the same files (Tests/EndToEnd/test_vendors.py).
    @Test(arguments: formats.map(\.0))
    func requestsAreAsWrittenDown(name: String) throws {
        let format = try #require(Self.formats.first { $0.0 == name }?.1)
        var options = WireOptions()
        if name.hasSuffix("2026-10-21") { options.apiVersion = "2026-10-21" }
        let call = WireCall(request: Self.conversation(), model: "model-1", options: options)
        let body = JSONValue.object(format.body(call)).prettyText + "\n"
        let path = "Tests/Fixtures/requests/\(name).json"
        if EnvironmentVariables().value(of: "CLEO_RECORD") != nil {
            writeText(packageRoot + "/" + path, body)
            Issue.record("recorded \(path)")
        }
        #expect(body == readText(path))
    }

    /// Thinking, effort, a schema for the answer, tools that must be called: what the first conversation leaves out.
    @Test(
        arguments: formats.map(\.0).filter {
            !$0.hasPrefix("anthropic-2026") && !$0.hasPrefix("vertex") && $0 != "bedrock"
        })
    func requestsWithEverythingOptionalAreAsWrittenDown(name: String) throws {
        let format = try #require(Self.formats.first { $0.0 == name }?.1)
        var options = WireOptions()
        options.structuredOutput = true
        options.reasoningSummary = "auto"
        options.parallelToolCalls = false
        options.strictTools = true
        options.keepAlive = "5m"
        options.contextWindow = 8_192
        var asks = ProviderRequest(
            system: "", messages: [Message(id: MessageID("1"), role: .user, text: "hi")])
        asks.parameters.effort = "low"
        asks.parameters.thinkingBudget = 2_048
        asks.outputSchema = [
            "type": "object", "properties": ["city": ["type": "string"]], "required": ["city"],
            "additionalProperties": false,
        ]
        var must = asks
        must.tools = [Self.weather]
        must.toolChoice = .required
        must.parameters.thinkingBudget = nil
        for (request, ending) in [(asks, "schema"), (must, "required")] {
            let call = WireCall(request: request, model: "model-1", options: options)
            let body = JSONValue.object(format.body(call)).prettyText + "\n"
            let path = "Tests/Fixtures/requests/\(name)-\(ending).json"
            if EnvironmentVariables().value(of: "CLEO_RECORD") != nil {
                writeText(packageRoot + "/" + path, body)
                Issue.record("recorded \(path)")
            }
            #expect(body == readText(path))
        }
    }

    @Test func namesOfToolsGoThereAndBack() {
        let long = String(repeating: "x", count: 90)
        let request = ProviderRequest(
            system: "", messages: [],
            tools: ["a.b", "a_b", "a/b", long, long + "y", "fine-1"].map {
                ToolDescriptor(name: $0, description: "", inputSchema: [:], readOnly: true)
            })
        let names = WireCall(request: request, model: "m").names
        let wires = request.tools.map { names.wire($0.name) }
        #expect(Set(wires).count == wires.count)
        #expect(wires.allSatisfy { $0.utf8.count <= 64 && $0.allSatisfy { $0.isASCII && $0 != "." && $0 != "/" } })
        #expect(names.wire("a_b") == "a_b" && names.wire("fine-1") == "fine-1")
        for tool in request.tools { #expect(names.own(names.wire(tool.name)) == tool.name) }
    }

    /// What a model signed goes back to it, and to nobody else.
    @Test func reasoningGoesBackOnlyToItsMaker() throws {
        let blocks: [JSONValue] = [
            ["type": "thinking", "thinking": "two calls", "signature": "c2ln"], ["type": "text", "text": "Checking."],
            ["type": "tool_use", "id": "old1", "name": "old", "input": [:]],
            ["type": "tool_use", "id": "old2", "name": "old", "input": [:]],
        ]
        let native = NativeAnswer(format: "anthropic", model: "model-1", items: blocks)
        let request = Self.conversation(native: native)
        let same = AnthropicMessages().body(WireCall(request: request, model: "model-1"))
        let answer = try #require(same["messages"]?[1]?["content"]?.array)
        #expect(answer.map { $0["type"]?.string } == ["thinking", "text", "tool_use", "tool_use"])
        #expect(answer[0] == blocks[0])
        #expect(answer[2]["name"] == "get_weather_now")
        let result = same["messages"]?[2]?["content"]?[0]
        #expect(result?["tool_use_id"] == answer[2]["id"])
        for (name, format) in Self.formats {
            let other = JSONValue.object(format.body(WireCall(request: request, model: "model-2"))).text
            #expect(!other.contains("c2ln"), "\(name)")
        }
    }

    @Test func imagesAreLeftOutWhereTheModelTakesNone() {
        var options = WireOptions()
        options.takesImages = false
        for (name, format) in Self.formats {
            let call = WireCall(request: Self.conversation(), model: "m", options: options)
            #expect(!JSONValue.object(format.body(call)).text.contains("iVBOR"), "\(name)")
            #expect(call.losses.texts.contains { $0.contains("dot.png") }, "\(name)")
        }
    }

    @Test func strictModeIsForSchemasThatAreClosed() {
        #expect(StrictSchema.fits(Self.weather.inputSchema))
        #expect(!StrictSchema.fits(["type": "object", "properties": ["a": [:]], "additionalProperties": false]))
        #expect(
            !StrictSchema.fits([
                "type": "object", "properties": ["a": ["type": "object"]], "required": ["a"],
                "additionalProperties": false,
            ]))
    }

    @Test(arguments: [
        ("https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
        ("http://127.0.0.1:1/v1/", "http://127.0.0.1:1/v1/messages"),
        ("https://r.services.ai.azure.com/anthropic", "https://r.services.ai.azure.com/anthropic/v1/messages"),
    ])
    func anthropicsAddresses(base: String, expected: String) {
        #expect(AnthropicMessages().url(base: base, model: "m", streaming: true) == expected)
    }

    @Test func otherAddresses() {
        let chat = ChatCompletions()
        #expect(chat.url(base: "http://h:1", model: "m", streaming: true) == "http://h:1/v1/chat/completions")
        #expect(
            chat.url(base: "https://o.ai/api/v1", model: "m", streaming: true) == "https://o.ai/api/v1/chat/completions"
        )
        #expect(
            chat.url(base: "https://r.com/openai/deployments/d?api-version=2", model: "m", streaming: true)
                == "https://r.com/openai/deployments/d/chat/completions?api-version=2")
        #expect(
            Gemini().url(base: "https://g.com/v1beta", model: "x", streaming: true)
                == "https://g.com/v1beta/models/x:streamGenerateContent?alt=sse")
        #expect(Ollama().url(base: "http://h:2/v1", model: "m", streaming: true) == "http://h:2/api/chat")
        #expect(
            BedrockAnthropic(region: "eu").url(base: "http://h", model: "a.b:0", streaming: true)
                == "http://h/model/a.b%3A0/invoke-with-response-stream")
    }
}
