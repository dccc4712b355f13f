import Engine

/// What runs: the pack, its values and rules, where its workflow stands, and the system prompt with the source of
/// every part of it.
struct PackPane {
    /// What fills the pane.
    private enum Page { case whole, difference, parity }

    private(set) var state: PackState?
    private var page = Page.whole
    private var scroller = Scroller()
    private var lastHeight = 10
    private var lastWidth = 40

    mutating func apply(_ event: EngineEvent) {
        if case .packChanged(let state) = event.body { self.state = state }
    }

    mutating func handle(_ key: Key, look: Look) -> Bool {
        guard let state else { return false }
        switch key {
        case .character("d"): show(page == .difference ? .whole : .difference)
        case .character("p"): show(page == .parity ? .whole : .parity)
        case Key(.escape) where page != .whole: show(.whole)
        default: return scroller.handle(key, count: lines(state, lastWidth, look).count, page: lastHeight)
        }
        return true
    }

    private mutating func show(_ page: Page) {
        self.page = page
        scroller = Scroller()
    }

    mutating func draw(on canvas: Canvas, look: Look) {
        lastHeight = max(canvas.height, 1)
        lastWidth = canvas.width
        guard let state else {
            canvas.put(canvas.metrics.cut("the pack is being read", to: canvas.width), row: 0, style: .dim)
            return
        }
        scroller.draw(lines(state, canvas.width, look), on: canvas)
    }

    // MARK: Lines

    private func lines(_ state: PackState, _ width: Int, _ look: Look) -> [Line] {
        var lines = [head(state), badge(state)]
        if page == .whole { lines.append(Line("fits \(state.editions.joined(separator: ", "))", .dim)) }
        lines += state.problems.map { Line("✗ " + SafeText.oneLine($0.description, limit: 500), .bad) }
        lines.append(Line())
        switch page {
        case .whole: lines += whole(state)
        case .difference: lines += difference(state)
        case .parity: lines += parity(state)
        }
        return lines.flatMap { look.metrics.wrap($0, width: max(width, 1), indent: 2) }
    }

    private func head(_ state: PackState) -> Line {
        var line = Line(SafeText.oneLine("\(state.pack)@\(state.version)", limit: 120), .heading)
        line.append(
            " · \(SafeText.oneLine(state.prompt, limit: 80)) · ~\(Numbers.counted(state.tokens, "token"))", .dim)
        return line
    }

    private func badge(_ state: PackState) -> Line {
        var line = Line()
        if state.semantics == Semantics.strict.rawValue {
            line.append("strict", .good)
            line.append(" · ", .dim)
            let count = state.divergences.count
            line.append(
                count == 0 ? "the same in production" : "\(Numbers.counted(count, "difference")) to PromptKit",
                count == 0 ? .good : .warning)
            if count > 0, page != .parity { line.append("  p lists them", .dim) }
        } else {
            line.append("as PromptKit", .warning)
            line.append(" · what production does", .dim)
        }
        return line
    }

    private func whole(_ state: PackState) -> [Line] {
        var lines = states(state) + variables(state) + rules(state)
        lines.append(Line("prompt", .strong))
        let legend: [(String, Style)] = [("{{variable}}", .accent), ("fragment", .code), ("unfilled", .bad)]
        var explained = Line("  ", .dim)
        for (name, style) in legend { explained.append(name + "  ", style) }
        explained.append(state.before == nil ? "" : "d: what changed", .dim)
        lines.append(explained)
        lines += Self.coloured(state.spans)
        if !state.unused.isEmpty {
            lines += [Line(), Line("not used: " + SafeText.oneLine(state.unused.joined(separator: ", ")), .dim)]
        }
        return lines
    }

    /// The prompt line by line, each part in the colour of its source.
    private static func coloured(_ spans: [PackState.Span]) -> [Line] {
        var lines = [Line()]
        for span in spans {
            let style: Style =
                switch span.source {
                case "variable": .accent
                case "fragment": .code
                case "unresolved": .bad
                default: .plain
                }
            let parts = SafeText.block(span.text).split(separator: "\n", omittingEmptySubsequences: false)
            for (index, part) in parts.enumerated() {
                if index > 0 { lines.append(Line()) }
                lines[lines.count - 1].append(String(part), style)
            }
        }
        return lines
    }

    private func variables(_ state: PackState) -> [Line] {
        guard !state.variables.isEmpty else { return [] }
        return [Line("variables", .strong)]
            + state.variables.map { value in
                var line = Line("  ", .plain)
                line.append(SafeText.oneLine(value.name, limit: 60), .accent)
                if let problem = value.problem {
                    line.append(" \(SafeText.oneLine(problem, limit: 200))", .bad)
                } else if value.isMissing {
                    line.append(" is missing: /set \(SafeText.oneLine(value.name, limit: 60)) VALUE", .bad)
                } else {
                    line.append(" = \(SafeText.oneLine(value.text, limit: 200))", .plain)
                    line.append("  \(value.origin.rawValue)", .dim)
                }
                return line
            } + [Line()]
    }

    private func rules(_ state: PackState) -> [Line] {
        var lines = [Line("rules", .strong)]
        for rule in state.rules {
            let mark = !rule.isEnabled ? "○" : rule.isEnforced ? "●" : "◌"
            var line = Line("  \(mark) ", rule.isEnabled ? .good : .dim)
            line.append(SafeText.oneLine(rule.type, limit: 80), .plain)
            let what = !rule.isEnabled ? "off" : rule.isEnforced ? "enforced" : "only records"
            line.append("  \(rule.direction) · \(what)", .dim)
            lines.append(line)
        }
        lines.append(Line("  " + state.policy, .dim))
        if state.evals > 0 { lines.append(Line("  " + Numbers.counted(state.evals, "eval"), .dim)) }
        for (what, names) in [("skills", state.skills), ("agents", state.members)] where !names.isEmpty {
            lines.append(Line("  \(what): " + SafeText.oneLine(names.joined(separator: ", "), limit: 400), .dim))
        }
        return lines + [Line()]
    }

    private func states(_ state: PackState) -> [Line] {
        guard !state.states.isEmpty else { return [] }
        var lines = [Line("workflow", .strong)]
        for one in state.states {
            var line = Line(one.isCurrent ? "  ● " : one.visits > 0 ? "  ◦ " : "    ", one.isCurrent ? .good : .dim)
            line.append(SafeText.oneLine(one.name, limit: 60), one.isCurrent ? .strong : .plain)
            let visits = one.maxVisits.map { "\(one.visits)/\($0)" } ?? (one.visits > 0 ? "\(one.visits)" : "")
            if !visits.isEmpty { line.append(" \(visits)×", .dim) }
            let ways = one.events.sorted { $0.key < $1.key }.map { "\($0.key) → \($0.value)" }
            let end = one.isEnd ? "end" : ways.joined(separator: ", ")
            line.append("  " + SafeText.oneLine(end, limit: 300), one.isCurrent ? .accent : .dim)
            lines.append(line)
        }
        for (name, value) in state.artifacts.sorted(by: { $0.key < $1.key }) {
            lines.append(
                Line([Run("  \(SafeText.oneLine(name, limit: 60)): ", .dim), Run(SafeText.oneLine(value, limit: 300))]))
        }
        return lines + [Line()]
    }

    private func difference(_ state: PackState) -> [Line] {
        guard let before = state.before else {
            return [Line("the prompt has not changed since the start; save the pack and see", .dim)]
        }
        return LineDiff.lines(from: before, to: state.text).map { line in
            switch line {
            case .same(let text): Line("  " + SafeText.oneLine(text, limit: 2_000), .dim)
            case .added(let text): Line("+ " + SafeText.oneLine(text, limit: 2_000), .good)
            case .removed(let text): Line("- " + SafeText.oneLine(text, limit: 2_000), .bad)
            }
        }
    }

    private func parity(_ state: PackState) -> [Line] {
        guard !state.divergences.isEmpty else { return [Line("PromptKit does the same with this pack", .good)] }
        return state.divergences.map { text in
            let parts = text.split(separator: ":", maxSplits: 1)
            return Line([
                Run(SafeText.oneLine(String(parts.first ?? ""), limit: 60), .warning),
                Run(SafeText.oneLine(parts.count > 1 ? String(parts[1]) : "", limit: 500)),
            ])
        }
    }
}
