/// Whose rules apply: the specification's, or those of PromptKit as it runs in production.
package enum Semantics: String, Sendable, CaseIterable, Codable {
    case strict
    case promptKit = "promptkit"
}

/// What a check looks at.
package struct CheckSubject: Sendable {
    /// A tool call with what came of it.
    package struct Call: Sendable, Equatable {
        package var tool: String
        package var arguments: JSONValue
        package var result: String
        package var failed: Bool

        package init(tool: String, arguments: JSONValue = [:], result: String = "", failed: Bool = false) {
            self.tool = tool
            self.arguments = arguments
            self.result = result
            self.failed = failed
        }
    }

    /// A picture, a sound or a film in the answer.
    package struct Media: Sendable, Equatable {
        package var mimeType: String
        package var width: Int?
        package var height: Int?
        package var seconds: Double?

        package init(mimeType: String, width: Int? = nil, height: Int? = nil, seconds: Double? = nil) {
            self.mimeType = mimeType
            self.width = width
            self.height = height
            self.seconds = seconds
        }
    }

    /// A guardrail that judged.
    package struct Judged: Sendable, Equatable {
        package var type: String
        package var direction: ValidatorSpec.Direction
        package var passed: Bool

        package init(type: String, direction: ValidatorSpec.Direction, passed: Bool) {
            self.type = type
            self.direction = direction
            self.passed = passed
        }
    }

    /// The text under judgement: an answer, or what the person said.
    package var output: String
    package var messages: [Message]
    package var turnCalls: [Call]
    package var sessionCalls: [Call]
    package var milliseconds: Int?
    package var usage: TokenUsage
    /// Nil when a part of it is not known.
    package var cost: Money?
    package var guardrails: [Judged]
    package var media: [Media]
    package var workflow: WorkflowRecord?
    package var composition: CompositionRecord?
    package var semantics: Semantics
    package var patterns: any PatternCompiler
    /// Asks a model to judge; nil where none is configured.
    package var judge: (any Judge)?

    package init(
        output: String, messages: [Message] = [], turnCalls: [Call] = [], sessionCalls: [Call] = [],
        milliseconds: Int? = nil, usage: TokenUsage = TokenUsage(), cost: Money? = nil, guardrails: [Judged] = [],
        media: [Media] = [], workflow: WorkflowRecord? = nil, composition: CompositionRecord? = nil,
        semantics: Semantics = .strict, patterns: any PatternCompiler, judge: (any Judge)? = nil
    ) {
        self.output = output
        self.messages = messages
        self.turnCalls = turnCalls
        self.sessionCalls = sessionCalls
        self.milliseconds = milliseconds
        self.usage = usage
        self.cost = cost
        self.guardrails = guardrails
        self.media = media
        self.workflow = workflow
        self.composition = composition
        self.semantics = semantics
        self.patterns = patterns
        self.judge = judge
    }

    /// The length of the text: characters, or bytes where PromptKit's rules apply.
    package var length: Int { semantics == .strict ? output.unicodeScalars.count : output.utf8.count }

    /// Texts of the agent, oldest first; the text under judgement is the last one.
    package var answers: [String] {
        let said = messages.filter { $0.role == .assistant && !$0.text.isEmpty }.map(\.text)
        return said.last == output ? said : said + [output]
    }
}

/// What a workflow did, for checks.
package struct WorkflowRecord: Sendable, Equatable {
    package var state: String
    /// States in the order in which they were entered.
    package var entered: [String]
    package var isComplete: Bool
    /// States in which the agent said something.
    package var spoke: Set<String>
    /// Tools called, with the state in which they were.
    package var calls: [(state: String, tool: String)]

    package init(
        state: String, entered: [String] = [], isComplete: Bool = false, spoke: Set<String> = [],
        calls: [(state: String, tool: String)] = []
    ) {
        self.state = state
        self.entered = entered
        self.isComplete = isComplete
        self.spoke = spoke
        self.calls = calls
    }

    package static func == (a: Self, b: Self) -> Bool {
        a.state == b.state && a.entered == b.entered && a.isComplete == b.isComplete && a.spoke == b.spoke
            && a.calls.elementsEqual(b.calls, by: ==)
    }
}

/// What a composition did, for checks.
package struct CompositionRecord: Sendable, Equatable {
    /// Outputs of steps by their ids.
    package var outputs: [String: JSONValue]
    /// The targets that branches took.
    package var branches: [String: String]
    /// Parallel steps all of whose branches ended well.
    package var complete: Set<String>
    package var output: JSONValue?

    package init(
        outputs: [String: JSONValue] = [:], branches: [String: String] = [:], complete: Set<String> = [],
        output: JSONValue? = nil
    ) {
        self.outputs = outputs
        self.branches = branches
        self.complete = complete
        self.output = output
    }
}

/// A model that judges.
package protocol Judge: Sendable {
    /// What the model says to a question; the text as it came.
    func answer(system: String, question: String) async throws(EngineError) -> String
}
