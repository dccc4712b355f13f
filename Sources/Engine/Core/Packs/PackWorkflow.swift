/// `workflow`: prompts as states (RFC 0005 and 0009).
package struct Workflow: Sendable, Equatable {
    package enum Orchestration: String, Sendable, CaseIterable { case `internal`, external, hybrid, composition }
    package enum Persistence: String, Sendable, CaseIterable { case transient, persistent }

    package struct State: Sendable, Equatable {
        package var name: String
        /// Nil in a state that runs a composition.
        package var promptTask: String?
        package var composition: String?
        package var description: String?
        /// Events and the states that they lead to, in the order of the file.
        package var events: [Event]
        package var terminal: Bool
        package var maxVisits: Int?
        package var onMaxVisits: String?
        package var artifacts: [Artifact]
        /// A pattern over skill folders, or `none`.
        package var skills: String?
        package var persistence: Persistence
        package var orchestration: Orchestration

        /// A state that no event leaves is an end.
        package var isEnd: Bool { terminal || events.isEmpty }

        package func target(of event: String) -> String? { events.first { $0.name == event }?.target }
    }

    package struct Event: Sendable, Equatable {
        package var name: String
        package var target: String

        package init(name: String, target: String) {
            self.name = name
            self.target = target
        }
    }

    package struct Artifact: Sendable, Equatable {
        package var name: String
        package var type: String
        package var description: String?
        /// Whether a new value is put behind the old one.
        package var appends: Bool
    }

    /// Bounds of one run of the workflow.
    package struct Budget: Sendable, Equatable {
        package var maxTotalVisits: Int?
        package var maxToolCalls: Int?
        package var maxWallTimeSeconds: Int?

        package init() {}
        package var isEmpty: Bool { self == Budget() }
    }

    package var version: Int
    package var entry: String
    package var states: [State]
    package var budget: Budget

    package func state(_ name: String) -> State? { states.first { $0.name == name } }

    /// Every artifact of every state; the first definition of a name counts.
    package var artifacts: [Artifact] {
        states.flatMap(\.artifacts).reduce(into: []) { found, artifact in
            if !found.contains(where: { $0.name == artifact.name }) { found.append(artifact) }
        }
    }
}

extension PromptPack {
    /// What prompts of a workflow find without being given it: `workflow_context` and `artifacts.NAME`.
    package func provided(
        context: String = "", artifacts: [String: String] = [:], semantics: Semantics
    ) -> [String: JSONValue] {
        guard let workflow else { return [:] }
        let values = workflow.artifacts.map { ($0.name, JSONValue.string(artifacts[$0.name] ?? "")) }
        var provided: [String: JSONValue] = ["workflow_context": .string(context)]
        if semantics == .strict {
            provided["artifacts"] = .object(JSONObject(values))
        } else {
            // PromptKit knows no paths, but names with dots.
            for (name, value) in values { provided["artifacts." + name] = value }
        }
        return provided
    }
}

/// `agents`: prompts that other prompts can ask (RFC 0007).
package struct Agents: Sendable, Equatable {
    package struct Member: Sendable, Equatable {
        /// The prompt, too.
        package var name: String
        package var description: String?
        package var tags: [String]
        package var inputModes: [String]
        package var outputModes: [String]
        /// The workflow state that the member stands for (RFC 0011).
        package var state: String?
    }

    package var entry: String
    package var members: [Member]

    package func member(_ name: String) -> Member? { members.first { $0.name == name } }
}

/// One entry of `skills` (RFC 0008).
package enum SkillSource: Sendable, Equatable {
    /// A folder with `SKILL.md`, or with folders that have one.
    case folder(String, preload: Bool)
    case inline(name: String, description: String, instructions: String)
}

/// One of `compositions`: steps in their order (RFC 0010).
package struct Composition: Sendable, Equatable {
    package struct Step: Sendable, Equatable {
        package indirect enum Kind: Sendable, Equatable {
            case prompt(task: String, input: JSONValue?, outputSchema: String?)
            case agent(
                task: String, input: JSONValue?, outputSchema: String?, tools: [String]?, maxSteps: Int?,
                untilTool: String?)
            case tool(name: String, arguments: JSONObject)
            case branch(Predicate, then: String, otherwise: String?)
            case parallel([Step], strategy: String, into: String)
        }

        package var id: String
        package var kind: Kind
        package var description: String?
        package var dependsOn: [String]
        /// All tries, the first included.
        package var maxAttempts: Int
        /// Ids of evals that judge its output.
        package var evals: [String]
        /// Where it stands in the pack.
        package var pointer: String

        /// The file of the schema that its output has to fit, beside the pack.
        package var outputSchema: String? {
            switch kind {
            case .prompt(_, _, let schema), .agent(_, _, let schema, _, _, _): schema
            case .tool, .branch, .parallel: nil
            }
        }

        /// The word of the pack.
        package var kindName: String {
            switch kind {
            case .prompt: "prompt"
            case .agent: "agent"
            case .tool: "tool"
            case .branch: "branch"
            case .parallel: "parallel"
            }
        }
    }

    /// A condition over the outputs of steps.
    package indirect enum Predicate: Sendable, Equatable {
        case compare(path: String, comparison: String, value: JSONValue)
        case exists(path: String, Bool)
        case all([Predicate])
        case any([Predicate])
        case not(Predicate)
    }

    package var name: String
    package var description: String?
    package var steps: [Step]
    /// The step whose output is the composition's; nil: the last one that has an output.
    package var output: String?
    /// Files beside the pack.
    package var inputSchema: String?
    package var outputSchema: String?

    /// Every step, those inside parallel ones too.
    package var allSteps: [Step] {
        steps.flatMap { step -> [Step] in
            if case .parallel(let branches, _, _) = step.kind { [step] + branches } else { [step] }
        }
    }
}
