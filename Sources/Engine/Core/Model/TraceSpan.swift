/// A stretch of time in which something was done, in the sense of OpenTelemetry.
package struct TraceSpan: Sendable, Equatable, Codable {
    /// What kind of time it was; a person's time is drawn apart from working time.
    package enum Category: String, Sendable, Codable {
        case turn, render, model, tool, approval, check, step, store, other
    }
    package enum Status: String, Sendable, Codable { case ok, error, cancelled }

    package var id: SpanID
    package var parent: SpanID?
    package var name: String
    package var category: Category
    package var started: Timestamp
    /// Nil while it runs.
    package var ended: Timestamp?
    package var status: Status
    /// Names follow OpenTelemetry's GenAI conventions where they have one.
    package var attributes: JSONObject

    package init(
        id: SpanID, parent: SpanID?, name: String, category: Category, started: Timestamp,
        ended: Timestamp? = nil, status: Status = .ok, attributes: JSONObject = JSONObject()
    ) {
        self.id = id
        self.parent = parent
        self.name = name
        self.category = category
        self.started = started
        self.ended = ended
        self.status = status
        self.attributes = attributes
    }

    private enum CodingKeys: String, CodingKey {
        case id, parent, name, category, started, ended, status, attributes
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        id = try values.decode(SpanID.self, forKey: .id)
        parent = try values.decodeIfPresent(SpanID.self, forKey: .parent)
        name = try values.decode(String.self, forKey: .name)
        category = Category(rawValue: try values.decode(String.self, forKey: .category)) ?? .other
        started = try values.decode(Timestamp.self, forKey: .started)
        ended = try values.decodeIfPresent(Timestamp.self, forKey: .ended)
        status = Status(rawValue: try values.decode(String.self, forKey: .status)) ?? .ok
        attributes = try values.decode(JSONValue.self, forKey: .attributes).object ?? JSONObject()
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(id, forKey: .id)
        try values.encodeIfPresent(parent, forKey: .parent)
        try values.encode(name, forKey: .name)
        try values.encode(category.rawValue, forKey: .category)
        try values.encode(started, forKey: .started)
        try values.encodeIfPresent(ended, forKey: .ended)
        try values.encode(status.rawValue, forKey: .status)
        try values.encode(JSONValue.object(attributes), forKey: .attributes)
    }
}
