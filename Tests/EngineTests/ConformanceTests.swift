import Engine
import EngineSystem
import Support
import Testing

/// Our shapes against the published JSON Schemas: on the real packs, and on packs with one thing broken.
@Suite(.enabled(if: hasShared)) struct ConformanceTests {
    private static let spec = sharedFolder + "/upstream/promptpack-spec/promptpack-docs/static/schema/"

    private static let schemas: [(Edition, String)] = [
        (.spec10, spec + "v1.0/promptpack.schema.json"), (.spec11, spec + "v1.1.0/promptpack.schema.json"),
        (.spec130, spec + "v1.3.0/promptpack.schema.json"), (.spec131, spec + "v1.3.1/promptpack.schema.json"),
        (.spec140, spec + "v1.4.0/promptpack.schema.json"),
        (.promptKit, sharedFolder + "/upstream/PromptKit/runtime/prompt/schema/promptpack.schema.json"),
    ]

    private static func schema(_ file: String) throws -> JSONSchema {
        let text = try #require(readText(file))
        return JSONSchema(try JSONParser.parse(text), patterns: PCREPatternCompiler())
    }

    /// Every pack of upstream, and one of ours that uses every field.
    static func packs() throws -> [(name: String, value: JSONValue)] {
        let files = DiskFiles(root: sharedFolder + "/upstream")
        let found = findFiles(in: files, ".") { $0.hasSuffix(".pack.json") || $0.contains("examples/packs/") }
        let named =
            found + ["Tests/Fixtures/packs/everything.pack.json", "Tests/Fixtures/packs/compositions.pack.json"]
        return try named.map { name in
            let text = name.hasPrefix("Tests/") ? readText(name) : readText(sharedFolder + "/upstream/" + name)
            return (name, try JSONParser.parse(try #require(text, "\(name)")))
        }
    }

    @Test func realPacksAreJudgedAsTheSchemasJudgeThem() throws {
        let packs = try Self.packs()
        #expect(packs.count >= 40)
        for (edition, file) in Self.schemas {
            let schema = try Self.schema(file)
            for (name, pack) in packs { compare(pack, name, edition, schema) }
        }
    }

    /// What upstream takes, loads; what it refuses is refused where the mistake stands.
    @Test func realPacksLoadOrAreRefusedInTheRightPlace() throws {
        let files = DiskFiles(root: sharedFolder + "/upstream")
        let reader = DocumentReader(files: files, yaml: LibYAMLReader())
        for name in findFiles(in: files, ".", { $0.hasSuffix(".pack.json") || $0.contains("examples/packs/") }) {
            let document = try #require(reader.read(name).value)
            let inspection = PackLoader.inspect(document, patterns: PCREPatternCompiler())
            let errors = inspection.diagnostics.filter { $0.severity == .error }
            if name.hasSuffix("guardrail-bad-type.pack.json") {
                #expect(errors.count == 1 && errors[0].rule == "unknown-check")
                #expect(errors[0].line == 19 && errors[0].hint == "did you mean 'pii_leakage'?", "\(errors)")
            } else {
                #expect(inspection.pack != nil && errors.isEmpty, "\(name): \(errors)")
            }
            if name.hasSuffix("guardrail-bad-params.pack.json") {
                #expect(inspection.diagnostics.contains { $0.rule == "check-params" }, "\(inspection.diagnostics)")
            }
        }
    }

    @Test func mutantsAreJudgedAsTheSchemasJudgeThem() async throws {
        var random = SplitMix(seed: 7)
        var mutants: [(String, JSONValue)] = []
        for (name, pack) in try Self.packs() {
            let tries = name.hasPrefix("Tests/") ? 200 : 4
            for number in 0..<tries { mutants.append(("\(name) #\(number)", Mutation.mutate(pack, &random))) }
        }
        #expect(mutants.count >= 500)
        var rejected = 0
        for (edition, file) in Self.schemas {
            let schema = try Self.schema(file)
            for (name, pack) in mutants {
                if !compare(pack, name, edition, schema) { rejected += 1 }
                // Other tests wait for the same few threads.
                await Task.yield()
            }
        }
        // A test whose mutants are all fine, or all broken, would say nothing.
        #expect(rejected > 500 && Self.schemas.count * mutants.count - rejected > 250)
    }

    /// What a schema accepts and we refuse breaks a rule that no schema can express, and says which.
    @Test func whatIsRefusedBeyondTheSchemasHasAReason() async throws {
        let reasons: Set = [
            "unknown-check", "eval-threshold", "unknown-state", "unknown-prompt", "unknown-agent",
            "unknown-composition",
            "unknown-step", "unknown-eval", "workflow", "mime-type", "invalid-default", "invalid-pattern",
            "impossible-rule", "impossible-budget", "repeated-step", "step-order", "composition",
        ]
        var random = SplitMix(seed: 11)
        var refused = 0
        for (name, pack) in try Self.packs() {
            for number in 0..<(name.hasPrefix("Tests/") ? 150 : 2) {
                await Task.yield()
                let mutant = Mutation.mutate(pack, &random)
                let inspection = PackLoader.inspect(
                    SourceDocument(file: name, value: mutant), patterns: PCREPatternCompiler())
                let errors = inspection.diagnostics.filter { $0.severity == .error }
                #expect((inspection.pack == nil) == !errors.isEmpty)
                if inspection.editions.isEmpty {
                    #expect(errors.contains { $0.rule == "schema" }, "\(name) #\(number)")
                } else if inspection.pack == nil {
                    refused += 1
                    #expect(errors.allSatisfy { reasons.contains($0.rule ?? "") }, "\(name) #\(number): \(errors)")
                }
            }
        }
        #expect(refused > 5)
    }

    /// - Returns: whether the schema accepts the pack.
    @discardableResult
    private func compare(_ pack: JSONValue, _ name: String, _ edition: Edition, _ schema: JSONSchema) -> Bool {
        let issues = schema.issues(in: pack)
        let violations = ShapeCheck.violations(in: pack, of: PackShape.root, editions: Editions(edition))
        #expect(
            issues.isEmpty == violations.isEmpty,
            "\(name), \(edition.title): schema \(issues.prefix(2)), shape \(violations.prefix(2))")
        return issues.isEmpty
    }
}

/// One thing of a document broken: a field removed, renamed, retyped, emptied, put out of range, or one too many.
enum Mutation {
    static func mutate(_ value: JSONValue, _ random: inout SplitMix) -> JSONValue {
        let count = size(value)
        var target = Int(random.next() % UInt64(count))
        return change(value, &target, &random)
    }

    private static func size(_ value: JSONValue) -> Int {
        switch value {
        case .array(let items): 1 + items.reduce(0) { $0 + size($1) }
        case .object(let object): 1 + object.values.reduce(0) { $0 + size($1) }
        default: 1
        }
    }

    private static func change(_ value: JSONValue, _ target: inout Int, _ random: inout SplitMix) -> JSONValue {
        if target == 0 {
            target = -1
            return broken(value, &random)
        }
        target -= 1
        switch value {
        case .array(let items):
            return .array(items.map { target < 0 ? $0 : change($0, &target, &random) })
        case .object(let object):
            var result = JSONObject()
            for (key, inner) in object { result[key] = target < 0 ? inner : change(inner, &target, &random) }
            return .object(result)
        default: return value
        }
    }

    private static func broken(_ value: JSONValue, _ random: inout SplitMix) -> JSONValue {
        let others: [JSONValue] = [
            .null, .bool(true), .int(0), .int(-1), .double(1.5), .int(3), .string(""), .string("x"),
            .string("Other word!"),
            .array([]), .object(JSONObject()), .string(String(repeating: "ä", count: 201)), .double(1e9),
            .array([.string("x")]), .string("x\n"),
        ]
        guard case .object(var object) = value, random.next() % 4 != 0, !object.isEmpty else {
            if case .array(let items) = value, !items.isEmpty, random.next() % 2 == 0 {
                return random.next() % 2 == 0 ? .array(Array(items.dropLast())) : .array(items + [.int(1)])
            }
            return others[Int(random.next() % UInt64(others.count))]
        }
        let key = object.keys[Int(random.next() % UInt64(object.count))]
        switch random.next() % 4 {
        case 0: object[key] = nil
        case 1:
            object[key + "x"] = object[key]
            object[key] = nil
        case 2: object["unheard_of"] = 1
        default: object[key] = others[Int(random.next() % UInt64(others.count))]
        }
        return .object(object)
    }
}
