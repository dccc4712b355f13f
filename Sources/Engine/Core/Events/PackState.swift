/// Where the value of a variable comes from.
package enum VariableOrigin: String, Sendable, Codable {
    /// The person, or a file of the workspace.
    case given
    /// `bindings:` of the workspace.
    case bound
    /// The pack.
    case standard = "default"
    /// The engine.
    case provided
    /// Nothing: an optional variable without a default.
    case empty
}

/// What runs, for the Pack pane: published when a session is opened and whenever it changes; never stored, because
/// it follows from the files and the log.
package struct PackState: Sendable, Equatable, Codable {
    package struct Value: Sendable, Equatable, Codable {
        package var name: String
        package var type: String
        package var text: String
        package var origin: VariableOrigin
        package var isRequired: Bool
        package var isMissing: Bool
        package var problem: String?
        package var description: String?

        package init(
            name: String, type: String, text: String, origin: VariableOrigin, isRequired: Bool, isMissing: Bool,
            problem: String? = nil, description: String? = nil
        ) {
            self.name = name
            self.type = type
            self.text = text
            self.origin = origin
            self.isRequired = isRequired
            self.isMissing = isMissing
            self.problem = problem
            self.description = description
        }
    }

    package struct Rule: Sendable, Equatable, Codable {
        package var type: String
        package var direction: String
        package var isEnforced: Bool
        package var isEnabled: Bool

        package init(type: String, direction: String, isEnforced: Bool, isEnabled: Bool) {
            self.type = type
            self.direction = direction
            self.isEnforced = isEnforced
            self.isEnabled = isEnabled
        }
    }

    /// A workflow as a picture needs it.
    package struct State: Sendable, Equatable, Codable {
        package var name: String
        package var events: [String: String]
        package var isEnd: Bool
        package var visits: Int
        package var maxVisits: Int?
        package var isCurrent: Bool

        package init(
            name: String, events: [String: String], isEnd: Bool, visits: Int, maxVisits: Int? = nil, isCurrent: Bool
        ) {
            self.name = name
            self.events = events
            self.isEnd = isEnd
            self.visits = visits
            self.maxVisits = maxVisits
            self.isCurrent = isCurrent
        }
    }

    /// A stretch of the prompt and where it comes from: `template`, `variable`, `fragment`, `unresolved`.
    package struct Span: Sendable, Equatable, Codable {
        package var text: String
        package var source: String
        package var name: String?

        package init(text: String, source: String, name: String? = nil) {
            self.text = text
            self.source = source
            self.name = name
        }
    }

    package var pack: String
    package var version: String
    package var file: String
    package var prompt: String
    package var semantics: String
    /// Published schemas that the pack satisfies.
    package var editions: [String]
    package var spans: [Span]
    package var tokens: Int
    package var unused: [String]
    package var variables: [Value]
    package var rules: [Rule]
    package var evals: Int
    package var policy: String
    package var divergences: [String]
    package var states: [State]
    package var artifacts: [String: String]
    package var skills: [String]
    package var members: [String]
    /// What is wrong with the files as they are on the disk; the last good ones run.
    package var problems: [Diagnostic]
    /// The prompt before the last change, for comparing; nil before any.
    package var before: String?

    package var text: String { spans.map(\.text).joined() }

    package init(
        pack: String, version: String, file: String, prompt: String, semantics: String, editions: [String],
        spans: [Span], tokens: Int, unused: [String], variables: [Value], rules: [Rule], evals: Int, policy: String,
        divergences: [String], states: [State], artifacts: [String: String], skills: [String], members: [String],
        problems: [Diagnostic], before: String? = nil
    ) {
        self.pack = pack
        self.version = version
        self.file = file
        self.prompt = prompt
        self.semantics = semantics
        self.editions = editions
        self.spans = spans
        self.tokens = tokens
        self.unused = unused
        self.variables = variables
        self.rules = rules
        self.evals = evals
        self.policy = policy
        self.divergences = divergences
        self.states = states
        self.artifacts = artifacts
        self.skills = skills
        self.members = members
        self.problems = problems
        self.before = before
    }
}
