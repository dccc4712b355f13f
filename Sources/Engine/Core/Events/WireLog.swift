/// The exchanges of this run, the newest last. What it holds is bounded: the oldest go first.
package struct WireLog: Projection {
    package private(set) var exchanges: [WireExchange] = []
    private static let most = 200
    private static let mostBytes = 32 << 20

    package init() {}

    package mutating func apply(_ event: EngineEvent) {
        guard case .wire(let exchange) = event.body else { return }
        if let place = exchanges.lastIndex(where: { $0.id == exchange.id }) {
            exchanges[place] = exchange
        } else {
            exchanges.append(exchange)
        }
        guard exchange.endedAt != nil else { return }
        var bytes = exchanges.reduce(0) { $0 + $1.requestBody.bytes.count + $1.responseBytes }
        while exchanges.count > 1, exchanges.count > Self.most || bytes > Self.mostBytes {
            let gone = exchanges.removeFirst()
            bytes -= gone.requestBody.bytes.count + gone.responseBytes
        }
    }
}

extension WireExchange {
    /// A command that sends the request again; the key is the variable that it came from.
    package var curl: String {
        func quoted(_ text: String) -> String { "'" + text.replacing("'", with: #"'\''"#) + "'" }
        var parts = ["curl -sS -N -X \(method) \(quoted(url))"]
        for header in requestHeaders {
            guard header.value.contains(Secret.mask) else {
                parts.append("-H \(quoted("\(header.name): \(header.value)"))")
                continue
            }
            let value = header.value.replacing(Secret.mask, with: keyVariable ?? "$API_KEY")
            parts.append("-H \"\(header.name): \(value)\"")
        }
        parts.append("--data-raw \(quoted(String(decoding: requestBody.bytes, as: UTF8.self)))")
        return parts.joined(separator: " \\\n  ")
    }
}
