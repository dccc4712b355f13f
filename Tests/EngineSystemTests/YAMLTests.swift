import Engine
import EngineSystem
import Testing

@Suite struct YAMLTests {
    private func read(_ text: String) -> Loaded<SourceDocument> {
        LibYAMLReader().read(Array(text.utf8), file: "f.yaml")
    }

    @Test(arguments: [
        ("a: 1", #"{"a":1}"#), ("[yes, no, on, true, ~, null]", #"["yes","no","on",true,null,null]"#),
        ("a: 0x1F\nb: 0o17\nc: 1e3\nd: .5\ne: +7\nf: 007", #"{"a":31,"b":15,"c":1e3,"d":0.5,"e":7,"f":7}"#),
        ("a: '1'\nb: \"2\"\nc: !!str 3", #"{"a":"1","b":"2","c":"3"}"#), ("a: |\n  x\n  y\n", #"{"a":"x\ny\n"}"#),
        ("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}", #"{"a":{"b":1},"c":{"b":1},"d":{"b":1,"e":2}}"#),
        ("1.20: x", #"{"1.20":"x"}"#), ("", "null"), ("2026-11-20", #""2026-11-20""#), ("-", #"[null]"#),
    ])
    func theCoreSchema(yaml: String, json: String) { #expect(read(yaml).value?.value.text == json) }

    @Test(arguments: [
        ("a: [1, 2", "f.yaml:2:1: error: did not find expected"),
        ("a: 1\na: 2", "f.yaml:2:1: error: the key 'a' stands here twice"),
        ("a: *nope", "f.yaml:1:4: error: there is no anchor '&nope'"), ("\tb: 1", "f.yaml:1:1: error"),
        ("a: &x [*x]", "contains itself"), ("{[1]: 2}", "a key must be a plain text"),
    ])
    func mistakesHaveTheirPlace(yaml: String, expected: String) {
        let loaded = read(yaml)
        #expect(loaded.value == nil)
        #expect(loaded.diagnostics.map(\.description).joined().contains(expected), "\(loaded.diagnostics)")
    }

    @Test func bombsAreRefused() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...8 {
            let parts = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(parts)]\n"
        }
        #expect(read(text).diagnostics.first?.message.contains("expand to more than") == true)
        #expect(read(String(repeating: "[", count: 5_000)).diagnostics.first?.message.contains("nested deeper") == true)
    }

    @Test func placesAreKnown() {
        let document = read("a:\n  - b: 1\n    c: two\n").value
        #expect(document?.place(of: "/a/0/c") == Place(line: 3, column: 8))
        #expect(document?.location(of: "/a/0/c", key: true).place == Place(line: 3, column: 5))
    }

    @Test func aSecondDocumentIsSaid() {
        #expect(read("a: 1\n---\nb: 2\n").diagnostics.map(\.severity) == [.warning])
    }
}

@Suite struct PatternTests {
    @Test func groupsAndNames() throws {
        let pattern = try PCREPatternCompiler().compile(#"(?<city>\w+) (\d+)?"#, ignoringCase: true)
        #expect(pattern.firstMatch(in: "in Oslo ") == ["in ", "in", nil])
        #expect(pattern.groupNames == ["city": 1])
        #expect(try PCREPatternCompiler().compile("STRASSE", ignoringCase: true).matches("strasse"))
    }

    @Test func aPatternThatWouldRunForEverEnds() throws {
        let pattern = try PCREPatternCompiler().compile(#"^(a+)+$"#, ignoringCase: false)
        #expect(!pattern.matches(String(repeating: "a", count: 40) + "b"))
    }
}
