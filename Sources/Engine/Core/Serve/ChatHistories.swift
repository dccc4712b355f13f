import Synchronization

/// Which session a chat client goes on with: such a client names none, it sends all that was said before.
///
/// Whoever sends what was said in a session, word for word, and with the same credentials, goes on in it; so a long
/// conversation is one session, with the calls of tools that the client never saw. Who changes a word begins anew.
final class ChatHistories: Sendable {
    typealias Known = (session: SessionID, variant: AgentVariant?)

    private struct State {
        var sessions: [[UInt8]: Known] = [:]
        /// Oldest first; those that were taken may still stand in it.
        var order: [[UInt8]] = []
    }

    static let limit = 4_096
    private let state = Mutex(State())
    private let digests: any Digests

    init(_ digests: any Digests) { self.digests = digests }

    /// The session in which exactly this was said; nobody else gets it.
    func take(_ messages: [(role: String, text: String)], who: [String]) -> Known? {
        guard !messages.isEmpty else { return nil }
        let key = key(messages, who)
        return state.withLock { $0.sessions.removeValue(forKey: key) }
    }

    func keep(_ messages: [(role: String, text: String)], who: [String], _ session: Known) {
        let key = key(messages, who)
        state.withLock { state in
            if state.sessions.updateValue(session, forKey: key) == nil { state.order.append(key) }
            guard state.order.count > Self.limit else { return }
            for key in state.order.prefix(Self.limit / 2) { state.sessions[key] = nil }
            state.order.removeFirst(Self.limit / 2)
        }
    }

    private func key(_ messages: [(role: String, text: String)], _ who: [String]) -> [UInt8] {
        let said = messages.flatMap { [JSONValue.string($0.role), .string($0.text)] }
        return digests.sha256(JSONValue.array([.array(who.map { .string($0) }), .array(said)]).bytes)
    }
}
