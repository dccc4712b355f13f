/// What is spent, and what must not be.
extension SessionRuntime {
    /// Stops a request that the budget has no room for.
    /// - Throws: `overBudget`, naming the limit.
    func checkBudget(
        _ request: ProviderRequest, _ identity: ProviderIdentity, _ turn: TurnID?
    ) async throws(EngineError) {
        let budget = agent.limits.budget
        guard !budget.isEmpty else { return }
        // A model without a price is stopped by what others have spent.
        let input = identity.price?.price.cost(of: TokenUsage(input: request.estimatedTokens)) ?? .zero
        for (name, limit, spent) in try await spendings(turn) {
            if spent < limit, spent + input <= limit { continue }
            let words =
                spent < limit
                ? "has \(spent.text) of \(limit.text) spent, and this request costs about \(input.text) or more"
                : "is used up: \(spent.text) of \(limit.text)"
            throw EngineError(
                .overBudget, "the budget of the \(name) \(words)",
                hint: "raise limits.budget.\(name) in cleo.yaml")
        }
    }

    /// Records what a call cost, and warns when a limit comes near.
    func spend(_ report: UsageReport, _ turn: TurnID?) {
        emit(.usageReported(report), turn)
        guard !agent.limits.budget.isEmpty else { return }
        if report.cost == nil, report.source == .reported || !agent.provider.isMock {
            warnOnce("the price of \(report.model) is not known, so the budget does not count it", turn)
        }
        let warnAt = agent.limits.budget.warnAt
        let session = id
        byHand(CallID(ids.next("budget"))) { [weak self] in
            guard let self, let all = try? await self.spendings(turn) else { return }
            for (name, limit, spent) in all where Double(spent.nanodollars) >= warnAt * Double(limit.nanodollars) {
                let whose = name == "turn" ? turn?.rawValue ?? "" : session.rawValue
                await self.warnOnce(
                    "\(spent.text) of the \(name)'s budget of \(limit.text) is spent", turn,
                    key: "budget \(name) \(whose)")
            }
        }
    }

    /// Each limit with what was spent of it.
    private func spendings(_ turn: TurnID?) async throws(EngineError) -> [(String, limit: Money, spent: Money)] {
        let budget = agent.limits.budget
        var result: [(String, limit: Money, spent: Money)] = []
        if let limit = budget.turn, turn != nil { result.append(("turn", limit, costs.turns.last?.cost ?? .zero)) }
        if let limit = budget.session { result.append(("session", limit, costs.session.cost)) }
        if let limit = budget.day {
            await store.flush()
            result.append(("day", limit, try await store.spent(since: clock.midnight())))
        }
        return result
    }

    /// Says, before a large conversation is sent, how large it is and what it may cost.
    func announce(_ request: ProviderRequest, _ turn: TurnID) {
        let tokens = request.estimatedTokens
        guard tokens >= agent.limits.announceTokens, !agent.provider.isMock else { return }
        let price = agent.provider.price?.price
        let cost = price.map { ", \($0.cost(of: TokenUsage(input: tokens)).text) before caching" } ?? ""
        let share = price?.contextWindow.map { ", \(tokens * 100 / max($0, 1))% of what \(agent.provider.model) takes" }
        emit(
            .diagnostic(
                Diagnostic(
                    .note, "about \(NumberText.grouped(tokens)) tokens are sent\(cost)\(share ?? "")", file: "")), turn)
    }

    func warnOnce(_ text: String, _ turn: TurnID?, key: String? = nil) {
        guard said.insert(key ?? text).inserted else { return }
        emit(.diagnostic(Diagnostic(.warning, text, file: "")), turn)
    }

    /// What a provider says beside its answer: retries and their pauses, the wire, what could not be sent.
    func observe(_ events: [ProviderEvent], _ turn: TurnID?, _ parent: SpanID) {
        if var span = pauses.removeValue(forKey: parent) { close(&span, turn: turn) }
        for event in events {
            switch event {
            case .retrying(let retry):
                emit(.modelRetried(retry), turn)
                guard retry.milliseconds > 0 else { continue }
                pauses[parent] = openSpan(
                    "wait after try \(retry.attempt)", .other, parent: parent, turn: turn,
                    attributes: [
                        "error.type": .string(retry.code), "error.message": .string(retry.reason),
                        "cleo.retry.milliseconds": .int(retry.milliseconds),
                        "cleo.retry.asked_by_server": .bool(retry.isAsked),
                    ])
            case .wire(let exchange): emit(.wire(exchange), turn)
            case .warning(let text): warnOnce(text, turn)
            default: break
            }
        }
    }

    /// Says what of the conversation another model does not get.
    func sayWhatStaysBehind(before old: any Provider) {
        let (model, format) = (old.model, agent.provider.nativeFormat)
        guard agent.provider.model != model || old.nativeFormat != format else { return }
        let lost = conversation.forProvider.count { message in
            guard let native = message.native else { return false }
            return native.format != format || native.model != agent.provider.model
        }
        guard lost > 0 else { return }
        let answers = lost == 1 ? "one answer" : "\(lost) answers"
        emit(
            .diagnostic(
                Diagnostic(
                    .note,
                    "the reasoning behind \(answers) stays with \(model); \(agent.provider.model) gets their text, "
                        + "calls and results", file: "")), nil)
    }
}
