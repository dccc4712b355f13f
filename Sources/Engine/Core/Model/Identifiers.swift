/// A name for one thing of a kind; names of different kinds do not mix.
package struct Identifier<Kind>: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(_ rawValue: String) { self.rawValue = rawValue }

    package var description: String { rawValue }
}

extension Identifier: Codable {
    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

package enum SessionKind {}
package enum TurnKind {}
package enum MessageKind {}
package enum CallKind {}
package enum SpanKind {}
package enum QuestionKind {}

package typealias SessionID = Identifier<SessionKind>
package typealias TurnID = Identifier<TurnKind>
package typealias MessageID = Identifier<MessageKind>
/// A tool call's name, as the model gave it, or made up where it gave none.
package typealias CallID = Identifier<CallKind>
package typealias SpanID = Identifier<SpanKind>
package typealias QuestionID = Identifier<QuestionKind>
