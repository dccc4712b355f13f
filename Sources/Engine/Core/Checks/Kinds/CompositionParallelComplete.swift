/// All branches of a parallel step ended well.
struct CompositionParallelComplete: Check {
    static let names = ["composition_parallel_complete"]
    private let step: String

    init(_ fields: inout FieldReader) { step = fields.string("parallel", required: true) ?? "" }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let isComplete = subject.composition?.complete.contains(step) == true
        return .yes(isComplete, isComplete ? "all branches ended well" : "not all branches ended well")
    }
}
