import Engine
import EngineSystem
import Panes
import Support
import Testing

/// wcwidth(3) as far as the tests need it, so that goldens are the same everywhere.
func metrics() -> TextMetrics { TextMetrics(width: testWidth) }

func testWidth(_ scalar: UInt32) -> Int {
    switch scalar {
    case 0x300...0x36F, 0x200D, 0xFE00...0xFE0F, 0x20D0...0x20FF: 0
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFF00...0xFF60, 0x1F300...0x1F64F,
        0x1F900...0x1F9FF:
        2
    default: 1
    }
}

struct Numbers64: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) ^ (state << 31)
    }
}

@Suite struct SurfaceTests {
    private let pieces = [
        "a", "漢", "é", "e\u{301}", "👨\u{200D}👩\u{200D}👧", "🙂", " ", "\u{1B}", "\u{202E}", "x", "กำ", "1\u{FE0F}\u{20E3}",
    ]

    private func draw(_ seed: UInt64, on surface: Surface) {
        var generator = Numbers64(seed)
        for _ in 0..<40 {
            let text = (0..<8).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            surface.canvas.put(
                text, row: Int.random(in: -1...6, using: &generator),
                column: Int.random(in: -3...32, using: &generator),
                style: Style.allCases.randomElement(using: &generator) ?? .plain)
        }
    }

    @Test func widePairsAreNeverBroken() {
        for seed in 1...200 {
            let surface = Surface(Size(columns: 30, rows: 6), metrics())
            draw(UInt64(seed), on: surface)
            let grid = surface.grid
            for row in 0..<6 {
                for column in 0..<30 {
                    let cell = grid[row, column]
                    if cell.width == 2 { #expect(column + 1 < 30 && grid[row, column + 1].width == 0, "seed \(seed)") }
                    if cell.width == 0 { #expect(column > 0 && grid[row, column - 1].width == 2, "seed \(seed)") }
                    if !cell.isCluster { #expect(cell.character >= 0x20 && !(0x7F...0x9F).contains(cell.character)) }
                }
            }
        }
    }

    @Test func theChangesMakeTheNewScreenOutOfTheOld() {
        let shared = metrics()
        for seed in 1...100 {
            let (old, new) = (Surface(Size(columns: 30, rows: 6), shared), Surface(Size(columns: 30, rows: 6), shared))
            draw(UInt64(seed), on: old)
            draw(UInt64(seed) + 1_000, on: new)
            var painted = old.grid
            new.grid.changes(since: old.grid) { row, column, cells in
                for (offset, cell) in cells.enumerated() where cell.width > 0 {
                    painted.set(cell, row: row, column: column + offset)
                }
            }
            #expect(painted == new.grid, "seed \(seed)")
        }
    }

    @Test func nothingIsDrawnOutsideOfAPart() {
        let surface = Surface(Size(columns: 10, rows: 3), metrics())
        let part = surface.canvas.part(Rect(x: 2, y: 1, width: 4, height: 1))
        part.put("漢漢漢漢漢", row: 0, column: -1)
        part.put("xxxxxxxxxxxx", row: 1)
        part.fill("#", row: 5)
        for row in 0..<3 {
            for column in 0..<10 where row != 1 || !(2..<6).contains(column) {
                #expect(surface.grid[row, column] == .blank)
            }
        }
    }

    @Test(arguments: [
        ("the quick brown fox", 10, ["the quick", "brown fox"]), ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("a abcdefgh", 4, ["a", "abcd", "efgh"]), ("漢字漢字", 5, ["漢字", "漢字"]), ("", 5, [""]), ("  in", 10, ["  in"]),
    ])
    func linesBreakAtSpaces(text: String, width: Int, lines: [String]) {
        #expect(metrics().wrap(Line(text), width: width).map(\.text) == lines)
    }

    @Test func breakingLosesNothingAndFits() {
        var generator = Numbers64(5)
        let shared = metrics()
        for _ in 0..<300 {
            let text = (0..<40).map { _ in
                ["a", "漢", "bc", " ", " ", "🙂", "long-word"].randomElement(using: &generator) ?? ""
            }.joined()
            let width = Int.random(in: 2...30, using: &generator)
            let indent = Int.random(in: 0...3, using: &generator)
            let lines = shared.wrap(Line(text), width: width, indent: indent)
            #expect(lines.map(\.text).joined().filter { $0 != " " } == text.filter { $0 != " " })
            for line in lines { #expect(shared.width(of: line) <= width) }
        }
    }
}

@Suite struct InputTests {
    static let stream =
        "a é漢\u{1B}[A\u{1B}[1;5C\u{1B}OP\u{1B}[13;2u\u{1B}[27;2;13~\r\t\u{1B}[Z\u{1B}x\u{7F}\u{3}"
        + "\u{1B}[200~two\r\nlines \u{1B}[A\u{1B}[201~\u{1B}[<64;5;6M\u{1B}[<0;3;4M\u{1B}[?62;c\u{1B}]11;rgb:0/0/0\u{7}\u{1B}[5~z"

    static let inputs: [Input] = [
        .key(.character("a")), .key(.character(" ")), .key(.character("é")), .key(.character("漢")), .key(Key(.up)),
        .key(Key(.right, .control)), .key(Key(.function(1))), .key(Key(.enter, .shift)), .key(Key(.enter, .shift)),
        .key(Key(.enter)), .key(Key(.tab)), .key(Key(.tab, .shift)), .key(.alt("x")), .key(Key(.backspace)),
        .key(.control("c")), .paste("two\nlines \u{1B}[A"), .wheel(-3, row: 5, column: 4), .click(row: 3, column: 2),
        .key(Key(.pageUp)), .key(.character("z")),
    ]

    private func decode(_ chunks: [ArraySlice<UInt8>]) -> [Input] {
        var decoder = InputDecoder()
        return chunks.flatMap { decoder.feed($0) } + decoder.flush()
    }

    @Test func bytesBecomeKeysHoweverTheyCome() {
        let bytes = Array(Self.stream.utf8)
        #expect(decode([bytes[...]]) == Self.inputs)
        #expect(decode(bytes.indices.map { bytes[$0...$0] }) == Self.inputs)
        for seed in 1...50 {
            var generator = Numbers64(UInt64(seed))
            var chunks: [ArraySlice<UInt8>] = []
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + Int.random(in: 1...9, using: &generator))
                chunks.append(bytes[start..<end])
                start = end
            }
            #expect(decode(chunks) == Self.inputs, "seed \(seed)")
        }
    }

    @Test func aLoneEscapeIsTheKeyOnceNothingFollows() {
        var decoder = InputDecoder()
        #expect(decoder.feed([0x1B]) == [])
        #expect(decoder.isWaiting)
        #expect(decoder.flush() == [.key(Key(.escape))])
        #expect(!decoder.isWaiting)
    }

    @Test func randomBytesAreNeverAProblem() {
        var generator = Numbers64(11)
        for _ in 0..<500 {
            var decoder = InputDecoder()
            let bytes = (0..<80).map { _ in UInt8.random(in: 0...255, using: &generator) }
            for input in decoder.feed(bytes) + decoder.flush() {
                if case .key(let key) = input, case .character(let character) = key.code {
                    #expect(character.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
                }
            }
        }
    }
}

@Suite struct EditorTests {
    private let shared = metrics()

    private func edit(_ text: String, _ keys: [Key], width: Int = 20) -> (text: String, cursor: Int) {
        var editor = TextEditor(text)
        for key in keys { _ = editor.handle(key, width: width, metrics: shared) }
        return (editor.text, editor.cursor)
    }

    @Test func keysDoWhatFingersKnow() {
        #expect(edit("one two", [.control("w")]).text == "one ")
        #expect(edit("one two", [.control("a"), .control("k"), .control("y"), .control("y")]).text == "one twoone two")
        #expect(edit("one two", [.alt("b"), .alt("b"), .character("x")]).text == "xone two")
        #expect(edit("a\nb", [.control("u"), Key(.backspace)]).text == "a")
        #expect(edit("ab", [Key(.left), .control("j")]).text == "a\nb")
        #expect(edit("ab", [Key(.enter, .alt)]).text == "ab\n")
        #expect(edit("", [.character("e"), .character("\u{301}")]).text == "e\u{301}")
        #expect(edit("👨\u{200D}👩\u{200D}👧", [Key(.backspace)]).text == "")
    }

    @Test func whatWasDoneCanBeUndone() {
        #expect(edit("", [.character("a"), .character("b"), .control("_")]).text == "")
        #expect(edit("one two", [.control("w"), .control("_")]).text == "one two")
        #expect(edit("one two", [.control("w"), .control("_"), .alt("_")]).text == "one ")
    }

    @Test func upAndDownKeepTheirColumn() {
        #expect(edit("long line\nx\nlong line", [Key(.up), Key(.up)]).cursor == 9)
        #expect(edit("漢字漢字\nabcdefgh", [Key(.up)]).cursor == 4)
        var editor = TextEditor("one")
        let isTaken = editor.handle(Key(.up), width: 9, metrics: shared)
        #expect(!isTaken)
    }

    @Test func pastedControlsDoNotStay() {
        var editor = TextEditor()
        editor.insert("a\u{1B}[2J\tb\u{202E}\r\nc")
        #expect(editor.text == "a␛[2J    b\nc")
    }

    @Test func theCursorIsWhereTheTextIs() {
        var generator = Numbers64(3)
        for _ in 0..<200 {
            var editor = TextEditor()
            for _ in 0..<60 {
                let keys: [Key] = [
                    .character("a"), .character("漢"), .character(" "), .control("j"), Key(.left), Key(.right), Key(.up),
                    Key(.down), Key(.backspace), .control("w"), .control("_"),
                ]
                _ = editor.handle(keys.randomElement(using: &generator) ?? Key(.left), width: 7, metrics: shared)
                let layout = editor.layout(width: 7, metrics: shared)
                #expect(layout.rows.indices.contains(layout.cursor.row))
                #expect(layout.cursor.column <= 7)
                let row = layout.rows[layout.cursor.row]
                let before = String(Array(editor.text)[row.start..<editor.cursor])
                #expect(shared.width(of: before) == layout.cursor.column)
            }
        }
    }
}

@Suite struct MarkdownTests {
    private func lines(_ text: String, width: Int = 40) -> [String] {
        let blocks = CommonMark().parse(text).map(\.block)
        return MarkdownLayout.lines(blocks, width: width, metrics: metrics()).map(\.text)
    }

    @Test func blocksAreLaidOut() {
        #expect(lines("# Title\n\ntext **bold** `code`") == ["Title", "─────", "", "text bold code"])
        #expect(lines("- one\n- two\n  - deep") == ["• one", "• two", "  • deep"])
        #expect(lines("9. a\n10. b") == [" 9. a", "10. b"])
        #expect(lines("- [x] done\n- [ ] open") == ["☑ done", "☐ open"])
        #expect(lines("> quoted\n> more") == ["│ quoted more"])
        #expect(lines("```swift\nlet  x = 1\n```") == ["▏ swift", "▏ let  x = 1"])
        #expect(lines("[text](http://a.b) <http://c.d>") == ["text (http://a.b) http://c.d"])
        #expect(lines("| a | bb |\n|---|---|\n| 1 | 2 |") == ["a │ bb", "──┼───", "1 │ 2"])
    }

    @Test func narrowScreensLoseNothingAndDoNotCrash() {
        let text =
            "# A long title\n\n- a list with a very long item\n\n| one | two |\n|---|---|\n| a long cell | b |\n\n```\ncode that is long\n```\n\n> quote"
        let shared = metrics()
        for width in 1...30 {
            for line in MarkdownLayout.lines(CommonMark().parse(text).map(\.block), width: width, metrics: shared) {
                #expect(shared.width(of: line) <= max(width, 4) + 8)
            }
        }
    }

    @Test func aFenceThatIsOpenIsCodeAlready() {
        #expect(lines("text\n\n```py\nx = 1") == ["text", "", "▏ py", "▏ x = 1"])
    }
}
