/// One way to judge what an agent said or did. Guardrails, assertions and evals share these.
///
/// A check is a file in `Kinds`, called as its type; the list of all is made from the files when the project is
/// built (`Plugins/CheckList`).
package protocol Check: Sendable {
    /// The name in packs and arena files, then its aliases.
    static var names: [String] { get }
    /// Reads the parameters; what is wrong with them is reported through the reader, with its place.
    init(_ fields: inout FieldReader)
    /// - Throws: what kept it from judging.
    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult
    /// What it can tell of an answer that is still coming; nil: only the whole answer tells.
    var stream: StreamRule? { get }
    /// What has to be there for it to judge.
    static var needs: CheckNeed { get }
}

extension Check {
    package var stream: StreamRule? { nil }
    package static var needs: CheckNeed { .nothing }
    /// The name that the specification and PromptKit give it.
    package static var name: String { names[0] }
}

/// What a check cannot do without.
package enum CheckNeed: String, Sendable {
    case nothing
    /// A model that judges: `judge:` in `cleo.yaml`.
    case judge
    /// A service outside; such checks are not run here.
    case service
}

/// What a check found.
package struct CheckResult: Sendable, Equatable {
    /// From 0 to 1 where it is a share; nil when it could not be said.
    package var score: Double?
    /// For people: why.
    package var explanation: String
    /// Why it did not judge.
    package var skipped: String?

    package init(score: Double?, _ explanation: String, skipped: String? = nil) {
        self.score = score
        self.explanation = explanation
        self.skipped = skipped
    }

    package static func yes(_ isTrue: Bool, _ explanation: String) -> Self {
        Self(score: isTrue ? 1 : 0, explanation)
    }

    /// A share: so many of so many; all of none.
    package static func share(_ part: Int, of whole: Int, _ explanation: String) -> Self {
        Self(score: whole == 0 ? 1 : Double(part) / Double(whole), explanation)
    }

    package static func skipped(_ reason: String) -> Self { Self(score: nil, reason, skipped: reason) }
}

/// What a guardrail can say while an answer is coming.
package enum StreamRule: Sendable, Equatable {
    /// None of these texts may appear.
    case forbids([ForbiddenText])
    /// At most so many characters.
    case atMost(Int)
}

/// A text that must not appear, whatever its case.
package struct ForbiddenText: Sendable, Equatable {
    package var text: String
    /// It counts only where it is not part of a longer word.
    package var asWord: Bool

    package init(_ text: String, asWord: Bool) {
        self.text = text
        self.asWord = asWord
    }

    /// The first place where it stands.
    package func range(in haystack: String) -> Range<String.Index>? {
        guard !text.isEmpty else { return nil }
        var from = haystack.startIndex
        while let found = haystack.range(ofIgnoringCase: text, from: from) {
            if !asWord || isWord(found, haystack) { return found }
            from = haystack.index(after: found.lowerBound)
        }
        return nil
    }

    private func isWord(_ range: Range<String.Index>, _ haystack: String) -> Bool {
        func isPart(_ character: Character) -> Bool { character.isLetter || character.isNumber || character == "_" }
        let before =
            range.lowerBound > haystack.startIndex && isPart(haystack[haystack.index(before: range.lowerBound)])
        let after = range.upperBound < haystack.endIndex && isPart(haystack[range.upperBound])
        return !before && !after
    }
}
