/// How much money may be spent; nil is no limit.
package struct Budget: Sendable, Equatable {
    package var turn: Money?
    package var session: Money?
    /// All sessions together since midnight.
    package var day: Money?
    /// The part of a limit from which on it is warned of.
    package var warnAt = 0.8

    package init() {}

    package var isEmpty: Bool { turn == nil && session == nil && day == nil }
}

extension Budget {
    /// `{turn: 0.10, session: 1, day: 5, warn_at: 0.8}`, in US dollars.
    init(_ fields: inout FieldReader) {
        self.init()
        let range = 0.0...1_000_000
        turn = fields.number("turn", in: range).map { Money(dollars: $0) }
        session = fields.number("session", in: range).map { Money(dollars: $0) }
        day = fields.number("day", in: range).map { Money(dollars: $0) }
        warnAt = fields.number("warn_at", in: 0...1) ?? warnAt
        fields.finish()
    }
}
