import Engine

/// The lines of a message that still grows: what can no longer change is laid out once.
struct StreamingMarkdown {
    private var frozen: [Line] = []
    /// Bytes of the text that `frozen` shows.
    private var frozenBytes = 0

    /// - Parameters:
    ///   - text: all of it so far; it only ever grows.
    ///   - finish: what is done to the lines once they are laid out.
    mutating func lines(of text: String, width: Int, look: Look, finish: ([Line]) -> [Line]) -> [Line] {
        let start = text.utf8.index(text.startIndex, offsetBy: min(frozenBytes, text.utf8.count))
        let tail = String(text[start...])
        let blocks = look.markdown.parse(tail)
        guard let last = blocks.last else { return frozen }
        let lastLines = finish(MarkdownLayout.lines([last.block], width: width, metrics: look.metrics))
        guard blocks.count > 1 else { return frozen + lastLines }
        var settled = MarkdownLayout.lines(blocks.dropLast().map(\.block), width: width, metrics: look.metrics)
        settled.append(Line())
        settled = finish(settled)
        // The last block may still become part of another one only while its first line is unfinished.
        guard let offset = Self.offset(ofLine: last.line, in: tail) else { return frozen + settled + lastLines }
        frozen += settled
        frozenBytes += offset
        return frozen + lastLines
    }

    /// Where a line begins, in bytes; nil unless the line is whole.
    private static func offset(ofLine line: Int, in text: String) -> Int? {
        var current = 1
        var offset = 0
        var start: Int? = line == 1 ? 0 : nil
        for byte in text.utf8 {
            offset += 1
            guard byte == UInt8(ascii: "\n") else { continue }
            if let start { return start }
            current += 1
            if current == line { start = offset }
        }
        return nil
    }
}
