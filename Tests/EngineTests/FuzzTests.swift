import Engine
import EngineSystem
import Support
import Testing

/// Broken input of every kind: whatever comes, it is an answer and not a crash. `CLEO_FUZZ` says how many tries,
/// `CLEO_SEED` which; a failure prints its seed.
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

    private func fuzz(_ samples: [String], _ body: ([UInt8]) -> Void) {
        var generator = SplitMix(seed: Self.seed)
        for _ in 0..<Self.tries {
            guard let sample = samples.randomElement(using: &generator) else { return }
            body(Self.broken(Array(sample.utf8), &generator))
        }
    }

    private func file(_ path: String) throws -> String { try #require(readText(path)) }

    @Test func packs() throws {
        let reader = DocumentReader(files: DiskFiles(root: "/"), yaml: LibYAMLReader())
        fuzz([try file("prompts/support.pack.json")]) { bytes in
            guard let document = reader.parse(bytes, file: "a.pack.json").value,
                let pack = PackLoader.load(document, patterns: PCREPatternCompiler()).value,
                let prompt = pack.prompts.first
            else { return }
            let values = VariableValues(prompt.variables, given: [:], patterns: PCREPatternCompiler())
            _ = try? PromptRenderer.render(prompt, fragments: pack.fragments, values: values)
        }
    }

    @Test func yaml() throws {
        fuzz([try file("tools.yaml.example"), try file("prompts/support.mock.yaml")]) { bytes in
            guard let document = LibYAMLReader().read(bytes, file: "x.yaml").value else { return }
            _ = ToolsFileLoader.load(document, variables: FixedVariables())
            _ = MockScriptLoader.load(document, patterns: PCREPatternCompiler())
            _ = WorkspaceConfigLoader.load(document, variables: FixedVariables())
        }
    }

    @Test func streams() throws {
        let samples = try ["openai-chat-text", "openai-chat-tools"].map { try file("Tests/Fixtures/openai/\($0).sse") }
        fuzz(samples) { bytes in
            var parser = ServerSentEventParser(limit: 100_000)
            var decoder = ChatStreamDecoder()
            for event in (try? parser.feed(bytes)) ?? [] { _ = try? decoder.decode(event.data) }
            _ = decoder.finish()
        }
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
}
