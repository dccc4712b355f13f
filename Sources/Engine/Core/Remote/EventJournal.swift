/// The log of a session that another process runs: numbers what is learned, keeps it, and publishes it.
///
/// Concurrency: belongs to the actor that made it.
final class EventJournal {
    let session: SessionID
    private let store: any SessionStore
    private let clock: any EngineClock
    private let redactor: Redactor
    private var sequence = 0
    private var feeds: [EventFeed] = []
    /// What is true now and not in the log, for those who come later.
    private var handlers: [String: HandlerState] = [:]
    private var isWritten = false
    /// Facts of a session in which nothing was said.
    private var held: [EngineEvent] = []

    init(_ session: SessionID, store: any SessionStore, clock: any EngineClock, redactor: Redactor) {
        self.session = session
        self.store = store
        self.clock = clock
        self.redactor = redactor
    }

    /// - Parameter at: when it happened, where that is known.
    func emit(_ body: TurnEvent, _ turn: TurnID? = nil, at: Timestamp? = nil) {
        if case .handlerChanged(let state) = body { handlers[state.handler] = state }
        let isDurable = body.isDurable
        if isDurable { sequence += 1 }
        let event = EngineEvent(
            sequence: sequence, at: at ?? clock.now(), session: session, turn: turn, body: redactor.clean(body))
        if isDurable { write(event) }
        for feed in feeds { feed.post([event]) }
        feeds.removeAll { $0.isFinished }
    }

    private func write(_ event: EngineEvent) {
        guard !isWritten else { return store.append(event) }
        held.append(event)
        switch event.body {
        case .turnStarted, .messageCompleted, .toolCallStarted:
            for event in held { store.append(event) }
            held = []
            isWritten = true
        default: break
        }
    }

    func feed(after: Int) async throws(EngineError) -> EventFeed {
        let now = sequence
        let waiting = held
        let later = EventFeed()
        feeds.append(later)
        defer { later.finish() }
        let written = isWritten ? try await store.events(of: session, after: after).filter { $0.sequence <= now } : []
        let feed = EventFeed()
        let known = max(after, written.last?.sequence ?? 0)
        let states = handlers.values.sorted { $0.handler < $1.handler }.map {
            EngineEvent(sequence: now, at: clock.now(), session: session, turn: nil, body: .handlerChanged($0))
        }
        feed.post(written + waiting.filter { $0.sequence > known } + states)
        feed.post(later.take())
        feeds.append(feed)
        return feed
    }

    func close() { for feed in feeds { feed.finish() } }
}
