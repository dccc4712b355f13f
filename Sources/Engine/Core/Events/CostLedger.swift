/// What a session used and cost. Prices that are not known are never counted as zero: `isComplete` says so.
package struct CostLedger: Projection {
    package struct Entry: Sendable, Equatable {
        package var usage = TokenUsage()
        /// The sum of the known costs.
        package var cost = Money.zero
        package var calls = 0
        /// Calls without a known price.
        package var unpriced = 0
        /// Whether a number was counted here because the provider said none.
        package var isEstimated = false

        package init() {}

        package var isComplete: Bool { unpriced == 0 }

        /// `$0.0012`, `~$0.0012` for an estimate, `$0.0012+?` where a part is not known, `unknown` where all of it.
        package var text: String {
            if calls > 0 && unpriced == calls { return "unknown" }
            return (isEstimated && calls > 0 ? "~" : "") + cost.text + (isComplete ? "" : "+?")
        }

        fileprivate mutating func add(_ report: UsageReport) {
            usage = usage + report.usage
            calls += 1
            if let price = report.cost { cost = cost + price } else { unpriced += 1 }
            if report.source == .estimated { isEstimated = true }
        }
    }

    package private(set) var session = Entry()
    /// One entry per turn that began, in order.
    package private(set) var turns: [Entry] = []
    package private(set) var models: [String: Entry] = [:]
    /// The last report.
    package private(set) var last: UsageReport?

    package init() {}

    package mutating func apply(_ event: EngineEvent) {
        switch event.body {
        case .turnStarted: turns.append(Entry())
        case .usageReported(let report):
            last = report
            session.add(report)
            models[report.model, default: Entry()].add(report)
            if event.turn != nil, !turns.isEmpty { turns[turns.count - 1].add(report) }
        default: break
        }
    }

    /// How much of the context window the last call filled, in percent; nil when the window is not known.
    package var contextPercent: Int? {
        guard let last, let window = last.contextWindow, window > 0 else { return nil }
        return min((last.usage.prompt + last.usage.output) * 100 / window, 999)
    }
}
