/// An agent on the network judges. Not run here, and the result says so.
struct A2AEval: Check {
    static let names = ["a2a_eval", "a2a_eval_session"]
    static let needs = CheckNeed.service

    init(_ fields: inout FieldReader) { fields.ignore(fields.object.keys) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        .skipped("skipped: '\(Self.name)' needs an agent on the network, which is not called from here")
    }
}
