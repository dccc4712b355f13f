import Engine

/// What went over the network: each request and its answer, as bytes or as JSON.
struct WirePane {
    private var log = WireLog()
    private var selection = Selection()
    private var isFollowing = true
    private var detail = Detail()
    /// Bytes as they came, piece by piece, in the place of readable JSON.
    private var isRaw = false
    private var lines: (key: String, lines: [Line]) = ("", [])
    private var lastHeight = 10
    private var lastWidth = 40

    mutating func apply(_ event: EngineEvent) {
        log.apply(event)
        if isFollowing { selection.row = max(log.exchanges.count - 1, 0) }
    }

    private var chosen: WireExchange? {
        log.exchanges.indices.contains(selection.row) ? log.exchanges[selection.row] : nil
    }

    /// For the clipboard.
    var curl: String? { chosen?.curl }
    var isEmpty: Bool { log.exchanges.isEmpty }

    // MARK: Keys

    mutating func handle(_ key: Key, look: Look) -> Bool {
        guard let chosen else { return false }
        if key == .character("r") {
            isRaw.toggle()
            return true
        }
        if detail.isOpen {
            return detail.handle(key, count: detailLines(chosen, look).count, page: lastHeight)
        }
        if key.code == .enter {
            detail.open()
            return true
        }
        guard selection.handle(key, count: log.exchanges.count, page: lastHeight) else { return false }
        isFollowing = selection.row == log.exchanges.count - 1
        return true
    }

    // MARK: Drawing

    mutating func draw(on canvas: Canvas, isFocused: Bool, look: Look) {
        lastHeight = max(canvas.height - 1, 1)
        lastWidth = canvas.width
        guard let chosen else {
            let text = "requests to models appear here, with every byte of their answers"
            canvas.put(canvas.metrics.cut(text, to: canvas.width), row: 0, style: .dim)
            return
        }
        if detail.isOpen { return detail.draw(detailLines(chosen, look), on: canvas) }
        canvas.put(
            canvas.metrics.cut("Enter opens  r raw  y as a curl command", to: canvas.width), row: 0, style: .dim)
        let body = canvas.part(Rect(x: 0, y: 1, width: canvas.width, height: canvas.height - 1))
        for (place, index) in selection.visible(count: log.exchanges.count, height: body.height).enumerated() {
            draw(log.exchanges[index], row: place, on: body, look)
            if isFocused, index == selection.row { body.restyle(row: place, .selection) }
        }
    }

    private func draw(_ exchange: WireExchange, row: Int, on canvas: Canvas, _ look: Look) {
        let isGood = exchange.status.map { (200..<300).contains($0) } ?? true
        let style: Style =
            exchange.error != nil || !isGood ? .bad : exchange.endedAt == nil ? .accent : .good
        let status = exchange.status.map(String.init) ?? (exchange.endedAt == nil ? look.spinner : "✗")
        var column = canvas.put(canvas.metrics.fit(status, to: 4), row: row, style: style)
        let time = exchange.endedAt ?? look.now.milliseconds - exchange.started.milliseconds
        let size = "\(Numbers.bytes(exchange.responseBytes)) in \(Numbers.counted(exchange.chunks.count, "piece"))"
        let right = canvas.width >= 44 ? "\(size)  \(Numbers.duration(time))" : Numbers.duration(time)
        let room = max(canvas.width - column - canvas.metrics.width(of: right) - 2, 4)
        let label = "\(exchange.method) \(Self.path(exchange.url))"
        column = canvas.put(canvas.metrics.cut(SafeText.oneLine(label, limit: 300), to: room), row: row, column: column)
        canvas.putRight(right, row: row, style: .dim)
    }

    private static func path(_ url: String) -> String {
        "/" + url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).dropFirst(3).joined()
    }

    // MARK: Detail

    private mutating func detailLines(_ exchange: WireExchange, _ look: Look) -> [Line] {
        let key = "\(exchange.id) \(exchange.chunks.count) \(exchange.endedAt ?? -1) \(isRaw) \(lastWidth)"
        if lines.key != key { lines = (key, WireLines(exchange, isRaw: isRaw, width: lastWidth, look: look).all) }
        return lines.lines
    }
}
