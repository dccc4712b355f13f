import Engine
import EngineSystem
import Support
import Testing

@Suite struct ProviderFileTests {
    private func load(_ yaml: String, _ variables: [String: String] = [:]) -> Loaded<ProviderConfig> {
        let read = LibYAMLReader().read(Array(yaml.utf8), file: "p.yaml")
        guard let document = read.value else { return Loaded(value: nil, diagnostics: read.diagnostics) }
        return ProviderConfigLoader.load(document, variables: FixedVariables(variables))
    }

    private func message(_ loaded: Loaded<ProviderConfig>) -> String {
        loaded.diagnostics.map(\.description).joined(separator: "\n")
    }

    @Test func promptKitsFieldsAct() throws {
        let yaml = """
            apiVersion: promptkit.altairalabs.ai/v1alpha1
            kind: Provider
            metadata: {name: main}
            spec:
              type: openai
              model: gpt-6-luna
              base_url: http://h/v1
              headers: {X-Team: red}
              credential: {credential_env: MY_KEY}
              defaults: {temperature: 0.3, top_p: 0.9, max_tokens: 77, prompt_caching: false}
              pricing: {input_cost_per_1k: 0.001, output_cost_per_1k: 0.002}
              capabilities: [text, streaming, tools]
              unsupported_params: [max_completion_tokens, temperature]
              request_timeout: 20s
              stream_idle_timeout: 5s
              stream_retry: {enabled: true, max_attempts: 4, initial_delay: 10ms, max_delay: 1s}
              additional_config: {api_mode: responses, reasoning_effort: low, strict_tools: true}
            """
        let loaded = load(yaml)
        let config = try #require(loaded.value, "\(message(loaded))")
        #expect(loaded.diagnostics.isEmpty)
        #expect(config.key == .variable("MY_KEY"))
        #expect(config.headers == [Header("X-Team", "red")])
        #expect(config.pricing == ModelPrice.Rates(input: 1, output: 2))
        #expect(config.timeouts.firstByte == 20_000 && config.timeouts.idle == 5_000)
        #expect(config.retry.maxRetries == 3 && config.retry.firstPause == 10)
        #expect(!config.options.takesImages && !config.options.promptCaching && config.options.strictTools)
        #expect(config.options.usesOldMaxTokens)
        #expect(config.parameters.maxTokens == 77 && config.parameters.effort == "low")
        #expect(try config.format().format.name == "openai-responses")
    }

    @Test(.enabled(if: hasShared)) func everyProviderFileOfUpstreamLoads() throws {
        var count = 0
        func visit(_ folder: String) throws {
            let files = DiskFiles(root: folder)
            for name in files.list(".") {
                let path = folder + "/" + name
                if name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
                    guard let text = readText(path), text.contains("kind: Provider\n") else { continue }
                    guard let document = LibYAMLReader().read(Array(text.utf8), file: path).value,
                        document.value["kind"] == "Provider"
                    else { continue }
                    count += 1
                    let loaded = ProviderConfigLoader.load(
                        document, variables: FixedVariables([:]))
                    let errors = loaded.diagnostics.filter { $0.severity == .error }
                    // A variable that is not set here is this machine's matter.
                    #expect(errors.allSatisfy { $0.message.contains("is not set") }, "\(errors)")
                } else if !name.contains(".") {
                    try visit(path)
                }
            }
        }
        try visit(sharedFolder + "/upstream")
        #expect(count > 60, "\(count) files")
    }

    @Test func omniasResourceIsReadAsItIs() throws {
        let yaml = """
            apiVersion: omnia.altairalabs.ai/v1alpha1
            kind: Provider
            metadata: {name: prod, namespace: dev, labels: {a: b}}
            spec:
              type: claude
              model: claude-sonnet-5-5
              platform: {type: bedrock, region: eu-west-1}
              auth: {type: workloadIdentity}
              defaults: {temperature: "0.2", maxTokens: 9, contextWindow: 1000, truncationStrategy: sliding}
              pricing: {inputCostPer1K: "0.003", outputCostPer1K: "0.015", cachedCostPer1K: "0.0003"}
              capabilities: [text, vision]
            status: {phase: Ready}
            """
        let loaded = load(yaml)
        let config = try #require(loaded.value, "\(message(loaded))")
        #expect(config.parameters.temperature == 0.2)
        #expect(config.pricing == ModelPrice.Rates(input: 3, output: 15, cacheRead: 0.3))
        #expect(try config.format().format is BedrockAnthropic)
        #expect(message(loaded).contains("'auth' is the cluster's way"))
        #expect(message(loaded).contains("nothing is cut"))
    }

    @Test func aKeyInPlainTextIsTakenAndComplainedAbout() throws {
        let yaml = "kind: Provider\nspec:\n  type: claude\n  credential:\n    api_key: sk-1234567\n"
        let loaded = load(yaml)
        #expect(loaded.value?.key == .value(Secret("sk-1234567")))
        #expect(loaded.diagnostics.first?.line == 5 && message(loaded).contains("plain text"))
        #expect(!message(loaded).contains("sk-1234567"))
        let fromVariable = load(yaml.replacing("sk-1234567", with: "${K}"), ["K": "sk-7654321"])
        #expect(fromVariable.diagnostics.isEmpty)
        #expect(fromVariable.value?.key == .value(Secret("sk-7654321")))
    }

    @Test(arguments: [
        ("type: claud", "did you mean 'claude'"), ("type: claude\n  modle: x", "did you mean 'model'"),
        ("type: gemini\n  platform: {type: bedrok}", "did you mean 'bedrock'"),
        ("type: claude\n  defaults: {temperature: 9}", "between 0 and 2"),
        ("type: cartesia", "is no chat model"), ("type: openai\n  role: tts", "is no chat model"),
    ])
    func mistakesAreNamed(spec: String, expected: String) {
        #expect(message(load("kind: Provider\nspec:\n  \(spec)\n")).contains(expected))
    }

    @Test(
        arguments: [
            ("o3-mini", nil, nil, "openai-responses"), ("gpt-6-luna", nil, nil, "openai-responses"),
            ("gpt-4o", nil, nil, "openai-chat"), ("gpt-6-luna", "http://h/v1", nil, "openai-chat"),
            ("gpt-4o", nil, "responses", "openai-responses"), ("o3", nil, "completions", "openai-chat"),
        ] as [(String, String?, String?, String)])
    func openAIsTwoAPIs(model: String, base: String?, mode: String?, expected: String) throws {
        var config = ProviderConfig(name: "o", kind: .openai, model: model)
        config.baseURL = base
        config.apiMode = mode
        #expect(try config.format().format.name == expected)
    }

    @Test func platformsSayWhatTheyNeed() throws {
        var config = ProviderConfig(name: "x", kind: .claude, model: "m")
        config.platform = ProviderConfig.Platform(kind: .vertex)
        #expect(throws: EngineError.self) { try config.format() }
        config.platform?.project = "p"
        #expect(
            try config.format().format.url(base: "https://h/v1", model: "m", streaming: false)
                == "https://h/v1/projects/p/locations/global/publishers/anthropic/models/m:rawPredict")
        var azure = ProviderConfig(name: "a", kind: .openai, model: "dep")
        azure.platform = ProviderConfig.Platform(kind: .azure)
        azure.platform?.endpoint = "https://r.openai.azure.com/"
        azure.options.apiVersion = "2024-10-21"
        let (format, base) = try azure.format()
        #expect(
            format.url(base: base ?? "", model: "dep", streaming: true)
                == "https://r.openai.azure.com/openai/deployments/dep/chat/completions?api-version=2024-10-21")
        #expect(format.authorization(Secret("k")) == Header("api-key", "k"))
    }

    /// AWS's own worked example (General Reference, "Signature Version 4 signing process", list users).
    @Test func theSignatureIsAmazonsOwn() {
        let signature = AWSSignature(region: "us-east-1", service: "iam", digests: OpenSSLDigests())
        let keys = AWSKeys(
            accessKey: "AKIDEXAMPLE", secretKey: Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"))
        // 2015-08-30, 12:36:00 UTC.
        let headers = signature.headers(
            method: "GET", url: "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
            headers: [Header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")], body: [],
            keys: keys, now: Timestamp(milliseconds: 1_440_938_160_000))
        #expect(headers.first == Header("X-Amz-Date", "20150830T123600Z"))
        #expect(
            headers.last?.value.hasSuffix(
                "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7") == true)
    }
}

@Suite struct RecordingTests {
    @Test func aSessionTellsWhatItCannotGive() {
        func event(_ sequence: Int, _ body: TurnEvent) -> EngineEvent {
            EngineEvent(
                sequence: sequence, at: Timestamp(milliseconds: sequence), session: SessionID("s"), turn: TurnID("t"),
                body: body)
        }
        let call = ToolCall(id: CallID("c"), tool: "t", arguments: ["a": 1])
        let usage = UsageReport(
            provider: "p", model: "m", usage: TokenUsage(input: 1), source: .reported, cost: nil, priceSource: nil,
            contextWindow: nil)
        let session = SessionRecording([
            event(1, .turnStarted(TurnStarted(message: MessageID("1"), text: "hi"))),
            event(2, .messageCompleted(Message(id: MessageID("2"), role: .assistant, text: "", toolCalls: [call]))),
            event(3, .usageReported(usage)), event(4, .toolCallStarted(ToolCallStarted(call: call, handler: "h"))),
            event(
                5,
                .toolCallFinished(
                    ToolOutcome(call: CallID("c"), tool: "t", status: .failed, text: "Error: no", cutBytes: 9))),
            // An inner agent asked: no message of it is in the log.
            event(6, .usageReported(usage)),
            event(7, .messageCompleted(Message(id: MessageID("3"), role: .assistant, text: "done"))),
            event(8, .usageReported(usage)),
        ])
        #expect(session.recording.answers.map(\.text) == ["", "done"])
        #expect(session.recording.calls.first?.isError == true && session.recording.calls.first?.text == "no")
        #expect(session.losses.count == 2)
        let mock = session.mock(scenario: "s")["scenarios"]?["s"]?["turns"]
        #expect(mock?["1"]?["tool_calls"]?[0]?["name"] == "t")
        #expect(mock?["2"] == "done")
    }

    @Test func differencesAreShownWhereTheyAre() {
        let old: JSONValue = ["a": [1, "x\ny\nz"], "id": "call-abc", "again": "call-abc", "gone": true]
        let new: JSONValue = ["a": [1, "x\nY\nz"], "id": "call-xyz", "again": "call-xyz", "more": 2]
        #expect(
            RequestDiff.lines(old, new) == [
                "/a/1", "  - y", "  + Y", "/gone", "  - true", "/more", "  + 2",
            ])
        #expect(RequestDiff.lines(old, old).isEmpty)
        #expect(RequestDiff.lines(["id": "call-1"], ["id": "other"]).count == 3)
    }

    @Test func whatIsNoRecordingIsSaidWithItsLine() {
        let good = Recording.Fact.head(Recording.Head(made: Timestamp(milliseconds: 1), origin: "recording")).json.text
        for (text, expected) in [
            ("{}", "is no recording"), ("x", "r:1:"), (good + "\n{\"kind\":\"tool\",\"data\":{}}", "r:2:"),
        ] {
            do throws(EngineError) {
                _ = try Recording.read(Array(text.utf8), file: "r")
                Issue.record("'\(text)' was taken")
            } catch {
                #expect(error.message.contains(expected))
            }
        }
        // A kind of a newer version is passed over.
        let newer = good + "\n" + #"{"kind":"hologram","data":{}}"#
        #expect((try? Recording.read(Array(newer.utf8), file: "r"))?.head != nil)
    }
}
