import Engine
import EngineSystem
import Support
import Testing

@Suite struct SchemaTests {
    private static let suite = sharedFolder + "/upstream/json-schema-test-suite"

    private static func documents() -> [String: JSONValue] {
        var documents: [String: JSONValue] = [:]
        func walk(_ folder: String) {
            let files = DiskFiles(root: suite + "/remotes")
            for name in files.list(folder.isEmpty ? "." : folder) {
                let path = folder + name
                if name.hasSuffix(".json"), let value = try? JSONParser.parse(files.read(path)) {
                    documents["http://localhost:1234/" + path] = value
                } else {
                    walk(path + "/")
                }
            }
        }
        walk("")
        return documents
    }

    @Test(.enabled(if: hasShared), arguments: ["draft7", "draft2020-12"])
    func passesTheOfficialSuite(draft: String) throws {
        let files = DiskFiles(root: Self.suite + "/tests/" + draft)
        let documents = Self.documents()
        var (passed, failed) = (0, [String]())
        for name in files.list(".") where name.hasSuffix(".json") {
            for group in try JSONParser.parse(files.read(name)).array ?? [] {
                let schema = JSONSchema(
                    group["schema"] ?? true, patterns: PCREPatternCompiler(), documents: documents,
                    draft: draft == "draft7" ? .draft7 : .draft2020)
                for test in group["tests"]?.array ?? [] {
                    let isValid = schema.issues(in: test["data"] ?? .null).isEmpty
                    if isValid == test["valid"]?.bool {
                        passed += 1
                    } else {
                        failed.append(
                            "\(name): \(group["description"]?.string ?? ""): \(test["description"]?.string ?? "")")
                    }
                }
            }
        }
        #expect(failed == [])
        #expect(passed > 800)
    }

    private func issues(_ schema: JSONValue, _ value: JSONValue) -> [String] {
        JSONSchema(schema, patterns: PCREPatternCompiler()).issues(in: value).map { "\($0.pointer) \($0.message)" }
    }

    @Test func issuesSayWhatWasExpectedAndWhere() {
        let schema: JSONValue = [
            "type": "object", "additionalProperties": false, "required": ["city"],
            "properties": [
                "city": ["type": "string"], "days": ["type": "integer", "maximum": 7], "unit": ["enum": ["C", "F"]],
            ],
        ]
        #expect(issues(schema, ["city": "Oslo", "days": 3]) == [])
        #expect(issues(schema, ["days": 9]) == [" the field 'city' is missing", "/days 9 is more than 7"])
        #expect(
            issues(schema, ["city": 4, "unit": "K"]).sorted() == [
                "/city expected a string, got the number 4", "/unit \"K\" is not one of: \"C\", \"F\"",
            ])
        #expect(
            issues(schema, ["city": "Oslo", "dais": 3]).first?.contains(
                "the field 'dais' is not known; did you mean 'days'") == true)
    }

    @Test func aSchemaThatRefersToItselfWithoutEndIsAnIssue() {
        #expect(issues(["$ref": "#"], 1).first?.contains("without end") == true)
        #expect(issues(["$ref": "#/nowhere"], 1).first?.contains("not there") == true)
    }
}
