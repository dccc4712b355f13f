/// A branch went this way.
struct CompositionBranchTaken: Check {
    static let names = ["composition_branch_taken"]
    private let branch: String
    private let expected: String

    init(_ fields: inout FieldReader) {
        branch = fields.string("branch", required: true) ?? ""
        expected = fields.string("expected", required: true) ?? ""
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let taken = subject.composition?.branches[branch]
        return .yes(taken == expected, taken.map { "it went to '\($0)'" } ?? "the branch was not reached")
    }
}
