/// An agent that a server offers.
package struct ServedAgent: Sendable {
    package struct Version: Sendable {
        /// Nil where there is only one.
        package var variant: AgentVariant?
        package var client: any EngineClient
        /// How a session of it begins.
        package var opened: SessionOpened

        package init(variant: AgentVariant?, client: any EngineClient, opened: SessionOpened) {
            self.variant = variant
            self.client = client
            self.opened = opened
        }
    }

    package var name: String
    package var namespace: String
    package var stable: Version
    package var canary: Version?
    /// How many of a hundred new sessions the canary gets.
    package var weight: Int
    let counters = ServerCounters()

    package init(_ name: String, namespace: String, stable: Version, canary: Version? = nil, weight: Int = 0) {
        self.name = name
        self.namespace = namespace
        self.stable = stable
        self.canary = canary
        self.weight = weight
    }

    func version(_ variant: AgentVariant?) -> Version { variant == .canary ? canary ?? stable : stable }

    /// What a new session gets: what was asked for by name, or what its number draws.
    func version(forNew session: SessionID, wanted: String?) -> Version {
        if let wanted, let variant = AgentVariant(rawValue: wanted) { return version(variant) }
        return version(FNV1a.hash(session.rawValue) % 100 < UInt64(max(weight, 0)) ? .canary : .stable)
    }

    /// Of a session that was had with this agent before.
    /// - Returns: nil when it was had with another.
    func version(of log: [EngineEvent]) -> Version? {
        let openings = log.lazy.compactMap { event in
            if case .sessionOpened(let opened) = event.body { opened } else { nil }
        }
        guard let opened = openings.first, opened.workspace == stable.opened.workspace,
            stable.opened.agent == nil || opened.agent == stable.opened.agent
        else { return nil }
        return version(opened.variant)
    }
}
