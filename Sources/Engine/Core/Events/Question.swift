/// Something that runs for the agent wants to know something from the person.
package struct Question: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable {
        /// What a client tool answers: free text.
        case answer
        /// Values that fit `schema` (MCP elicitation, form mode).
        case form
        /// To open an address outside (MCP elicitation, URL mode; a sign-in).
        case link
        /// To let a server ask the session's model (MCP sampling).
        case model
        /// Yes or no.
        case confirm
    }

    /// Given by the session.
    package var id = QuestionID("")
    package var kind: Kind
    /// The handler that asks.
    package var from: String
    /// The call during which it asks, where that is known.
    package var call: CallID?
    package var message: String
    /// Of a client tool: what it is said to be for, and what it touches.
    package var consent: String?
    package var categories: [String]?
    /// JSON Schema of an object.
    package var schema: JSONValue?
    package var url: String?
    /// When it is taken away.
    package var until: Timestamp?

    package init(
        _ kind: Kind, from: String, call: CallID? = nil, message: String, schema: JSONValue? = nil, url: String? = nil
    ) {
        self.kind = kind
        self.from = from
        self.call = call
        self.message = message
        self.schema = schema
        self.url = url
    }
}

/// What the person says to a question.
package struct QuestionReply: Sendable, Equatable, Codable {
    /// The three answers of MCP's elicitation.
    package enum Action: String, Sendable, Codable {
        case accept, decline
        /// Neither: the question was taken away, or left.
        case cancel
    }

    package var action: Action
    /// Text for `answer`, an object for `form`, nothing otherwise. Behind a no: why.
    package var content: JSONValue?

    package init(_ action: Action, _ content: JSONValue? = nil) {
        self.action = action
        self.content = content
    }
}

extension QuestionReply {
    /// Where nobody is.
    package static let unanswered = QuestionReply(.decline, "nobody is there to answer")
    package var isUnanswered: Bool { self == .unanswered }
}

package struct QuestionAnswered: Sendable, Equatable, Codable {
    package var id: QuestionID
    package var reply: QuestionReply

    package init(id: QuestionID, reply: QuestionReply) {
        self.id = id
        self.reply = reply
    }
}
