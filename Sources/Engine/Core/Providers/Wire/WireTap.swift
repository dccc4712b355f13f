/// Writes down one exchange while it happens, with secrets masked.
package struct WireTap: Sendable {
    package private(set) var exchange: WireExchange
    private let clock: any EngineClock
    private let redactor: Redactor
    /// Bytes of a body that are kept.
    private let limit: Int
    private var kept = 0
    private var lastShown: Int

    /// Between two looks at a running exchange.
    private static let pause = 200

    package init(
        _ request: HTTPRequest, id: String, provider: String, model: String, format: String, clock: any EngineClock,
        redactor: Redactor, keyName: String?, limit: Int
    ) {
        let body = request.body ?? []
        self.clock = clock
        self.redactor = redactor
        self.limit = limit
        exchange = WireExchange(
            id: id, provider: provider, model: model, format: format, started: clock.now(), method: request.method,
            url: redactor.clean(url: request.url),
            requestHeaders: request.headers.map { redactor.clean(Header($0.name, $0.value)) },
            requestBody: WireBytes(redactor.masked([UInt8](body.prefix(limit)))))
        exchange.keyVariable = keyName?.hasPrefix("$") == true ? keyName : nil
        exchange.cutBytes = max(0, body.count - limit)
        lastShown = exchange.started.milliseconds
    }

    private var elapsed: Int { clock.now().milliseconds - exchange.started.milliseconds }

    /// The connection was there already: a WebSocket.
    package mutating func switched() {
        exchange.status = 101
        exchange.headAt = 0
    }

    package mutating func head(_ response: HTTPResponse) {
        exchange.status = response.status
        exchange.version = response.version
        exchange.responseHeaders = response.headers.map { redactor.clean(Header($0.name, $0.value)) }
        exchange.headAt = elapsed
    }

    /// - Returns: whether it is time to show the exchange again.
    package mutating func chunk(_ bytes: [UInt8]) -> Bool {
        let now = clock.now().milliseconds
        let fits = max(0, min(bytes.count, limit - kept))
        exchange.cutBytes += bytes.count - fits
        if fits > 0 {
            kept += fits
            let piece = fits == bytes.count ? bytes : [UInt8](bytes.prefix(fits))
            exchange.chunks.append(WireExchange.Chunk(at: now - exchange.started.milliseconds, bytes: WireBytes(piece)))
            mask()
        }
        guard now - lastShown >= Self.pause else { return false }
        lastShown = now
        return true
    }

    package mutating func end(_ error: EngineError?) {
        exchange.endedAt = elapsed
        exchange.error = error.map { redactor.clean($0.message) }
    }

    /// A secret may be cut in two by the chunks: the new one is looked at together with the end of those before. What
    /// replaces it has its length, so that the pieces stay as they came.
    private mutating func mask() {
        let reach = redactor.longest - 1
        guard reach > 0 else { return }
        var first = exchange.chunks.count - 1
        var before = 0
        while first > 0, before < reach {
            first -= 1
            before += exchange.chunks[first].bytes.bytes.count
        }
        let joined = exchange.chunks[first...].flatMap(\.bytes.bytes)
        let clean = redactor.masked(joined)
        guard clean != joined else { return }
        var start = 0
        for index in first..<exchange.chunks.count {
            let count = exchange.chunks[index].bytes.bytes.count
            exchange.chunks[index].bytes = WireBytes([UInt8](clean[start..<(start + count)]))
            start += count
        }
    }
}
