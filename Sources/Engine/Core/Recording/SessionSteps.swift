/// What two sessions are compared by: for each message of the person the calls with their results, and the answer.
///
/// Times, ids and tokens differ in any case and are left out; results stand behind their calls, in whatever order they
/// came. Of several texts of a turn the last one counts: an archive knows no other.
package struct SessionStep: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable { case message, call, result, answer, failure }

    package var kind: Kind
    /// The tool, or the code of a failure.
    package var name: String?
    /// Arguments as JSON, or what was said.
    package var content: JSONValue

    /// For people, on one line.
    package var title: String {
        switch kind {
        case .message: "the message"
        case .call: "the call of \(name ?? "")"
        case .result: "what \(name ?? "") said"
        case .answer: "the answer"
        case .failure: "the end: \(name ?? "")"
        }
    }

    /// - Returns: the steps of each turn.
    package static func turns(of events: [EngineEvent]) -> [[SessionStep]] {
        var turns: [Turn] = []
        var open: [TurnID: Int] = [:]
        for event in events {
            if case .turnStarted(let started) = event.body, let id = event.turn {
                open[id] = turns.count
                turns.append(Turn(message: started.text))
            } else if let id = event.turn, let index = open[id] {
                turns[index].apply(event.body)
            }
        }
        return turns.map(\.steps)
    }

    private struct Turn {
        var message: String
        var calls: [(call: ToolCall, outcome: ToolOutcome?)] = []
        var answer: String?
        var failure: ErrorInfo?

        mutating func apply(_ body: TurnEvent) {
            switch body {
            case .toolCallStarted(let started): calls.append((started.call, nil))
            case .toolCallFinished(let outcome):
                // Calls of some archives share their ids: the first one that is open.
                if let index = calls.firstIndex(where: { $0.call.id == outcome.call && $0.outcome == nil }) {
                    calls[index].outcome = outcome
                }
            case .messageCompleted(let message) where message.role == .assistant && !message.text.isEmpty:
                answer = message.text
            case .turnFailed(let error): failure = error
            default: break
            }
        }

        var steps: [SessionStep] {
            var steps = [SessionStep(kind: .message, name: nil, content: .string(message))]
            for (call, outcome) in calls {
                steps.append(SessionStep(kind: .call, name: call.tool, content: call.arguments))
                guard let outcome else { continue }
                let said = (try? JSONParser.parse(outcome.text)) ?? .string(outcome.text)
                steps.append(SessionStep(kind: .result, name: call.tool, content: said))
            }
            if let answer { steps.append(SessionStep(kind: .answer, name: nil, content: .string(answer))) }
            if let failure {
                steps.append(SessionStep(kind: .failure, name: failure.code, content: .string(failure.message)))
            }
            return steps
        }
    }
}

/// Two sessions beside each other.
package struct SessionComparison: Sendable, Codable {
    package struct Row: Sendable, Codable {
        /// From one.
        package var turn: Int
        package var step: Int
        package var then: SessionStep?
        package var now: SessionStep?
        package var isSame: Bool
    }

    package private(set) var rows: [Row] = []

    /// Where they are no longer alike; nil where they are alike to the end.
    package var parting: Row? { rows.first { !$0.isSame } }

    package init(_ then: [EngineEvent], _ now: [EngineEvent]) {
        let (before, after) = (SessionStep.turns(of: then), SessionStep.turns(of: now))
        for turn in 0..<max(before.count, after.count) {
            let old = turn < before.count ? before[turn] : []
            let new = turn < after.count ? after[turn] : []
            for step in 0..<max(old.count, new.count) {
                let (first, second) = (step < old.count ? old[step] : nil, step < new.count ? new[step] : nil)
                rows.append(Row(turn: turn + 1, step: step + 1, then: first, now: second, isSame: first == second))
            }
        }
    }
}
