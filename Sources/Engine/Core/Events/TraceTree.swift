/// The spans of a session, turn by turn.
package struct TraceTree: Projection {
    package struct Turn: Sendable, Equatable {
        package var id: TurnID?
        /// What the person said.
        package var label: String
        package var started: Timestamp
        /// In the order in which they began; the turn's own span first.
        package var spans: [TraceSpan] = []
    }

    /// A span with its place in its turn's tree.
    package struct Row: Sendable, Equatable {
        package var span: TraceSpan
        /// Zero for the turn itself.
        package var depth: Int
        /// Whether a later row has the same parent.
        package var hasNext: Bool
    }

    package private(set) var turns: [Turn] = []
    private var places: [SpanID: (turn: Int, span: Int)] = [:]

    package init() {}

    package static func == (a: Self, b: Self) -> Bool { a.turns == b.turns }

    package mutating func apply(_ event: EngineEvent) {
        switch event.body {
        case .turnStarted(let started):
            turns.append(Turn(id: event.turn, label: Transcript.title(of: started.text), started: event.at))
            places = [:]
        case .spanOpened(let span), .spanClosed(let span): put(span, event)
        case .turnFinished, .turnFailed: closeAll(of: event)
        default: break
        }
    }

    private mutating func put(_ span: TraceSpan, _ event: EngineEvent) {
        if let place = places[span.id] {
            turns[place.turn].spans[place.span] = span
            return
        }
        if turns.isEmpty || turns[turns.count - 1].id != event.turn {
            turns.append(Turn(id: event.turn, label: span.name, started: span.started))
            places = [:]
        }
        let last = turns.count - 1
        places[span.id] = (last, turns[last].spans.count)
        turns[last].spans.append(span)
    }

    /// A crash leaves spans open; the end of the turn ends them.
    private mutating func closeAll(of event: EngineEvent) {
        guard let last = turns.indices.last, turns[last].id == event.turn else { return }
        for index in turns[last].spans.indices
        where turns[last].spans[index].ended == nil && turns[last].spans[index].category != .turn {
            turns[last].spans[index].ended = event.at
            turns[last].spans[index].status = .cancelled
        }
    }

    /// The rows of a turn: children under their parents, in the order in which they began. Logs hold spans in the
    /// order in which they ended, so this sorts.
    package static func rows(of turn: Turn) -> [Row] {
        var children: [SpanID?: [TraceSpan]] = [:]
        let known = Set(turn.spans.map(\.id))
        for span in turn.spans {
            children[span.parent.flatMap { known.contains($0) ? $0 : nil }, default: []].append(span)
        }
        var rows: [Row] = []
        func visit(_ parent: SpanID?, _ depth: Int) {
            guard depth < 32 else { return }
            let spans = (children[parent] ?? []).enumerated().sorted {
                ($0.element.started, $0.offset) < ($1.element.started, $1.offset)
            }
            for (position, span) in spans.map(\.element).enumerated() {
                rows.append(Row(span: span, depth: depth, hasNext: position + 1 < spans.count))
                visit(span.id, depth + 1)
            }
        }
        visit(nil, 0)
        return rows
    }
}
