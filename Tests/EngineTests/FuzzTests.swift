import Engine
import EngineSystem
import Support
import Testing

/// Broken input of every kind: whatever comes, it is an answer, and neither a crash nor a hang nor a heap of memory.
/// `CLEO_FUZZ` says how many tries, or `CLEO_FUZZ_SECONDS` for how long; `CLEO_SEED` says which. A failure prints its
/// seed.
@Suite struct FuzzTests {
    private static let variables = EnvironmentVariables()
    private static let tries = variables.value(of: "CLEO_FUZZ").flatMap { Int($0) } ?? 400
    private static let seed =
        variables.value(of: "CLEO_SEED").flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1_000_000)

    /// A sample with some of its bytes changed, cut, doubled or swapped.
    private static func broken(_ sample: [UInt8], _ generator: inout SplitMix) -> [UInt8] {
        var bytes = sample
        for _ in 0..<Int.random(in: 1...6, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.removeSubrange(place..<min(place + Int.random(in: 1...20, using: &generator), bytes.count))
            case 2:
                bytes.insert(contentsOf: bytes[place...].prefix(Int.random(in: 1...40, using: &generator)), at: place)
            case 3: bytes.insert(contentsOf: [UInt8](repeating: UInt8(ascii: "["), count: 300), at: place)
            case 4: bytes.insert(contentsOf: Array("-9223372036854775808e999".utf8), at: place)
            default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &generator))
            }
        }
        return bytes
    }

    private static let seconds = variables.value(of: "CLEO_FUZZ_SECONDS").flatMap { Int($0) }

    private func fuzz(_ samples: [String], _ body: ([UInt8]) -> Void) { fuzz(samples.map { Array($0.utf8) }, body) }

    private func fuzz(_ samples: [[UInt8]], _ body: ([UInt8]) -> Void) {
        var generator = SplitMix(seed: Self.seed)
        let begun = ContinuousClock.now
        var tries = 0
        var slowest = Duration.zero
        while Self.seconds.map({ ContinuousClock.now - begun < .seconds($0) }) ?? (tries < Self.tries) {
            guard let sample = samples.randomElement(using: &generator) else { return }
            let input = Self.broken(sample, &generator)
            let start = ContinuousClock.now
            body(input)
            let time = ContinuousClock.now - start
            slowest = max(slowest, time)
            // A hang, not a timing: the usual try takes less than a thousandth of it.
            if time > .seconds(Self.seconds == nil ? 10 : 1) {
                Issue.record(
                    "try \(tries) of seed \(Self.seed) took \(time): \(String(decoding: input.prefix(2_000), as: UTF8.self))"
                )
                return
            }
            tries += 1
        }
        guard Self.seconds != nil else { return }
        let status = (try? String(decoding: DiskFiles(root: "/proc/self").read("status"), as: UTF8.self)) ?? ""
        let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }?.split(separator: " ").compactMap {
            Int($0)
        }.first
        #expect((peak ?? 0) < 256 << 10, "the peak of memory is \(peak ?? 0) KiB")
        Issue.record(
            "\(tries) tries, the slowest \(slowest), peak \((peak ?? 0) >> 10) MiB, seed \(Self.seed)",
            severity: .warning)
    }

    private func file(_ path: String) throws -> String { try #require(readText(path)) }

    private static let patterns = PCREPatternCompiler()

    /// Everything that happens to a pack before it is sent: checked, compared, rendered in both ways.
    private func take(_ pack: SourceDocument, _ reader: DocumentReader) {
        let made = PackSources.pack(from: pack, reader: reader).value ?? pack
        let inspection = PackLoader.inspect(made, patterns: Self.patterns)
        for edition in Edition.allCases { _ = inspection.reason(edition) }
        guard let pack = inspection.pack else { return }
        _ = Parity.report(pack, made, reason: inspection.reasons[.promptKit])
        _ = PackCompiler.compile(made, for: .promptKit)
        for prompt in pack.prompts.prefix(3) {
            let values = VariableValues(prompt.variables, given: [:], patterns: Self.patterns)
            _ = PromptRenderer.account(prompt, fragments: pack.fragments, values: values)
            _ = PromptKitRenderer.account(prompt, fragments: pack.fragments, given: [:])
        }
    }

    @Test func packs() throws {
        let reader = DocumentReader(files: DiskFiles(root: "/nowhere"), yaml: LibYAMLReader())
        let samples = try [
            "prompts/support.pack.json", "Tests/Fixtures/packs/everything.pack.json",
            "Tests/Fixtures/packs/compositions.pack.json",
        ].map { try file($0) }
        fuzz(samples) { bytes in
            if let document = reader.parse(bytes, file: "a.pack.json").value { take(document, reader) }
        }
    }

    @Test func json() throws {
        let samples =
            try [file("Tests/Fixtures/packs/everything.pack.json")] + [
                #"{"a":[1,2.5e-3,"\ud83d\ude00\u00e4",null,true,{"b":{}}],"":-0.0}"#, "[[[[[[[[[[]]]]]]]]]]",
            ]
        fuzz(samples) { bytes in
            guard let value = try? JSONParser.parse(bytes, places: { _, _ in }) else { return }
            let again = try? JSONParser.parse(value.text)
            #expect(again == value)
            _ = try? JMESPath(String(decoding: bytes.prefix(200), as: UTF8.self)).search(value)
        }
    }

    @Test func templates() {
        let samples = [
            "a {{x}} {{ y.z[0] }} {{fragments.f}} {{fragment:g}} {{{x}}} {{a b}} }} {{", "{{f}}{{f}}{{g}}",
            "{{x}}{{y}}{{x.y.z}}{{y[2][3].q}}",
        ]
        let values: [String: JSONValue] = ["x": "{{x}}{{y}}", "y": ["z": [1, 2]], "z": 3]
        fuzz(samples) { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            let fragments = ["f": text, "g": "{{f}}{{g}}", "a b": text]
            var variable = Variable(name: "x", type: "string")
            variable.defaultValue = .string(text)
            let prompt = Prompt(key: "p", id: "p", systemTemplate: text, variables: [variable])
            let resolved = VariableValues([variable], given: values, patterns: Self.patterns)
            let account = PromptRenderer.account(prompt, fragments: fragments, values: resolved)
            #expect(account.spans.reduce(0) { $0 + $1.length } == account.text.utf8.count)
            _ = PromptKitRenderer.account(prompt, fragments: fragments, given: values)
        }
    }

    @Test func yaml() throws {
        let reader = DocumentReader(files: DiskFiles(root: "/nowhere"), yaml: LibYAMLReader())
        let prompt = """
            kind: PromptConfig
            metadata: &m {name: x}
            spec:
              task_type: t
              system_template: |
                Hi {{x}}
              variables: [{name: x, required: false, default: *m}]
              validators: [{type: regex, params: {pattern: "a+"}}]
              <<: {version: "1.0"}
            """
        fuzz([try file("tools.yaml.example"), try file("prompts/support.mock.yaml"), prompt]) { bytes in
            guard let document = LibYAMLReader().read(bytes, file: "x.yaml").value else { return }
            _ = ToolsFileLoader.load(document, variables: FixedVariables())
            _ = MockScriptLoader.load(document, patterns: Self.patterns)
            _ = WorkspaceConfigLoader.load(document, variables: FixedVariables())
            take(document, reader)
        }
    }

    @Test func streams() throws {
        let samples = try WireFixtures.streams().map(\.0.text)
        let frames = AmazonFrames.encode([#"{"type":"ping"}"#, #"{"type":"message_stop"}"#])
        let readers: [(String, any WireFormat)] = [
            ("a.sse", AnthropicMessages()), ("c.sse", ChatCompletions()), ("r.sse", OpenAIResponses()),
            ("g.sse", Gemini()), ("g.json", Gemini()), ("o.ndjson", Ollama()), ("b.frames", AnthropicMessages()),
        ]
        fuzz(samples) { bytes in
            for (name, format) in readers {
                _ = WireFixtures.decode(bytes, name, format, cuts: [bytes.count / 3, bytes.count / 2])
            }
            // A good frame, then a broken one.
            _ = WireFixtures.decode(frames + bytes, "b.frames", AnthropicMessages(), cuts: [5])
            _ = WireFixtures.decode(Self.bent(frames, by: bytes), "b.frames", AnthropicMessages())
        }
    }

    /// The bytes, some of them changed as the other ones say.
    private static func bent(_ bytes: [UInt8], by other: [UInt8]) -> [UInt8] {
        var result = bytes
        for (index, byte) in other.prefix(4).enumerated() {
            result[(Int(byte) * 7 + index * 31) % result.count] ^= other[other.count - 1 - index]
        }
        return result
    }

    @Test func logs() {
        let samples = EventTests.all.map { body in
            EngineEvent(
                sequence: 1, at: Timestamp(milliseconds: 1), session: SessionID("s"), turn: TurnID("t"), body: body
            ).json.text
        }
        var (transcript, tree, ledger, tools, conversation) = (
            Transcript(), TraceTree(), CostLedger(), ToolTable(), Conversation()
        )
        fuzz(samples) { bytes in
            guard let json = try? JSONParser.parse(bytes), let event = EngineEvent(json: json) else { return }
            transcript.apply(event)
            tree.apply(event)
            ledger.apply(event)
            tools.apply(event)
            conversation.apply(event)
            _ = (conversation.forProvider.count, ledger.session.text, ledger.contextPercent, transcript.approvals)
            _ = tree.turns.last.map { TraceTree.rows(of: $0) }
        }
    }

    @Test func schemas() throws {
        let sample =
            ##"{"type":"object","properties":{"a":{"type":"integer","minimum":1,"multipleOf":0.5},"##
            + ##""b":{"pattern":"^a+$"}},"allOf":[{"$ref":"#/properties/a"}],"required":["a"],"uniqueItems":true}"##
        fuzz([sample]) { bytes in
            guard let schema = try? JSONParser.parse(bytes) else { return }
            let checked = JSONSchema(schema, patterns: PCREPatternCompiler())
            _ = checked.issues(in: ["a": .double(1e300), "b": "aaaa", "c": [1, .double(1.5), "x"]])
            _ = checked.issues(in: schema)
        }
    }

    /// WebSocket frames in both directions, compressed and not; in whatever pieces they come, they say the same.
    @Test func frames() {
        let texts = [#"{"type":"message","session_id":"s","content":"hi"}"#, String(repeating: "long ", count: 20_000)]
        var samples: [[UInt8]] = []
        for mask in [nil, 0x1234_5678 as UInt32?] {
            for text in texts { samples.append(WebSocketFrame.bytes(.text, Array(text.utf8), mask: mask)) }
            samples.append(
                WebSocketFrame.bytes(.ping, Array("x".utf8), mask: mask)
                    + WebSocketFrame.bytes(.binary, [1, 2, 3], mask: mask)
                    + WebSocketFrame.close(1_000, "bye", mask: mask))
        }
        func read(_ pieces: [ArraySlice<UInt8>], isServer: Bool, inflates: Bool) -> (
            events: [WebSocketEvent], code: Int?
        ) {
            var reader = WebSocketReader(isServer: isServer, limit: 1 << 20)
            if inflates { reader.inflater = MessageDeflate() }
            var events: [WebSocketEvent] = []
            do throws(WebSocketFault) {
                for piece in pieces { try reader.read(Array(piece)) { events.append($0) } }
                return (events, nil)
            } catch {
                return (events, error.code)
            }
        }
        fuzz(samples) { bytes in
            for isServer in [true, false] {
                for inflates in [true, false] {
                    let whole = read([bytes[...]], isServer: isServer, inflates: inflates)
                    let cut = bytes.count / 3
                    let pieces = read(
                        [bytes[..<cut], bytes[cut..<(bytes.count / 2)], bytes[(bytes.count / 2)...]],
                        isServer: isServer, inflates: inflates)
                    #expect(whole.events == pieces.events && whole.code == pieces.code, "seed \(Self.seed)")
                }
            }
        }
    }

    /// What a facade and its clients send: JSON of every kind, and media with binary heads.
    @Test func facadeFrames() throws {
        let transcripts = ["rt-media-binary", "rt-two-tools", "bad-inputs", "upload", "rt-parts-done"]
        var samples: [[UInt8]] = []
        for name in transcripts {
            for line in try file("Tests/Fixtures/omnia-ws/\(name).jsonl").split(separator: "\n") {
                guard let frame = try JSONParser.parse(String(line))["frame"] else { continue }
                samples.append(frame["b64"]?.string.flatMap(Encodings.fromBase64) ?? frame.bytes)
            }
        }
        #expect(samples.contains { $0.starts(with: Array("OMNI".utf8)) })
        fuzz(samples) { bytes in
            if let frame = try? FacadeBinary(bytes) {
                #expect(frame.payload.count <= bytes.count && frame.mediaID.utf8.count <= 36)
                _ = try? FacadeEvent(binary: bytes)
            }
            guard let json = try? JSONParser.parse(bytes), let event = FacadeEvent(json) else { return }
            _ = (event.session, event.body)
        }
    }
}
