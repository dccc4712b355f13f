/// The stored and transmitted form of an event:
/// `{"v":1,"seq":…,"at":…,"session":…,"turn":…,"type":…,"data":…}`.
///
/// Rules: fields are only ever added; a kind is never renamed; an unknown kind is kept as it came; a known kind
/// whose data cannot be read is kept as unknown, too, rather than lost.
extension TurnEvent {
    /// The wire names.
    package enum Kind: String, CaseIterable, Sendable {
        case sessionOpened = "session.opened"
        case sessionRenamed = "session.renamed"
        case turnStarted = "turn.started"
        case promptRendered = "prompt.rendered"
        case messageDelta = "message.delta"
        case messageCompleted = "message.completed"
        case toolCallStarted = "tool.call.started"
        case toolProgress = "tool.call.progress"
        case toolCallFinished = "tool.call.finished"
        case approvalRequested = "approval.requested"
        case approvalAnswered = "approval.answered"
        case questionAsked = "question.asked"
        case questionAnswered = "question.answered"
        case serverContent = "server.content"
        case suggestions = "server.suggestions"
        case spanOpened = "span.opened"
        case spanClosed = "span.closed"
        case usageReported = "usage.reported"
        case modelRetried = "model.retried"
        case wire = "wire.exchange"
        case handlerChanged = "handler.changed"
        case diagnostic = "diagnostic"
        case guardrailFired = "guardrail.fired"
        case evalCompleted = "eval.completed"
        case workflowMoved = "workflow.moved"
        case artifactSet = "artifact.set"
        case stepFinished = "composition.step"
        case packChanged = "pack.changed"
        case turnFinished = "turn.finished"
        case turnFailed = "turn.failed"
    }

    /// The wire name and the payload.
    package func encoded() -> (kind: String, data: JSONValue) {
        func pair(_ kind: Kind, _ payload: some Encodable) -> (String, JSONValue) {
            (kind.rawValue, JSONValue(encoding: payload))
        }
        return switch self {
        case .sessionOpened(let payload): pair(.sessionOpened, payload)
        case .sessionRenamed(let payload): pair(.sessionRenamed, payload)
        case .turnStarted(let payload): pair(.turnStarted, payload)
        case .promptRendered(let payload): pair(.promptRendered, payload)
        case .messageDelta(let payload): pair(.messageDelta, payload)
        case .messageCompleted(let payload): pair(.messageCompleted, payload)
        case .toolCallStarted(let payload): pair(.toolCallStarted, payload)
        case .toolProgress(let payload): pair(.toolProgress, payload)
        case .toolCallFinished(let payload): pair(.toolCallFinished, payload)
        case .approvalRequested(let payload): pair(.approvalRequested, payload)
        case .approvalAnswered(let payload): pair(.approvalAnswered, payload)
        case .questionAsked(let payload): pair(.questionAsked, payload)
        case .questionAnswered(let payload): pair(.questionAnswered, payload)
        case .serverContent(let payload): pair(.serverContent, payload)
        case .suggestions(let payload): pair(.suggestions, payload)
        case .spanOpened(let payload): pair(.spanOpened, payload)
        case .spanClosed(let payload): pair(.spanClosed, payload)
        case .usageReported(let payload): pair(.usageReported, payload)
        case .modelRetried(let payload): pair(.modelRetried, payload)
        case .wire(let payload): pair(.wire, payload)
        case .handlerChanged(let payload): pair(.handlerChanged, payload)
        case .diagnostic(let payload): pair(.diagnostic, payload)
        case .guardrailFired(let payload): pair(.guardrailFired, payload)
        case .evalCompleted(let payload): pair(.evalCompleted, payload)
        case .workflowMoved(let payload): pair(.workflowMoved, payload)
        case .artifactSet(let payload): pair(.artifactSet, payload)
        case .stepFinished(let payload): pair(.stepFinished, payload)
        case .packChanged(let payload): pair(.packChanged, payload)
        case .turnFinished(let payload): pair(.turnFinished, payload)
        case .turnFailed(let payload): pair(.turnFailed, payload)
        case .unknown(let kind, let data): (kind, data)
        }
    }

    package init(kind name: String, data: JSONValue) {
        let decoded = Kind(rawValue: name).flatMap { try? Self.decode($0, data) }
        self = decoded ?? .unknown(kind: name, data: data)
    }

    private static func decode(_ kind: Kind, _ data: JSONValue) throws -> TurnEvent {
        switch kind {
        case .sessionOpened: .sessionOpened(try data.decoded())
        case .sessionRenamed: .sessionRenamed(try data.decoded())
        case .turnStarted: .turnStarted(try data.decoded())
        case .promptRendered: .promptRendered(try data.decoded())
        case .messageDelta: .messageDelta(try data.decoded())
        case .messageCompleted: .messageCompleted(try data.decoded())
        case .toolCallStarted: .toolCallStarted(try data.decoded())
        case .toolProgress: .toolProgress(try data.decoded())
        case .toolCallFinished: .toolCallFinished(try data.decoded())
        case .approvalRequested: .approvalRequested(try data.decoded())
        case .approvalAnswered: .approvalAnswered(try data.decoded())
        case .questionAsked: .questionAsked(try data.decoded())
        case .questionAnswered: .questionAnswered(try data.decoded())
        case .serverContent: .serverContent(try data.decoded())
        case .suggestions: .suggestions(try data.decoded())
        case .spanOpened: .spanOpened(try data.decoded())
        case .spanClosed: .spanClosed(try data.decoded())
        case .usageReported: .usageReported(try data.decoded())
        case .modelRetried: .modelRetried(try data.decoded())
        case .wire: .wire(try data.decoded())
        case .handlerChanged: .handlerChanged(try data.decoded())
        case .diagnostic: .diagnostic(try data.decoded())
        case .guardrailFired: .guardrailFired(try data.decoded())
        case .evalCompleted: .evalCompleted(try data.decoded())
        case .workflowMoved: .workflowMoved(try data.decoded())
        case .artifactSet: .artifactSet(try data.decoded())
        case .stepFinished: .stepFinished(try data.decoded())
        case .packChanged: .packChanged(try data.decoded())
        case .turnFinished: .turnFinished(try data.decoded())
        case .turnFailed: .turnFailed(try data.decoded())
        }
    }
}

extension EngineEvent {
    /// The version of the envelope.
    package static let version = 1

    /// The whole event as one JSON object.
    package var json: JSONValue {
        let (kind, data) = body.encoded()
        var object = JSONObject()
        object["v"] = .int(Self.version)
        object["seq"] = .int(sequence)
        object["at"] = .int(at.milliseconds)
        object["session"] = .string(session.rawValue)
        if let turn { object["turn"] = .string(turn.rawValue) }
        object["type"] = .string(kind)
        object["data"] = data
        return .object(object)
    }

    package init?(json: JSONValue) {
        guard let sequence = json["seq"]?.int, let at = json["at"]?.int,
            let session = json["session"]?.string, let kind = json["type"]?.string
        else { return nil }
        self.init(
            sequence: sequence, at: Timestamp(milliseconds: at), session: SessionID(session),
            turn: json["turn"]?.string.map { TurnID($0) },
            body: TurnEvent(kind: kind, data: json["data"] ?? .null))
    }
}
