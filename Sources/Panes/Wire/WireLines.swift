import Engine

/// One exchange as lines: request, headers, body; answer, headers, body, with the time of each piece.
struct WireLines {
    private let exchange: WireExchange
    private let isRaw: Bool
    private let width: Int
    private let look: Look

    /// Bytes of a body that are shown; a recording holds them all.
    private static let limit = 256 << 10

    init(_ exchange: WireExchange, isRaw: Bool, width: Int, look: Look) {
        self.exchange = exchange
        self.isRaw = isRaw
        self.width = width
        self.look = look
    }

    var all: [Line] {
        var lines = wrapped(Line(SafeText.oneLine("\(exchange.method) \(exchange.url)", limit: 2_000), .heading))
        let other = isRaw ? "r readable" : "r raw"
        lines.append(Line("\(exchange.provider) · \(exchange.format) · \(other)  y curl  Esc back", .dim))
        lines += headers(exchange.requestHeaders)
        lines.append(Line())
        lines += body(exchange.requestBody.bytes)
        lines.append(Line())
        lines += answer
        return lines
    }

    private var answer: [Line] {
        var lines: [Line] = []
        if let status = exchange.status {
            let isGood = (200..<300).contains(status)
            lines.append(
                Line([
                    Run("\(exchange.version.map { "HTTP/\($0) " } ?? "")\(status)", isGood ? .good : .bad),
                    Run("  head after \(Numbers.duration(exchange.headAt ?? 0))", .dim),
                ]))
        } else if exchange.endedAt == nil {
            lines.append(Line("no answer yet", .dim))
        }
        lines += headers(exchange.responseHeaders)
        lines.append(Line())
        lines += isRaw ? pieces : events
        if exchange.cutBytes > 0 {
            lines.append(
                Line("\(Numbers.bytes(exchange.cutBytes)) more are not kept here; --record keeps everything", .warning))
        }
        if let error = exchange.error {
            lines += wrapped(Line("✗ " + SafeText.oneLine(error, limit: 1_000), .bad))
        }
        if let end = exchange.endedAt { lines.append(Line("over after \(Numbers.duration(end))", .dim)) }
        return lines
    }

    private func headers(_ headers: [Header]) -> [Line] {
        headers.flatMap { header in
            wrapped(
                Line([
                    Run(SafeText.oneLine(header.name) + ": ", .dim), Run(SafeText.oneLine(header.value, limit: 2_000)),
                ]), indent: 2)
        }
    }

    /// Each piece as the network gave it.
    private var pieces: [Line] {
        var lines: [Line] = []
        var shown = 0
        for chunk in exchange.chunks {
            lines.append(
                Line("── +\(Numbers.duration(chunk.at)) · \(Numbers.counted(chunk.bytes.bytes.count, "byte"))", .accent)
            )
            guard shown < Self.limit else { continue }
            shown += chunk.bytes.bytes.count
            lines += text(chunk.bytes.bytes)
        }
        return lines
    }

    /// The values in the answer, each with the time at which its last byte came.
    private var events: [Line] {
        let type = (exchange.responseHeader("content-type") ?? "").lowercased()
        guard type.contains("event-stream") || type.contains("ndjson") || type.contains("eventstream") else {
            return body(exchange.responseBody)
        }
        let framing = StreamFramer.Framing.of(
            mediaType: String(type.prefix { $0 != ";" }), standard: .events)
        var framer = StreamFramer(framing)
        var lines: [Line] = []
        var shown = 0
        for chunk in exchange.chunks where shown < Self.limit {
            shown += chunk.bytes.bytes.count
            for piece in (try? framer.feed(chunk.bytes.bytes)) ?? [] {
                lines.append(Line("── +\(Numbers.duration(chunk.at))", .accent))
                lines += body(piece)
            }
        }
        for piece in framer.finish() { lines += body(piece) }
        return lines
    }

    private func body(_ bytes: [UInt8]) -> [Line] {
        guard !isRaw, bytes.count <= Self.limit, let value = try? JSONParser.parse(bytes) else { return text(bytes) }
        return text([UInt8](value.prettyText.utf8))
    }

    private func text(_ bytes: [UInt8]) -> [Line] {
        let safe = SafeText.block(String(decoding: bytes.prefix(Self.limit), as: UTF8.self))
        var lines = safe.split(separator: "\n", omittingEmptySubsequences: false).flatMap {
            wrapped(Line(String($0)), indent: 2)
        }
        if bytes.count > Self.limit {
            lines.append(Line("… \(Numbers.bytes(bytes.count - Self.limit)) more", .dim))
        }
        return lines
    }

    private func wrapped(_ line: Line, indent: Int = 0) -> [Line] {
        look.metrics.wrap(line, width: max(width, 1), indent: indent)
    }
}
