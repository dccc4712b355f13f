/// The guardrails of a prompt, ready to judge.
struct Guardrails: Sendable {
    struct Rule: Sendable {
        var spec: ValidatorSpec
        var check: any Check
        var isEnforced: Bool
    }

    /// What became of a text.
    struct Verdict: Sendable {
        var text: String
        var fired: [GuardrailFired] = []
        /// Another text stands in its place.
        var isChanged = false
    }

    let rules: [Rule]
    let semantics: Semantics

    /// A guardrail whose parameters cannot be used was reported when the pack was loaded, and is left out.
    init(_ prompt: Prompt, _ semantics: Semantics) {
        self.semantics = semantics
        rules = prompt.validators.filter(\.enabled).compactMap { spec in
            CheckRegistry.make(spec.type, spec.params).map { check in
                // By the specification a guardrail acts where `fail_on_violation` is true; in PromptKit, always.
                Rule(
                    spec: spec, check: check, isEnforced: semantics == .promptKit || spec.failOnViolation == true)
            }
        }
    }

    func rules(_ direction: ValidatorSpec.Direction) -> [Rule] {
        rules.filter { $0.spec.direction == direction || $0.spec.direction == .both }
    }

    /// Judges a text by every rule of a direction; PromptKit stops at the first that fires.
    func judge(
        _ subject: CheckSubject, _ direction: ValidatorSpec.Direction
    ) async -> Verdict {
        var verdict = Verdict(text: subject.output)
        var blocked: String?
        var limit: Int?
        for rule in rules(direction) {
            guard let fired = await fire(rule, subject, direction) else { continue }
            verdict.fired.append(fired)
            switch fired.action {
            case .recorded: break
            case .blocked: blocked = blocked ?? rule.message
            case .cut: limit = min(limit ?? .max, rule.limit ?? .max)
            }
            if semantics == .promptKit { break }
        }
        if let blocked {
            verdict.text = blocked
        } else if let limit {
            verdict.text = cut(subject.output, limit)
        }
        verdict.isChanged = blocked != nil || limit != nil
        return verdict
    }

    private func fire(
        _ rule: Rule, _ subject: CheckSubject, _ direction: ValidatorSpec.Direction
    ) async -> GuardrailFired? {
        var score: Double?
        var explanation: String
        do throws(EngineError) {
            let result = try await rule.check.judge(subject)
            // What could not judge has nothing to say; that it was skipped is in the trace.
            if result.skipped != nil { return nil }
            if let found = result.score, CheckRegistry.passes(found, rule.spec.params) { return nil }
            score = result.score
            explanation = result.explanation
        } catch {
            // A control that fails must not let through what it was to hold back.
            explanation = "it could not judge: \(error.message)"
        }
        return GuardrailFired(
            type: rule.spec.type, direction: direction.rawValue, action: rule.action(direction), score: score,
            explanation: explanation, text: subject.output)
    }

    /// So many characters of a text; of bytes, where PromptKit's rules apply, which may break the last character.
    func cut(_ text: String, _ limit: Int) -> String {
        guard semantics == .strict else { return String(decoding: text.utf8.prefix(limit), as: UTF8.self) }
        var count = 0
        var end = text.startIndex
        while end < text.endIndex {
            let size = text[end].unicodeScalars.count
            if count + size > limit { break }
            count += size
            end = text.index(after: end)
        }
        return String(text[..<end])
    }
}

extension Guardrails.Rule {
    /// What the person reads in the place of a blocked text.
    var message: String { spec.message ?? "This answer was withheld by a rule of this agent (\(spec.type))." }

    /// The length that the rule cuts to.
    var limit: Int? { if case .atMost(let limit) = check.stream { limit } else { nil } }

    func action(_ direction: ValidatorSpec.Direction) -> GuardrailFired.Action {
        guard isEnforced else { return .recorded }
        return limit != nil && direction == .output ? .cut : .blocked
    }
}

/// Watches an answer while it comes, so that nothing is shown that a guardrail forbids: the last characters wait
/// until no forbidden text can begin in them.
struct StreamGuard {
    private let forbidden: [(text: ForbiddenText, rule: Guardrails.Rule)]
    private let limit: Int?
    private let semantics: Semantics
    /// Characters that wait, in the specification's way; PromptKit shows a piece first and looks at it then.
    private let holdBack: Int
    /// What waits, behind the last characters that were shown.
    private var tail = ""
    /// How much of `tail` was shown.
    private var context = 0
    /// Of the whole answer, in Unicode scalars.
    private var length = 0
    private var shownLength = 0
    private(set) var hasFired = false

    init(_ guardrails: Guardrails) {
        let isStrict = guardrails.semantics == .strict
        var forbidden: [(ForbiddenText, Guardrails.Rule)] = []
        for rule in guardrails.rules(.output) where rule.isEnforced {
            guard case .forbids(let texts) = rule.check.stream else { continue }
            // PromptKit looks for the text anywhere, even where whole words are asked for.
            forbidden += texts.map { (ForbiddenText($0.text, asWord: $0.asWord && isStrict), rule) }
        }
        semantics = guardrails.semantics
        self.forbidden = forbidden
        limit = guardrails.rules(.output).filter(\.isEnforced).compactMap(\.limit).min()
        // One more, because what follows decides whether a word ends.
        holdBack = isStrict ? forbidden.map { $0.0.text.count + 1 }.max() ?? 0 : 0
    }

    var isIdle: Bool { forbidden.isEmpty && limit == nil }

    /// - Returns: what may be shown now.
    mutating func take(_ piece: String) -> String {
        guard !isIdle else { return piece }
        guard !hasFired else { return "" }
        tail += piece
        length += piece.unicodeScalars.count
        return show(waits: holdBack)
    }

    /// What waited; the answer is over.
    mutating func finish() -> String { isIdle || hasFired ? "" : show(waits: 0) }

    private mutating func show(waits: Int) -> String {
        let isStrict = semantics == .strict
        let characters = Array(tail)
        var end = max(characters.count - waits, context)
        for (wanted, _) in forbidden {
            guard let found = wanted.range(in: tail) else { continue }
            // Whether a word ends here is not known before the next character.
            if wanted.asWord, waits > 0, found.upperBound == tail.endIndex { continue }
            hasFired = true
            if isStrict { end = min(end, max(tail.distance(from: tail.startIndex, to: found.lowerBound), context)) }
        }
        if let limit, length > limit {
            hasFired = true
            var room = limit - shownLength
            let fitting = characters[context...].prefix { character in
                room -= character.unicodeScalars.count
                return room >= 0
            }
            if isStrict { end = min(end, fitting.endIndex) }
        }
        let piece = String(characters[context..<end])
        shownLength += piece.unicodeScalars.count
        let start = max(end - max(holdBack, 64), 0)
        tail = String(characters[start...])
        context = end - start
        return piece
    }
}
