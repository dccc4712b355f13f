import Synchronization

/// What is counted of a server, under the names of Omnia's facade (`internal/agent/metrics.go`).
final class ServerCounters: Sendable {
    private struct State {
        var active = 0
        var connections = 0
        var inFlight = 0
        var requests: [String: Int] = [:]
        var received = 0
        var sent = 0
        var buckets = [Int](repeating: 0, count: 9)
        var sum = 0.0
        var count = 0
    }

    private static let bounds = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120]
    private let state = Mutex(State())

    func connected(_ change: Int) {
        state.withLock {
            $0.active += change
            if change > 0 { $0.connections += change }
        }
    }

    func received() { state.withLock { $0.received += 1 } }
    func sent() { state.withLock { $0.sent += 1 } }
    var inFlight: Int { state.withLock { $0.inFlight } }

    func began() { state.withLock { $0.inFlight += 1 } }

    func ended(_ status: String, seconds: Double) {
        state.withLock { state in
            state.inFlight -= 1
            state.requests[status, default: 0] += 1
            state.count += 1
            state.sum += seconds
            for (index, bound) in Self.bounds.enumerated() where seconds <= bound { state.buckets[index] += 1 }
        }
    }

    /// Prometheus' text format, version 0.0.4: each family once, with a line for each agent.
    static func text(_ agents: [ServedAgent]) -> String {
        let all = agents.map { agent in
            (labels: labels(agent), now: agent.counters.state.withLock { $0 })
        }
        var lines: [String] = []
        func metric(_ name: String, _ type: String, _ help: String, _ values: (String, State) -> [String]) {
            lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"]
            lines += all.flatMap { values($0.labels, $0.now) }
        }
        func number(_ name: String, _ type: String, _ help: String, _ value: (State) -> Int) {
            metric(name, type, help) { ["\(name){\($0)} \(value($1))"] }
        }
        number("omnia_agent_connections_active", "gauge", "WebSocket connections that are open") { $0.active }
        number("omnia_agent_connections_total", "counter", "WebSocket connections since the start") { $0.connections }
        number("omnia_agent_requests_inflight", "gauge", "Messages that are being answered") { $0.inFlight }
        metric("omnia_agent_requests_total", "counter", "Messages that were answered, by how it ended") { labels, now in
            now.requests.sorted { $0.key < $1.key }.map {
                "omnia_agent_requests_total{\(labels),status=\"\($0.key)\"} \($0.value)"
            }
        }
        number("omnia_agent_messages_received_total", "counter", "Frames that came in") { $0.received }
        number("omnia_agent_messages_sent_total", "counter", "Frames that went out") { $0.sent }
        let duration = "omnia_agent_request_duration_seconds"
        metric(duration, "histogram", "How long an answer took") { labels, now in
            let labels = "\(labels),handler=\"runtime\""
            let buckets = zip(bounds.map { "\($0)" } + ["+Inf"], now.buckets + [now.count])
            return buckets.map { "\(duration)_bucket{\(labels),le=\"\($0)\"} \($1)" }
                + ["\(duration)_sum{\(labels)} \(now.sum)", "\(duration)_count{\(labels)} \(now.count)"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func labels(_ agent: ServedAgent) -> String {
        func quoted(_ text: String) -> String {
            text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        }
        return "agent=\"\(quoted(agent.name))\",namespace=\"\(quoted(agent.namespace))\""
    }
}
