import Engine
import EngineSystem
import Support
import Testing

/// Reads a text as YAML or JSON, as its name says.
func document(_ text: String, _ name: String) -> Loaded<SourceDocument> {
    DocumentReader(files: DiskFiles(root: "/"), yaml: LibYAMLReader()).parse(Array(text.utf8), file: name)
}

@Suite struct PackTests {
    private func load(_ text: String, _ name: String = "a.pack.json") -> Loaded<PromptPack> {
        let read = document(text, name)
        guard let value = read.value else { return Loaded(value: nil, diagnostics: read.diagnostics) }
        return PackLoader.load(value, patterns: PCREPatternCompiler())
    }

    private let good =
        #"{"id":"a","name":"A","version":"1.0.0","template_engine":{"version":"v1","syntax":"{{variable}}"},"prompts":{"main":{"id":"main","name":"Main","version":"1.0.0","system_template":"Hello {{name}}"}}}"#

    /// Every message, in one table.
    @Test(arguments: [
        (#"{"id": "a","#, "a.pack.json:1:"),
        (#"{"id":"a","prompts":{}}"#, "error"),
        (
            #"{"id":"A b","name":"x","version":"1.0.0","prompts":{"m":{"id":"m","name":"m","version":"1.0.0","system_template":"x"}}}"#,
            "a.pack.json:1:7: error: 'id' must begin with a-z and hold only a-z, 0-9 and '-'; it is 'A b'"
        ),
        (
            #"{"id":"a","name":"x","version":"one","prompts":{"m":{"id":"m","name":"m","version":"1.0.0","system_template":"x"}}}"#,
            "'version' must be a semantic version; it is 'one'"
        ),
        (#"{"id":"a","name":"x","version":"1.0.0","promts":{}}"#, "did you mean 'prompts'"),
    ])
    func mistakesHaveTheirPlaceAndReason(text: String, expected: String) {
        let loaded = load(text)
        #expect(loaded.value == nil)
        #expect(loaded.diagnostics.contains { $0.description.contains(expected) }, "\(loaded.diagnostics)")
    }

    @Test func yamlAndJSONAreTheSamePack() throws {
        let value = try #require(document(good, "a.pack.json").value)
        let yaml =
            "id: a\nname: A\nversion: 1.0.0\ntemplate_engine: {version: v1, syntax: '{{variable}}'}\nprompts:\n  main:\n    id: main\n    name: Main\n    version: 1.0.0\n    system_template: Hello {{name}}\n"
        #expect(document(yaml, "a.pack.yaml").value?.value == value.value)
    }

    /// Packs of PromptKit and PromptArena.
    @Test(.enabled(if: hasShared)) func realPacksLoad() throws {
        let root = sharedFolder + "/upstream/PromptKit/sdk/examples"
        let files = DiskFiles(root: root)
        var loaded = 0
        for folder in files.list(".") {
            for name in files.list(folder) where name.hasSuffix(".pack.json") {
                let reader = DocumentReader(files: files, yaml: LibYAMLReader())
                let document = try #require(reader.read("\(folder)/\(name)").value)
                let pack = PackLoader.load(document, patterns: PCREPatternCompiler())
                #expect(pack.value != nil, "\(folder)/\(name): \(pack.diagnostics.filter { $0.severity == .error })")
                loaded += 1
            }
        }
        #expect(loaded >= 15)
    }

    @Test(.enabled(if: hasShared)) func theDemosPackFitsTheSpecificationsSchema() throws {
        let text = try #require(readText(sharedFolder + "/upstream/promptpack-spec/schema/promptpack.schema.json"))
        let schema = JSONSchema(try JSONParser.parse(text), patterns: PCREPatternCompiler())
        let pack = try #require(readText("prompts/support.pack.json"))
        #expect(schema.issues(in: try JSONParser.parse(pack)) == [])
        #expect(load(pack).diagnostics.allSatisfy { $0.severity == .note })
    }

    /// A file that nobody means well; its text is too long to be shown.
    struct Hostile: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var expected: String
        var testDescription: String { "\(name): \(expected)" }
    }

    /// Each of six lists holds the one before nine times.
    private static let bomb =
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + zip("abcdef", "bcdefg").map { before, name in
            "\(name): &\(name) [\(Array(repeating: "*\(before)", count: 9).joined(separator: ","))]\n"
        }.joined()

    private static let hostile = [
        Hostile(name: "a.pack.json", text: String(repeating: "[", count: 100_000), expected: "nested deeper than 256"),
        Hostile(name: "a.pack.yaml", text: String(repeating: "[", count: 20_000), expected: "nested deeper than 100"),
        Hostile(name: "a.pack.yaml", text: "a: &x [*x]\n", expected: "contains itself"),
        Hostile(name: "a.pack.yaml", text: bomb, expected: "aliases expand to more than"),
        Hostile(name: "a.pack.yaml", text: "id: a\nid: b\n", expected: "stands here twice"),
        Hostile(name: "a.pack.json", text: #"{"id":"a","id":"b"}"#, expected: "stands here twice"),
        Hostile(name: "a.pack.yaml", text: String(repeating: "- x\n", count: 3 << 20), expected: "larger than"),
    ]

    /// What cannot be meant is refused with its place, whatever its size.
    @Test(arguments: hostile) func hostileFilesGiveADiagnostic(one: Hostile) {
        let read = document(one.text, one.name)
        let pack = read.value.map { PackLoader.load($0, patterns: PCREPatternCompiler()).diagnostics } ?? []
        let all = read.diagnostics + pack
        #expect(all.contains { $0.message.contains(one.expected) && $0.line != nil }, "\(all.prefix(3))")
        #expect(all.contains { $0.severity == .error })
    }

    @Test(arguments: ["a.pack.json", "a.pack.yaml"]) func invalidUTF8IsSaid(name: String) {
        let reader = DocumentReader(files: DiskFiles(root: "/"), yaml: LibYAMLReader())
        let read = reader.parse(Array(#"{"id": ""#.utf8) + [0xFF, 0xFE] + Array(#""}"#.utf8), file: name)
        #expect(read.value == nil && read.diagnostics.count == 1)
    }

    // MARK: Rendering

    private func render(
        _ template: String, _ values: [String: JSONValue] = [:], fragments: [String: String] = [:],
        variables: [Variable] = []
    ) throws -> RenderedPrompt {
        let prompt = Prompt(key: "p", id: "p", systemTemplate: template, variables: variables)
        let values = VariableValues(variables, given: values, patterns: PCREPatternCompiler())
        return try PromptRenderer.render(prompt, fragments: fragments, values: values)
    }

    @Test func placeholdersAreFilled() throws {
        #expect(try render("a {{x}} b", ["x": "1"]).text == "a 1 b")
        #expect(try render("{{x}}{{ x }}", ["x": 2]).text == "22")
        #expect(try render("{{f}}", ["x": "1"], fragments: ["f": "<{{x}}>"]).text == "<1>")
        #expect(try render("{{fragments.f}}{{fragment:f}}", fragments: ["f": "y"]).text == "yy")
        #expect(try render("{{x}}", variables: [Variable(name: "x", defaultValue: "d")]).text == "d")
        #expect(try render("{{x}}", ["x": "g"], variables: [Variable(name: "x", defaultValue: "d")]).text == "g")
        #expect(try render("a", ["x": "g"]).unused == ["x"])
        let user: JSONValue = ["name": "Ada", "pets": ["cat", "dog"]]
        #expect(try render("{{u.name}} {{u.pets[1]}} {{u.pets}}", ["u": user]).text == "Ada dog [\"cat\",\"dog\"]")
    }

    /// What a value holds is text, whatever it looks like.
    @Test func valuesAreNeverLookedAtAgain() throws {
        #expect(try render("{{x}}", ["x": "{{y}} {{x}}", "y": "secret"]).text == "{{y}} {{x}}")
        let endless = #expect(throws: EngineError.self) {
            try render("{{f}}", fragments: ["f": "{{f}}{{f}}"])
        }
        #expect(endless != nil)
    }

    @Test func theAccountCoversEveryByte() throws {
        let result = try render(
            "a {{x}} {{f}}!", ["x": "Ä"], fragments: ["f": "<{{x}}>"], variables: [Variable(name: "x")])
        #expect(result.text == "a Ä <Ä>!")
        #expect(result.spans.reduce(0) { $0 + $1.length } == result.text.utf8.count)
        #expect(
            result.spans.map(\.source) == [
                .template, .variable("x"), .template, .fragment("f"), .variable("x"), .fragment("f"), .template,
            ])
    }

    @Test func whatIsMissingIsNamed() {
        let required = [Variable(name: "city", required: true), Variable(name: "day", required: true)]
        let missing = #expect(throws: EngineError.self) { try render("{{city}} {{day}}", variables: required) }
        #expect(missing?.message.contains("'city', 'day'") == true)
        let misspelt = #expect(throws: EngineError.self) { try render("{{ctiy}}", variables: [Variable(name: "city")]) }
        #expect(misspelt?.hint == "did you mean '{{city}}'?")
    }

    @Test(arguments: [
        (Variable(name: "n", type: "number"), "12x", "must be a number"),
        (Variable(name: "b", type: "boolean"), "maybe", "must be true or false"),
        (Variable(name: "o", type: "object"), "[1]", "must be a JSON object"),
    ])
    func valuesHaveTheirType(variable: Variable, value: String, expected: String) {
        let error = #expect(throws: EngineError.self) {
            try render("{{\(variable.name)}}", [variable.name: .string(value)], variables: [variable])
        }
        #expect(error?.message.contains(expected) == true, "\(String(describing: error))")
    }

    @Test func valuesKeepTheirRules() throws {
        var variable = Variable(name: "x")
        variable.validation.pattern = "^[a-z]+$"
        variable.validation.maxLength = 3
        #expect(try render("{{x}}", ["x": "abc"], variables: [variable]).text == "abc")
        for wrong in ["ABC", "abcd"] {
            #expect(throws: EngineError.self) { try render("{{x}}", ["x": .string(wrong)], variables: [variable]) }
        }
        variable = Variable(name: "x", type: "number")
        variable.validation.minimum = 2
        variable.validation.choices = [1, 2, 3]
        #expect(try render("{{x}}", ["x": "2"], variables: [variable]).text == "2")
        for wrong in ["1", "5"] {
            #expect(throws: EngineError.self) { try render("{{x}}", ["x": .string(wrong)], variables: [variable]) }
        }
    }

    /// What PromptKit makes of the same.
    @Test func promptKitRendersInItsOwnWay() {
        func account(_ template: String, _ given: [String: JSONValue], _ variables: [Variable] = []) -> String {
            PromptKitRenderer.account(
                Prompt(key: "p", id: "p", systemTemplate: template, variables: variables), fragments: [:], given: given
            ).text
        }
        #expect(account("{{x}}", ["x": "{{y}}", "y": "1"]) == "1")
        #expect(account("{{ x }} {{x}}", ["x": "1"]) == "{{ x }} {{x}}", "a failed render sends the raw template")
        #expect(account("{{x}}", [:], [Variable(name: "x", required: true)]) == "You are a helpful AI assistant.")
        let big = Variable(name: "x", defaultValue: .number(JSONNumber("1000000")))
        #expect(account("{{x}}", [:], [big]) == "1e+06")
        #expect(
            account("{{x}}", [:], [Variable(name: "x", defaultValue: ["b": 1, "a": [1, .double(2.5)]])])
                == "map[a:[1 2.5] b:1]")
    }
}

@Suite struct ToolsFileTests {
    private func load(_ yaml: String, _ variables: [String: String] = [:]) -> Loaded<[HandlerSpec]> {
        guard let value = document(yaml, "tools.yaml").value else { return Loaded(value: nil, diagnostics: []) }
        return ToolsFileLoader.load(
            value, variables: FixedVariables(variables), secrets: ["crm/token": .variable("CRM_TOKEN")])
    }

    @Test func theExampleLoadsWithoutAWord() throws {
        let text = try #require(readText("tools.yaml.example"))
        let loaded = load(text, ["CLEO_TUI": "/usr/bin/cleo-tui", "CLEO_DEMO_HTTP": "http://127.0.0.1:1"])
        #expect(loaded.diagnostics.isEmpty, "\(loaded.diagnostics)")
        #expect(loaded.value?.map(\.kindName) == ["mcp/stdio", "http"])
    }

    /// Every line that the example shows as a comment is a field that the reader knows.
    @Test func theExamplesCommentsAreFieldsToo() throws {
        let text = try #require(readText("tools.yaml.example"))
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            // Prose stands at the margin or begins with a capital; a field is a lower-case name.
            let content = line.drop { $0 == " " || $0 == "#" || $0 == "-" }
            let isField = line.hasPrefix(" ") && line.contains("# ") && content.first?.isLowercase == true
            let isComment = line.drop { $0 == " " }.first == "#"
            return isField && isComment ? String(line).replacing("# ", with: "", maxReplacements: 1) : String(line)
        }
        let variables = [
            "CLEO_TUI": "x", "CLEO_DEMO_HTTP": "http://127.0.0.1:1", "API_KEY": "k", "SHOP_TOKEN": "t",
            "SEARCH_TOKEN": "s", "SHOP_KEY": "k",
        ]
        let loaded = load(lines.joined(separator: "\n"), variables)
        #expect(loaded.diagnostics.filter { $0.severity == .error }.isEmpty, "\(loaded.diagnostics)")
        #expect(
            loaded.value?.map(\.kindName) == ["mcp/stdio", "http", "openapi", "grpc", "client", "mcp/http", "mcp/http"])
    }

    @Test(arguments: [
        (
            "handlers:\n  - name: a\n    type: htpp\n", "tools.yaml:3:11: error: 'type' has the value 'htpp'",
            "did you mean 'http'"
        ),
        (
            "handlers:\n  - name: A\n    type: mcp\n    mcpConfig: {transport: stdio, command: x}\n",
            "the handler name 'A'", ""
        ),
        ("handlers:\n  - name: a\n    type: mcp\n    mcpConfig: {transport: stdio}\n", "command", ""),
        (
            "handlers:\n  - name: a\n    type: mcp\n    mcpConfig: {transport: stdio, command: '${NOPE}'}\n",
            "the variable 'NOPE' is not set", ""
        ),
        ("handlers:\n  - name: a\n    type: grpc\n", "tools.yaml:2:5: error: 'grpcConfig' is missing", ""),
    ])
    func mistakesHaveTheirPlaceAndReason(yaml: String, expected: String, hint: String) {
        let text = load(yaml).diagnostics.map(\.description).joined(separator: "\n")
        #expect(text.contains(expected) && text.contains(hint), "\(text)")
    }

    @Test func oneBadHandlerDoesNotTakeTheOthersWithIt() {
        let loaded = load(
            "handlers:\n  - {name: a, type: nope}\n  - {name: b, type: mcp, mcpConfig: {transport: stdio, command: x}}\n"
        )
        #expect(loaded.value?.map(\.name) == ["b"])
        #expect(loaded.hasErrors)
    }

    @Test(.enabled(if: hasShared)) func omniasOwnFileLoads() throws {
        let text = try #require(readText(sharedFolder + "/upstream/omnia-golden/tools/tools.yaml"))
        #expect(load(text).value?.isEmpty == false)
    }
}

@Suite struct ConfigTests {
    private func load(_ yaml: String, _ variables: [String: String] = [:]) -> Loaded<WorkspaceConfig> {
        guard let value = document(yaml, "cleo.yaml").value else { return Loaded(value: nil, diagnostics: []) }
        return WorkspaceConfigLoader.load(value, variables: FixedVariables(variables))
    }

    @Test func everyFieldIsRead() throws {
        let yaml = """
            pack: a.pack.json
            prompt: main
            tools: t.yaml
            provider: {id: local, type: openai, model: m, base_url: "http://127.0.0.1:${PORT:-8080}/v1", credential_env: K}
            variables: {city: Oslo}
            approval: {default: ask, tools: {"read_*": never, drop: always}}
            limits: {max_rounds: 3, tool_result_bytes: 2048, parallel_tools: 2}
            prices: {m: {input: 1, output: 2}}
            """
        let loaded = load(yaml)
        let config = try #require(loaded.value)
        #expect(loaded.diagnostics.isEmpty)
        guard case .inline(let provider)? = config.provider else { throw EngineError(.notFound, "no provider") }
        #expect(provider.baseURL == "http://127.0.0.1:8080/v1")
        #expect(provider.key == .variable("K"))
        #expect(config.approval.rule(for: "read_x").rule == .never)
        #expect(config.approval.rule(for: "drop").rule == .always)
        #expect(config.approval.rule(for: "other").rule == .ask)
        #expect(config.limits.maxRounds == 3)
    }

    @Test(arguments: [
        ("paks: a", "did you mean 'pack'"), ("approval: maybe", "expected one of: ask, always, never"),
        ("limits: {max_rounds: 0}", "max_rounds"), ("provider: {type: opnai}", "did you mean 'openai'"),
    ])
    func mistakesAreNamed(yaml: String, expected: String) {
        let loaded = load(yaml)
        #expect(loaded.value == nil)
        #expect(loaded.diagnostics.map(\.description).joined().contains(expected), "\(loaded.diagnostics)")
    }
}
