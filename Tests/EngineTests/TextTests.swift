import Engine
import EngineSystem
import Support
import Testing

@Suite struct JSONTests {
    static let suite = sharedFolder + "/upstream/json-test-suite/test_parsing"

    /// nst/JSONTestSuite: what must be accepted, and what must be refused.
    @Test(.enabled(if: hasShared)) func parsesExactlyWhatTheSuiteSays() throws {
        let files = DiskFiles(root: Self.suite)
        var checked = 0
        for name in files.list(".") where name.hasPrefix("y_") || name.hasPrefix("n_") {
            let isAccepted = (try? JSONParser.parse(files.read(name))) != nil
            #expect(isAccepted == name.hasPrefix("y_"), "\(name)")
            checked += 1
        }
        #expect(checked > 250)
    }

    @Test func writingAndReadingGiveTheSameValue() throws {
        let text = #"{"a":[1,-0.5e10,"ü\n\u0007",true,null],"b":{"":{}},"c":12345678901234567890}"#
        let value = try JSONParser.parse(text)
        #expect(try JSONParser.parse(value.text) == value)
        #expect(try JSONParser.parse(value.prettyText) == value)
        #expect(value["c"]?.text == "12345678901234567890")
    }

    @Test func aMistakeHasItsPlace() {
        let error = #expect(throws: JSONSyntaxError.self) { try JSONParser.parse("{\n  \"ä\": tru\n}") }
        #expect(error.map { [$0.line, $0.column] } == [2, 8])
    }
}

@Suite struct SafeTextTests {
    @Test(arguments: [
        ("plain", "plain"), ("a\u{1B}[2Jb", "a␛[2Jb"), ("\u{7}\u{0}", "␇␀"), ("x\u{9B}31m", "x\u{FFFD}31m"),
        ("abc\u{202E}def", "abcdef"), ("zero\u{200B}width\u{FEFF}", "zerowidth"), ("del\u{7F}", "del␡"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"), ("tab\there", "tab\there"), ("tag\u{E0041}", "tag"),
    ])
    func aBlockHoldsNoControls(text: String, safe: String) { #expect(SafeText.block(text) == safe) }

    @Test func oneLineIsOneLine() {
        #expect(SafeText.oneLine("a\nb\tc\u{1B}") == "a b c␛")
        #expect(
            SafeText.oneLine(String(repeating: "ä", count: 50), limit: 10) == String(repeating: "ä", count: 9) + "…")
    }

    @Test func randomTextNeverHoldsAControl() {
        var generator = SplitMix(seed: 7)
        for _ in 0..<500 {
            var text = ""
            for _ in 0..<60 {
                if let scalar = Unicode.Scalar(UInt32.random(in: 0...0x2100, using: &generator)) {
                    text.unicodeScalars.append(scalar)
                }
            }
            for scalar in SafeText.block(text).unicodeScalars {
                #expect(scalar == "\n" || scalar == "\t" || scalar.properties.generalCategory != .control)
            }
        }
    }
}

@Suite struct ServerSentEventTests {
    private let stream = ": hi\r\nevent: a\rdata: 1\ndata: 2\n\nid: 7\ndata:x\r\n\r\ndata: ü\n\nretry: 10\n\ndata: cut"

    private func parse(_ chunks: [[UInt8]]) throws -> [ServerSentEvent] {
        var parser = ServerSentEventParser()
        return try chunks.flatMap { try parser.feed($0) }
    }

    @Test func splittingAnywhereGivesTheSameEvents() throws {
        let bytes = Array(stream.utf8)
        let whole = try parse([bytes])
        #expect(whole.map { String(decoding: $0.data, as: UTF8.self) } == ["1\n2", "x", "ü"])
        #expect(whole.map(\.event) == ["a", "message", "message"])
        #expect(try parse(bytes.map { [$0] }) == whole)
        for cut in 1..<bytes.count { #expect(try parse([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole) }
    }

    @Test func anEventBeyondTheLimitIsAnError() {
        var parser = ServerSentEventParser(limit: 100)
        #expect(throws: ServerSentEventParser.TooLarge.self) {
            try parser.feed(Array(("data: " + String(repeating: "x", count: 200) + "\n\n").utf8))
        }
    }
}

@Suite struct MoneyTests {
    @Test(arguments: [(0, "$0.0000"), (12_300_000, "$0.0123"), (99_000, "$0.000099"), (123_456_000_000, "$123.46")])
    func isShownWithAsManyDigitsAsItNeeds(nanodollars: Int, text: String) {
        #expect(Money(nanodollars: nanodollars).text == text)
    }

    private func table() throws -> PriceTable {
        let reader = DocumentReader(files: DiskFiles(root: packageRoot), yaml: LibYAMLReader())
        let document = try #require(reader.read("Sources/Engine/Data/prices.json").value)
        let loaded = PriceTable.load(document)
        #expect(loaded.diagnostics.isEmpty)
        return try #require(loaded.value)
    }

    @Test func theProjectsPricesLoadAndAreDated() throws {
        let table = try table()
        #expect(table.asOf == "2026-11-20")
        let mini = try #require(table.price(provider: "openai", model: "gpt-4o-mini"))
        #expect(mini.price.cost(of: TokenUsage(input: 1_000_000)) == Money(nanodollars: 150_000_000))
        #expect(mini.price.cost(of: TokenUsage(cacheRead: 1_000_000)) == Money(nanodollars: 75_000_000))
        #expect(mini.price.contextWindow == 128_000)
        #expect(table.price(provider: "openai", model: "gpt-4o-mini-2024-07-18") != nil)
        #expect(table.price(provider: "openai", model: "no-such-model") == nil)
    }

    @Test func aPersonsPricesWin() throws {
        let own = ModelPrice(rates: .init(input: 1, output: 2))
        let found = try table().overridden(by: ["gpt-4o-mini": own]).price(provider: "openai", model: "gpt-4o-mini")
        #expect(found?.price == own)
        #expect(found?.source == "your prices")
    }
}

/// Numbers that are random and the same in every run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
