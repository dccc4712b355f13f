/// A guardrail fired.
package struct GuardrailFired: Sendable, Equatable, Codable {
    package enum Action: String, Sendable, Codable {
        /// The text stands as it is; the guardrail only records.
        case recorded
        /// The text was replaced.
        case blocked
        /// The text was cut.
        case cut
    }

    package var type: String
    package var direction: String
    package var action: Action
    package var score: Double?
    /// For people: why.
    package var explanation: String
    /// The text that was judged; kept so that a developer sees what was withheld.
    package var text: String

    package init(
        type: String, direction: String, action: Action, score: Double?, explanation: String, text: String
    ) {
        self.type = type
        self.direction = direction
        self.action = action
        self.score = score
        self.explanation = explanation
        self.text = text
    }
}

/// An eval judged, or says why it did not.
package struct EvalResult: Sendable, Equatable, Codable {
    package var eval: String
    package var type: String
    package var trigger: String
    package var score: Double?
    /// By the eval's threshold; nil where it has none, or there is no score.
    package var passed: Bool?
    package var explanation: String
    package var skipped: String?
    package var error: String?
    /// What the pack says about a failure.
    package var message: String?

    package init(
        eval: String, type: String, trigger: String, score: Double? = nil, passed: Bool? = nil, explanation: String,
        skipped: String? = nil, error: String? = nil, message: String? = nil
    ) {
        self.eval = eval
        self.type = type
        self.trigger = trigger
        self.score = score
        self.passed = passed
        self.explanation = explanation
        self.skipped = skipped
        self.error = error
        self.message = message
    }
}

/// A workflow entered a state.
package struct WorkflowMoved: Sendable, Equatable, Codable {
    package enum Cause: String, Sendable, Codable { case start, model, person }

    package var from: String?
    package var to: String
    package var event: String?
    package var cause: Cause
    /// The state that was meant, where `max_visits` sent the workflow elsewhere.
    package var meant: String?
    /// What the model wants the next state to know.
    package var context: String?
    /// The state ends the workflow.
    package var isEnd: Bool
    /// The conversation so far is not sent any more.
    package var resets: Bool

    package init(
        from: String?, to: String, event: String? = nil, cause: Cause, meant: String? = nil, context: String? = nil,
        isEnd: Bool, resets: Bool
    ) {
        self.from = from
        self.to = to
        self.event = event
        self.cause = cause
        self.meant = meant
        self.context = context
        self.isEnd = isEnd
        self.resets = resets
    }
}

/// A workflow's artifact has a new value.
package struct ArtifactSet: Sendable, Equatable, Codable {
    package var name: String
    /// The whole value, after a new part was put behind the old one.
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A step of a composition ended.
package struct StepFinished: Sendable, Equatable, Codable {
    package enum Status: String, Sendable, Codable { case ok, failed, skipped }

    package var composition: String
    package var step: String
    package var kind: String
    package var status: Status
    package var output: JSONValue?
    /// The step that a branch leads to.
    package var taken: String?
    package var error: String?
    /// The output of the composition itself.
    package var isResult: Bool

    package init(
        composition: String, step: String, kind: String, status: Status, output: JSONValue? = nil,
        taken: String? = nil, error: String? = nil, isResult: Bool = false
    ) {
        self.composition = composition
        self.step = step
        self.kind = kind
        self.status = status
        self.output = output
        self.taken = taken
        self.error = error
        self.isResult = isResult
    }
}
