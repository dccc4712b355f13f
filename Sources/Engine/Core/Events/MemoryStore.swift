import Synchronization

/// Keeps the events of this run only: where the disk cannot be written, and in tests.
package final class MemoryStore: SessionStore {
    private struct State {
        var events: [SessionID: [EngineEvent]] = [:]
        var checkpoints: [SessionID: Checkpoint] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package var trouble: String? { nil }
    package func watchTrouble(_ listener: @escaping @Sendable () -> Void) {}

    package func append(_ event: EngineEvent) {
        state.withLock { state in
            state.events[event.session, default: []].append(event)
            if case .messageCompleted = event.body { state.checkpoints[event.session] = nil }
        }
    }

    package func checkpoint(_ session: SessionID, _ checkpoint: Checkpoint?) {
        state.withLock { $0.checkpoints[session] = checkpoint }
    }

    package func events(of session: SessionID, after sequence: Int) async throws(EngineError) -> [EngineEvent] {
        state.withLock { ($0.events[session] ?? []).filter { $0.sequence > sequence } }
    }

    package func checkpoint(of session: SessionID) async throws(EngineError) -> Checkpoint? {
        state.withLock { $0.checkpoints[session] }
    }

    package func sessions(_ filter: SessionFilter) async throws(EngineError) -> [SessionSummary] {
        let all = state.withLock { state in
            state.events.filter { _, events in
                filter.agent == nil || events.contains { Self.agent($0) == filter.agent }
            }.map { Self.summary($0.key, $0.value) }
        }
        return Array(
            all.filter { filter.workspace == nil || $0.workspace == filter.workspace }
                .sorted { ($0.updated, $1.id.rawValue) > ($1.updated, $0.id.rawValue) }.prefix(max(filter.limit, 0)))
    }

    private static func agent(_ event: EngineEvent) -> String? {
        if case .sessionOpened(let opened) = event.body { opened.agent } else { nil }
    }

    private static func summary(_ id: SessionID, _ events: [EngineEvent]) -> SessionSummary {
        var transcript = Transcript()
        var ledger = CostLedger()
        for event in events {
            transcript.apply(event)
            ledger.apply(event)
        }
        let opened = transcript.opened
        let none = Timestamp(milliseconds: 0)
        return SessionSummary(
            id: id, title: transcript.title ?? "", workspace: opened?.workspace ?? "", pack: opened?.pack ?? "",
            model: opened?.model ?? "", created: events.first?.at ?? none, updated: events.last?.at ?? none,
            turns: ledger.turns.count, cost: ledger.session.cost, costIsComplete: ledger.session.isComplete)
    }

    package func spent(since: Timestamp) async throws(EngineError) -> Money {
        state.withLock { state in
            state.events.values.joined().reduce(.zero) { sum, event in
                guard event.at >= since, case .usageReported(let report) = event.body else { return sum }
                return sum + (report.cost ?? .zero)
            }
        }
    }

    package func search(_ words: String, limit: Int) async throws(EngineError) -> [SearchHit] {
        let terms = words.lowercased().split { !($0.isLetter || $0.isNumber) }
        guard !terms.isEmpty else { return [] }
        let texts = state.withLock { state in
            state.events.values.joined().compactMap { event -> SearchHit? in
                switch event.body {
                case .turnStarted(let started): Self.hit(started.text, .user, event)
                case .messageCompleted(let message): Self.hit(message.text, message.role, event)
                default: nil
                }
            }
        }
        let fitting = texts.filter { hit in
            let found = Set(hit.excerpt.lowercased().split { !($0.isLetter || $0.isNumber) })
            return terms.dropLast().allSatisfy { found.contains($0) }
                && found.contains { $0.hasPrefix(terms[terms.count - 1]) }
        }
        return Array(fitting.sorted { $0.at > $1.at }.prefix(max(limit, 0)))
    }

    private static func hit(_ text: String, _ role: Message.Role, _ event: EngineEvent) -> SearchHit {
        SearchHit(session: event.session, title: "", role: role, at: event.at, excerpt: text)
    }

    package func remove(_ session: SessionID) async throws(EngineError) {
        state.withLock { state in
            state.events[session] = nil
            state.checkpoints[session] = nil
        }
    }

    package func claim(_ session: SessionID) async -> Bool { true }
    package func release(_ session: SessionID) -> Bool { true }
    package func flush() async {}
}
