/// What a model costs, in US dollars per million tokens.
package struct ModelPrice: Sendable, Equatable {
    package struct Rates: Sendable, Equatable {
        package var input: Double
        package var output: Double
        package var cacheRead: Double?
        package var cacheWrite: Double?
        /// For what is kept an hour.
        package var cacheWriteLong: Double?
        package init(
            input: Double, output: Double, cacheRead: Double? = nil, cacheWrite: Double? = nil,
            cacheWriteLong: Double? = nil
        ) {
            self.input = input
            self.output = output
            self.cacheRead = cacheRead
            self.cacheWrite = cacheWrite
            self.cacheWriteLong = cacheWriteLong
        }
    }

    package var rates: Rates
    /// Rates for the whole request once its prompt is longer than the threshold, longest first.
    package var tiers: [(over: Int, rates: Rates)]
    package var contextWindow: Int?

    package init(rates: Rates, tiers: [(over: Int, rates: Rates)] = [], contextWindow: Int? = nil) {
        self.rates = rates
        self.tiers = tiers
        self.contextWindow = contextWindow
    }

    /// In the words of the price file.
    package var json: JSONValue {
        func fields(_ rates: Rates) -> JSONObject {
            let all = [
                ("input", rates.input), ("output", rates.output), ("cache_read", rates.cacheRead),
                ("cache_write", rates.cacheWrite), ("cache_write_1h", rates.cacheWriteLong),
            ]
            return JSONObject(all.compactMap { name, rate in rate.map { (name, .double($0)) } })
        }
        var object = fields(rates)
        if let contextWindow { object["context_window"] = .int(contextWindow) }
        if !tiers.isEmpty {
            object["over"] = .object(JSONObject(tiers.map { (String($0.over), .object(fields($0.rates))) }))
        }
        return .object(object)
    }

    package static func == (a: Self, b: Self) -> Bool {
        a.rates == b.rates && a.contextWindow == b.contextWindow && a.tiers.map(\.over) == b.tiers.map(\.over)
            && a.tiers.map(\.rates) == b.tiers.map(\.rates)
    }

    /// Cache reads and writes cost as plain input where the table has no rate of their own.
    package func cost(of usage: TokenUsage) -> Money {
        let rates = tiers.first { usage.prompt > $0.over }?.rates ?? rates
        // A dollar per million tokens is a thousand nanodollars per token.
        let dollars =
            Double(usage.input) * rates.input + Double(usage.output) * rates.output
            + Double(usage.cacheRead) * (rates.cacheRead ?? rates.input)
            + Double(usage.cacheWrite - usage.cacheWriteLong) * (rates.cacheWrite ?? rates.input)
            + Double(usage.cacheWriteLong) * (rates.cacheWriteLong ?? rates.cacheWrite ?? rates.input)
        return Money(nanodollars: Int(min((dollars * 1_000).rounded(), 9e18)))
    }
}

/// Prices by provider and model, with their date and source. An unknown model has no price: unknown is not zero.
package struct PriceTable: Sendable {
    /// The day of the data, such as `2026-11-20`.
    package var asOf: String
    package var source: String
    private var models: [String: ModelPrice]
    private var overrides: [String: ModelPrice]

    package static let empty = PriceTable(asOf: "", source: "", models: [:])

    package init(asOf: String, source: String, models: [String: ModelPrice], overrides: [String: ModelPrice] = [:]) {
        self.asOf = asOf
        self.source = source
        self.models = models
        self.overrides = overrides
    }

    package struct Found: Sendable, Equatable {
        package var price: ModelPrice
        /// For people: where the price comes from, and what was assumed.
        package var source: String

        package init(price: ModelPrice, source: String) {
            self.price = price
            self.source = source
        }
    }

    /// The price of a model: the person's own first; then `provider/model`; then the name alone. A dated name
    /// (`gpt-4o-2024-08-06`) falls back to the name without its date, and says so.
    package func price(provider: String, model: String) -> Found? {
        if let price = overrides["\(provider)/\(model)"] ?? overrides[model] {
            return Found(price: price, source: "your prices")
        }
        if let price = listed(provider, model) { return Found(price: price, source: "prices \(asOf)") }
        let undated = Self.withoutDate(model)
        if undated != model, let price = listed(provider, undated) {
            return Found(price: price, source: "prices \(asOf), as \(undated)")
        }
        return nil
    }

    private func listed(_ provider: String, _ model: String) -> ModelPrice? {
        if let price = models["\(provider)/\(model)"] { return price }
        let bare = model.split(separator: "/").last.map(String.init) ?? model
        let fitting = models.filter { $0.key.hasSuffix("/" + bare) }
        return fitting.min { $0.key < $1.key }?.value
    }

    /// `name-2024-08-06` and `name-20240806` without the date.
    private static func withoutDate(_ model: String) -> String {
        let parts = model.split(separator: "-", omittingEmptySubsequences: false)
        func isNumber(_ part: Substring, _ digits: Int) -> Bool {
            part.count == digits && part.allSatisfy { $0.isASCII && $0.isNumber }
        }
        if let last = parts.last, isNumber(last, 8) { return parts.dropLast().joined(separator: "-") }
        let tail = parts.suffix(3)
        if parts.count > 3, zip(tail, [4, 2, 2]).allSatisfy({ isNumber($0, $1) }) {
            return parts.dropLast(3).joined(separator: "-")
        }
        return model
    }

    /// Every model of the table, by name.
    package var entries: [(name: String, price: ModelPrice)] {
        models.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
    }

    package func overridden(by prices: [String: ModelPrice]) -> PriceTable {
        var table = self
        table.overrides.merge(prices) { _, new in new }
        return table
    }

    /// Reads the project's data file.
    package static func load(_ document: SourceDocument) -> Loaded<PriceTable> {
        let report = DiagnosticSink()
        guard
            var root = FieldReader(document, at: "", value: document.value, what: "a price file", report: report)
        else { return Loaded(value: nil, diagnostics: report.diagnostics) }
        let asOf = root.string("as_of", required: true) ?? ""
        let source = root.string("source", required: true) ?? ""
        _ = root.string("unit")
        var models: [String: ModelPrice] = [:]
        for (name, fields) in root.map("models", required: true) {
            var fields = fields
            models[name] = price(&fields)
            fields.finish(.warning)
        }
        root.finish()
        let failed = report.diagnostics.contains { $0.severity == .error }
        let table = PriceTable(asOf: asOf, source: source, models: models)
        return Loaded(value: failed ? nil : table, diagnostics: report.diagnostics)
    }

    /// `{input, output, cache_read, cache_write, context_window, over: {"200000": {…}}}`.
    package static func price(_ fields: inout FieldReader) -> ModelPrice? {
        guard let rates = rates(&fields) else { return nil }
        var tiers: [(over: Int, rates: ModelPrice.Rates)] = []
        for (threshold, inner) in fields.map("over") {
            var inner = inner
            guard let over = Int(threshold) else {
                inner.error("'\(threshold)' is not a number of tokens")
                continue
            }
            if let rates = Self.rates(&inner) { tiers.append((over, rates)) }
            inner.finish()
        }
        return ModelPrice(
            rates: rates, tiers: tiers.sorted { $0.over > $1.over }, contextWindow: fields.int("context_window"))
    }

    private static func rates(_ fields: inout FieldReader) -> ModelPrice.Rates? {
        let range = 0.0...1_000_000
        let input = fields.number("input", in: range)
        let output = fields.number("output", in: range)
        let cacheRead = fields.number("cache_read", in: range)
        let cacheWrite = fields.number("cache_write", in: range)
        let cacheWriteLong = fields.number("cache_write_1h", in: range)
        guard let input, let output else {
            if fields.object["input"] == nil { fields.missing("input") }
            if fields.object["output"] == nil { fields.missing("output") }
            return nil
        }
        return ModelPrice.Rates(
            input: input, output: output, cacheRead: cacheRead, cacheWrite: cacheWrite,
            cacheWriteLong: cacheWriteLong)
    }
}
