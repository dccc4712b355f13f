/// One fact about a session, in the order in which it happened.
package struct EngineEvent: Sendable, Equatable {
    /// Position in the session's log, from 1 without gaps for durable events. A transient event carries the
    /// sequence of the durable event before it.
    package var sequence: Int
    package var at: Timestamp
    package var session: SessionID
    package var turn: TurnID?
    package var body: TurnEvent

    package init(sequence: Int, at: Timestamp, session: SessionID, turn: TurnID?, body: TurnEvent) {
        self.sequence = sequence
        self.at = at
        self.session = session
        self.turn = turn
        self.body = body
    }
}

/// What can happen in a session. Every payload is a struct, so that a field can be added without touching a
/// `switch`. The wire names are in `TurnEvent.Kind`.
package indirect enum TurnEvent: Sendable, Equatable {
    /// The session exists; always the first event. Repeated when it is opened again with other settings.
    case sessionOpened(SessionOpened)
    /// The person gave the session a name.
    case sessionRenamed(SessionRenamed)
    /// The person said something; a turn begins.
    case turnStarted(TurnStarted)
    /// The system prompt as it was sent, when it differs from the one before.
    case promptRendered(PromptRendered)
    /// Transient: more text of the unfinished answer.
    case messageDelta(MessageDelta)
    /// A whole message of the model, or as much of it as came.
    case messageCompleted(Message)
    /// A tool begins to run.
    case toolCallStarted(ToolCallStarted)
    /// Transient: a running tool says how far it is.
    case toolProgress(ToolProgress)
    /// A tool call has ended, well or badly; this is what the model is told.
    case toolCallFinished(ToolOutcome)
    /// The turn waits for the person.
    case approvalRequested(ApprovalRequest)
    /// The person answered.
    case approvalAnswered(ApprovalAnswered)
    /// A tool, or its server, asks the person something.
    case questionAsked(Question)
    /// The person answered, or the question was taken away.
    case questionAnswered(QuestionAnswered)
    /// Transient: a span began.
    case spanOpened(TraceSpan)
    /// A span ended.
    case spanClosed(TraceSpan)
    /// What one model call used and cost.
    case usageReported(UsageReport)
    /// A model was not reached, or refused, and is asked again; or another one is.
    case modelRetried(ModelRetry)
    /// Transient: what went over the network, so far.
    case wire(WireExchange)
    /// A tool server changed its state.
    case handlerChanged(HandlerState)
    /// Something a person should know, with its place.
    case diagnostic(Diagnostic)
    /// A guardrail fired.
    case guardrailFired(GuardrailFired)
    /// An eval judged.
    case evalCompleted(EvalResult)
    /// The workflow entered a state.
    case workflowMoved(WorkflowMoved)
    /// An artifact of the workflow has a new value.
    case artifactSet(ArtifactSet)
    /// A step of a composition ended.
    case stepFinished(StepFinished)
    /// Transient: what a server gave for the next message.
    case serverContent(ServerContent)
    /// Transient: values that a server proposes for a field.
    case suggestions([String])
    /// Transient: what runs, after a change of the files, the values or the state.
    case packChanged(PackState)
    /// The turn is over.
    case turnFinished(TurnFinished)
    /// The turn is over because something failed.
    case turnFailed(ErrorInfo)
    /// An event of a newer version: kept, shown by its kind, passed on unchanged.
    case unknown(kind: String, data: JSONValue)

    /// Whether the event belongs in the log. A transient event only speeds up the screen.
    package var isDurable: Bool {
        switch self {
        case .messageDelta, .toolProgress, .spanOpened, .packChanged, .wire, .serverContent, .suggestions: false
        default: true
        }
    }
}

package struct SessionOpened: Sendable, Equatable, Codable {
    package var workspace: String
    package var pack: String
    package var packVersion: String
    package var prompt: String
    package var provider: String
    package var model: String
    /// True for a provider that plays a model; the screen says so.
    package var isMock: Bool
    package var program: String
    /// Of several agents in a workspace.
    package var agent: String?
    /// Where the agent has two versions.
    package var variant: AgentVariant?

    package init(
        workspace: String, pack: String, packVersion: String, prompt: String, provider: String, model: String,
        isMock: Bool, program: String
    ) {
        self.workspace = workspace
        self.pack = pack
        self.packVersion = packVersion
        self.prompt = prompt
        self.provider = provider
        self.model = model
        self.isMock = isMock
        self.program = program
    }
}

package struct SessionRenamed: Sendable, Equatable, Codable {
    package var title: String
    package init(title: String) { self.title = title }
}

package struct TurnStarted: Sendable, Equatable, Codable {
    package var message: MessageID
    package var text: String
    package var attachments: [Attachment]?
    package init(message: MessageID, text: String, attachments: [Attachment] = []) {
        self.message = message
        self.text = text
        self.attachments = attachments.isEmpty ? nil : attachments
    }
}

package struct PromptRendered: Sendable, Equatable, Codable {
    package var prompt: String
    package var text: String
    package var unused: [String]
    package init(prompt: String, text: String, unused: [String]) {
        self.prompt = prompt
        self.text = text
        self.unused = unused
    }
}

package struct MessageDelta: Sendable, Equatable, Codable {
    package enum Channel: String, Sendable, Codable { case text, reasoning }

    package var message: MessageID
    package var channel: Channel
    package var text: String
    package init(message: MessageID, channel: Channel, text: String) {
        self.message = message
        self.channel = channel
        self.text = text
    }
}

package struct ToolCallStarted: Sendable, Equatable, Codable {
    package var call: ToolCall
    /// The handler that serves the tool; nil when none does.
    package var handler: String?
    package init(call: ToolCall, handler: String?) {
        self.call = call
        self.handler = handler
    }
}

package struct ToolProgress: Sendable, Equatable, Codable {
    package var call: CallID
    package var progress: Double
    package var total: Double?
    package var message: String?
    package init(call: CallID, progress: Double, total: Double? = nil, message: String? = nil) {
        self.call = call
        self.progress = progress
        self.total = total
        self.message = message
    }
}

package struct ApprovalRequest: Sendable, Equatable, Codable {
    package var call: ToolCall
    package var handler: String?
    /// Why it asks: the rule that said so.
    package var reason: String
    /// What a grant for the session would cover.
    package var covers: String
    package init(call: ToolCall, handler: String?, reason: String, covers: String) {
        self.call = call
        self.handler = handler
        self.reason = reason
        self.covers = covers
    }
}

/// What a person says to an approval.
package enum ApprovalDecision: Sendable, Equatable, Codable {
    case once
    case session
    /// No, with a reason for the model; empty when none was given.
    case deny(reason: String)
}

package struct ApprovalAnswered: Sendable, Equatable, Codable {
    package enum Decision: String, Sendable, Codable { case once, session, deny }

    package var call: CallID
    package var decision: Decision
    package var reason: String?
    package init(call: CallID, decision: Decision, reason: String? = nil) {
        self.call = call
        self.decision = decision
        self.reason = reason
    }
}

package struct UsageReport: Sendable, Equatable, Codable {
    package var provider: String
    package var model: String
    package var usage: TokenUsage
    package var source: NumberSource
    /// Nil when no price is known: unknown is not zero.
    package var cost: Money?
    /// Where the price comes from, for people: "prices 2026-11-20".
    package var priceSource: String?
    /// The model's context window in tokens, where it is known.
    package var contextWindow: Int?

    package init(
        provider: String, model: String, usage: TokenUsage, source: NumberSource, cost: Money?,
        priceSource: String?, contextWindow: Int?
    ) {
        self.provider = provider
        self.model = model
        self.usage = usage
        self.source = source
        self.cost = cost
        self.priceSource = priceSource
        self.contextWindow = contextWindow
    }
}

/// What is known of one handler of the tools file.
package struct HandlerState: Sendable, Equatable, Codable {
    package enum Phase: String, Sendable, Codable { case starting, ready, failed, stopped }

    package var handler: String
    /// `http`, `mcp/stdio`, `mcp/http`, …
    package var kind: String
    package var phase: Phase
    package var tools: [ToolSummary]
    /// For people: the protocol revision, or why it failed.
    package var detail: String?
    /// What an MCP server offers beside tools.
    package var prompts: [PromptSummary]?
    package var resources: [ResourceSummary]?

    package init(
        handler: String, kind: String, phase: Phase, tools: [ToolSummary] = [], detail: String? = nil,
        prompts: [PromptSummary]? = nil, resources: [ResourceSummary]? = nil
    ) {
        self.prompts = prompts
        self.resources = resources
        self.handler = handler
        self.kind = kind
        self.phase = phase
        self.tools = tools
        self.detail = detail
    }
}

package struct ToolSummary: Sendable, Equatable, Codable {
    package var name: String
    package var description: String
    package var readOnly: Bool
    /// The JSON Schema of its arguments.
    package var inputSchema: JSONValue
    package var outputSchema: JSONValue?
    package var title: String?
    /// MCP's annotations.
    package var hints: JSONValue?

    package init(_ tool: ToolDescriptor) {
        self.init(
            name: tool.name, description: tool.description, readOnly: tool.readOnly, inputSchema: tool.inputSchema)
        outputSchema = tool.outputSchema
        title = tool.title
        hints = tool.hints
    }

    package init(name: String, description: String, readOnly: Bool, inputSchema: JSONValue) {
        self.name = name
        self.description = description
        self.readOnly = readOnly
        self.inputSchema = inputSchema
    }
}

package struct TurnFinished: Sendable, Equatable, Codable {
    package enum Reason: String, Sendable, Codable {
        case completed, cancelled
        /// The model still wanted tools after the last allowed round.
        case roundLimit
        /// The program ended, or was ended, in mid-turn.
        case interrupted
        /// A limit on tokens: the answer is cut.
        case length
        /// The provider refused to show the answer.
        case filtered
        /// A guardrail put something else in the place of the answer.
        case guarded
    }

    package var reason: Reason
    package init(reason: Reason) { self.reason = reason }
}
