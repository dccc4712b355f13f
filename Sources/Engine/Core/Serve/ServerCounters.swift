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
        var isDraining = false
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
    func drain() { state.withLock { $0.isDraining = true } }
    var isDraining: Bool { state.withLock { $0.isDraining } }
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

    /// Prometheus' text format, version 0.0.4.
    func text(agent: String, namespace: String) -> String {
        let now = state.withLock { $0 }
        func quoted(_ text: String) -> String {
            text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        }
        let labels = "agent=\"\(quoted(agent))\",namespace=\"\(quoted(namespace))\""
        var lines: [String] = []
        func metric(_ name: String, _ type: String, _ help: String, _ values: [(String, String)]) {
            lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"]
            lines += values.map { "\(name)\($0.0) \($0.1)" }
        }
        metric(
            "omnia_agent_connections_active", "gauge", "WebSocket connections that are open",
            [("{\(labels)}", "\(now.active)")])
        metric(
            "omnia_agent_connections_total", "counter", "WebSocket connections since the start",
            [("{\(labels)}", "\(now.connections)")])
        metric(
            "omnia_agent_requests_inflight", "gauge", "Messages that are being answered",
            [("{\(labels)}", "\(now.inFlight)")])
        metric(
            "omnia_agent_requests_total", "counter", "Messages that were answered, by how it ended",
            now.requests.sorted { $0.key < $1.key }.map { ("{\(labels),status=\"\($0.key)\"}", "\($0.value)") })
        metric(
            "omnia_agent_messages_received_total", "counter", "Frames that came in",
            [("{\(labels)}", "\(now.received)")])
        metric("omnia_agent_messages_sent_total", "counter", "Frames that went out", [("{\(labels)}", "\(now.sent)")])
        let duration = "omnia_agent_request_duration_seconds"
        lines += ["# HELP \(duration) How long an answer took", "# TYPE \(duration) histogram"]
        for (index, bound) in Self.bounds.enumerated() {
            lines.append("\(duration)_bucket{\(labels),handler=\"runtime\",le=\"\(bound)\"} \(now.buckets[index])")
        }
        lines.append("\(duration)_bucket{\(labels),handler=\"runtime\",le=\"+Inf\"} \(now.count)")
        lines.append("\(duration)_sum{\(labels),handler=\"runtime\"} \(now.sum)")
        lines.append("\(duration)_count{\(labels),handler=\"runtime\"} \(now.count)")
        return lines.joined(separator: "\n") + "\n"
    }
}
