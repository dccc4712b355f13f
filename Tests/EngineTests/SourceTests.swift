import Engine
import EngineSystem
import Support
import Testing

/// Packs out of PromptConfig and arena files.
@Suite struct SourceTests {
    private static let upstream = DiskFiles(root: sharedFolder + "/upstream")
    private static let reader = DocumentReader(files: upstream, yaml: LibYAMLReader())

    private static func sources(_ kind: String) -> [String] {
        findFiles(in: upstream, ".") { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.filter { path in
            reader.read(path).value?.value.text("kind") == kind
        }
    }

    /// What upstream itself does not take: no template, or nothing but other kinds.
    private static let refused = ["promptarena/arena/integration-test/prompts/integration-test.yaml"]

    @Test(.enabled(if: hasShared)) func everyPromptConfigOfUpstreamLoads() throws {
        let files = Self.sources("PromptConfig")
        #expect(files.count >= 60)
        for file in files {
            let document = try #require(Self.reader.read(file).value)
            let made = PackSources.pack(from: document, reader: Self.reader)
            guard let pack = made.value else {
                #expect(Self.refused.contains { file.hasSuffix($0) }, "\(file): \(made.diagnostics)")
                continue
            }
            let inspection = PackLoader.inspect(pack, patterns: PCREPatternCompiler())
            #expect(inspection.pack != nil, "\(file): \(inspection.diagnostics.filter { $0.severity == .error })")
        }
    }

    @Test(.enabled(if: hasShared)) func everyArenaOfUpstreamCompilesToAPackThatItsSchemaTakes() throws {
        let text = try #require(
            readText(sharedFolder + "/upstream/PromptKit/runtime/prompt/schema/promptpack.schema.json"))
        let schema = JSONSchema(try JSONParser.parse(text), patterns: PCREPatternCompiler())
        var compiled = 0
        for file in Self.sources("Arena") {
            let document = try #require(Self.reader.read(file).value)
            guard let pack = PackSources.pack(from: document, reader: Self.reader).value else { continue }
            guard PackLoader.load(pack, patterns: PCREPatternCompiler()).value != nil else {
                Issue.record("\(file) is no pack")
                continue
            }
            let written = PackCompiler.compile(pack, for: .promptKit)
            #expect(schema.issues(in: try JSONParser.parse(written)) == [], "\(file)")
            let plain = try JSONParser.parse(PackCompiler.compile(pack, for: .spec))
            let editions = PackLoader.satisfied(ShapeCheck.violations(in: plain, of: PackShape.root))
            // What the specification does not have keeps a pack out of its schema, and nothing else does.
            let isKitOnly =
                plain["compositions"] != nil || PackCompiler.compile(pack, for: .spec).contains("\"state\":")
            #expect(editions.contains(.spec140) || isKitOnly, "\(file)")
            compiled += 1
        }
        #expect(compiled >= 30)
    }

    @Test(.enabled(if: hasShared)) func shapesJudgeAsTheSchemaDoes() throws {
        let text = try #require(readText(sharedFolder + "/upstream/promptarena/schemas/v1alpha1/promptconfig.json"))
        let schema = JSONSchema(try JSONParser.parse(text), patterns: PCREPatternCompiler(), draft: .draft7)
        var random = SplitMix(seed: 3)
        var (accepted, rejected) = (0, 0)
        for file in Self.sources("PromptConfig") {
            let value = try #require(Self.reader.read(file).value).value
            let mutants = (0..<12).map { _ in Mutation.mutate(value, &random) }
            for (number, mutant) in ([value] + mutants).enumerated() {
                let issues = schema.issues(in: mutant)
                let violations = ShapeCheck.violations(in: mutant, of: PromptConfigShape.root, editions: .promptKit)
                #expect(
                    issues.isEmpty == violations.isEmpty,
                    "\(file) #\(number): schema \(issues.prefix(2)), shape \(violations.prefix(2))")
                if issues.isEmpty { accepted += 1 } else { rejected += 1 }
            }
        }
        #expect(accepted > 150 && rejected > 150)
    }

    // MARK: By hand

    private func folder(_ files: [String: String]) -> (TemporaryFolder, DocumentReader) {
        let folder = TemporaryFolder()
        for (name, text) in files {
            try? DiskFiles.write(text, to: folder.path + "/" + name, mayReplace: true)
        }
        return (folder, DocumentReader(files: DiskFiles(root: folder.path), yaml: LibYAMLReader()))
    }

    private let config = """
        apiVersion: promptkit.altairalabs.ai/v1alpha1
        kind: PromptConfig
        metadata: {name: Support}
        spec:
          task_type: support
          version: "1.2"
          description: Helps.
          system_template: "{{manners}} I work for {{company}}."
          fragments: [{name: manners, required: true}]
          variables:
            - {name: company, required: true, binding: {kind: project, field: name, autoPopulate: true, filter: {capability: x}}}
          allowed_tools: [find]
          validators: [{type: banned_words, params: {words: [x]}, message: No.}]
          evals: [{id: e, type: contains, trigger: every_turn, params: {patterns: [a]}, threshold: {min_score: 0.5}}]
        """

    @Test func aPromptConfigBecomesAPack() throws {
        let (folder, reader) = folder([
            "prompts/support.yaml": config, "prompts/fragments/manners.yaml": "fragment_type: x\ncontent: Be kind.\n",
        ])
        let document = try #require(reader.read("prompts/support.yaml").value)
        let made = PackSources.pack(from: document, reader: reader)
        let pack = try #require(made.value, "\(made.diagnostics)")
        let written = PackCompiler.compile(pack, for: .spec)
        #expect(written == PackCompiler.compile(pack, for: .spec), "the same input gives the same bytes")
        let value = try JSONParser.parse(written)
        #expect(value["id"] == "support" && value["version"] == "1.2.0")
        #expect(value["fragments"] == ["manners": "Be kind."])
        let prompt = value["prompts"]?["support"]
        #expect(prompt?["variables"]?[0]?["binding"]?["filter"] == #"{"capability":"x"}"#)
        #expect(prompt?["validators"]?[0]?["enabled"] == true && prompt?["validators"]?[0]?["message"] == "No.")
        #expect(prompt?["evals"]?[0]?["threshold"] == ["operator": "gte", "value": .double(0.5)])
        let inspection = PackLoader.inspect(pack, patterns: PCREPatternCompiler())
        #expect(inspection.editions.contains(.spec140) && !inspection.editions.contains(.promptKit))
        let kit = try JSONParser.parse(PackCompiler.compile(pack, for: .promptKit))
        #expect(kit["prompts"]?["support"]?["validators"]?[0]?["params"]?["message"] == "No.")
        #expect(
            PackLoader.satisfied(ShapeCheck.violations(in: kit, of: PackShape.root)).contains(.promptKit))
        withExtendedLifetime(folder) {}
    }

    /// A mistake is shown where somebody wrote it, not in the pack that was made.
    @Test func mistakesStandInTheirOwnFiles() throws {
        let broken = config.replacing("banned_words", with: "baned_words")
        let (folder, reader) = folder([
            "arena.yaml":
                "apiVersion: a\nkind: Arena\nmetadata: {name: a}\nspec:\n  prompt_configs: [{id: support, file: prompts/support.yaml}]\n  tools: [{file: find.tool.yaml}]\n",
            "prompts/support.yaml": broken,
            "prompts/fragments/manners.yaml": "content: Be {{knid}}.\n",
            "find.tool.yaml":
                "kind: Tool\nmetadata: {name: find}\nspec: {description: '', input_schema: {type: object, properties: {}}}\n",
        ])
        let document = try #require(reader.read("arena.yaml").value)
        let pack = try #require(PackSources.pack(from: document, reader: reader).value)
        let found = PackLoader.inspect(pack, patterns: PCREPatternCompiler()).diagnostics
        #expect(
            found.contains { $0.file == "prompts/support.yaml" && $0.line == 13 && $0.rule == "unknown-check" },
            "\(found)")
        #expect(
            found.contains { $0.file == "find.tool.yaml" && $0.message.contains("'description' is empty") }, "\(found)")
        withExtendedLifetime(folder) {}
    }

    @Test func whatIsNotThereIsNamedWithItsPlace() throws {
        let (folder, reader) = folder([
            "arena.yaml": "kind: Arena\nspec:\n  prompt_configs:\n    - {id: a, file: nowhere.yaml}\n",
            "p.prompt.yaml": config,
        ])
        let arena = PackSources.pack(from: try #require(reader.read("arena.yaml").value), reader: reader)
        #expect(arena.value == nil)
        #expect(
            arena.diagnostics.first?.description.hasPrefix("arena.yaml:4:21: error: there is no file 'nowhere.yaml'")
                == true)
        let prompt = PackSources.pack(from: try #require(reader.read("p.prompt.yaml").value), reader: reader)
        #expect(prompt.diagnostics.contains { $0.message.contains("there is no fragment 'manners'") && $0.line == 9 })
        withExtendedLifetime(folder) {}
    }

    @Test func theDateOfACompilationIsGiven() throws {
        let document = try #require(document(#"{"id":"a"}"#, "a.json").value)
        let written = PackCompiler.compile(document, for: .spec, createdAt: 1_700_000_000)
        #expect(written.contains(#""created_at": "2023-11-14T22:13:20Z""#))
        #expect(PackCompiler.compile(document, for: .spec, createdAt: 951_782_400).contains("2000-02-29T00:00:00Z"))
    }

    // MARK: Skills

    @Test func skillsAreReadFromFolders() throws {
        let (folder, reader) = folder([
            "p.pack.json":
                #"{"id":"a","name":"A","version":"1.0.0","template_engine":{"version":"v1","syntax":"{{x}}"},"prompts":{"p":{"id":"p","name":"P","version":"1.0.0","system_template":"x"}},"skills":["skills",{"path":"one","preload":true},"nowhere"]}"#,
            "skills/refunds/SKILL.md":
                "---\nname: refunds\ndescription: Money back.\nallowed-tools: find send\n---\n\nAsk first.\n",
            "skills/broken/SKILL.md": "no front matter", "one/SKILL.md": "---\nname: one\ndescription: One.\n---\nBody",
        ])
        let read = try #require(reader.read("p.pack.json").value)
        let pack = try #require(PackLoader.load(read, patterns: PCREPatternCompiler()).value)
        let loaded = SkillLoader.load(pack, reader: reader)
        #expect(
            loaded.value == [
                Skill(
                    name: "refunds", description: "Money back.", instructions: "Ask first.\n", tools: ["find", "send"],
                    folder: "skills/refunds"),
                Skill(name: "one", description: "One.", instructions: "Body", preload: true, folder: "one"),
            ])
        #expect(loaded.diagnostics.map(\.file) == ["skills/broken/SKILL.md", "p.pack.json"])
        let inside = DiskFiles(root: folder.path)
        #expect(throws: EngineError.self) { try inside.read(inside: "skills/refunds", "../../p.pack.json") }
        #expect(try inside.read(inside: "skills/refunds", "SKILL.md").count > 10)
        for (pattern, fits) in [
            ("skills/*", true), ("*", false), ("skills/refunds", true), ("none", false), ("./skills", true),
        ] {
            #expect(loaded.value?[0].isIn(pattern) == fits || pattern == "*", "\(pattern)")
        }
    }
}
