/// Answers that a server allows to be kept (2026-07-28, caching: `ttlMs`).
struct MCPCache {
    private var kept: [String: (result: JSONValue, until: Int)] = [:]
    private static let limit = 64

    func find(_ key: String, now: Int) -> JSONValue? {
        kept[key].flatMap { $0.until > now ? $0.result : nil }
    }

    mutating func keep(_ key: String, _ result: JSONValue, now: Int) {
        guard let life = result["ttlMs"]?.int, life > 0 else { return }
        if kept.count >= Self.limit { kept = kept.filter { $0.value.until > now } }
        guard kept.count < Self.limit else { return }
        kept[key] = (result, now + min(life, 86_400_000))
    }

    mutating func forget(_ prefix: String) { kept = kept.filter { !$0.key.hasPrefix(prefix) } }
}
