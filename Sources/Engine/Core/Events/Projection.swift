/// A fold over the events of one session: the same events give the same value, live or from the log.
package protocol Projection: Sendable, Equatable {
    init()
    mutating func apply(_ event: EngineEvent)
}
