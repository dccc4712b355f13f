/// A service on the network judges. Not run here, and the result says so.
struct RESTEval: Check {
    static let names = ["rest_eval", "rest_eval_session"]
    static let needs = CheckNeed.service

    init(_ fields: inout FieldReader) { fields.ignore(fields.object.keys) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        .skipped("skipped: '\(Self.name)' needs a service on the network, which is not called from here")
    }
}
