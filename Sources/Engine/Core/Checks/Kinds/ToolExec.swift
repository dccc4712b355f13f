/// A tool judges. Not run here, and the result says so.
struct ToolExec: Check {
    static let names = ["tool_exec"]
    static let needs = CheckNeed.service

    init(_ fields: inout FieldReader) { fields.ignore(fields.object.keys) }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        .skipped("skipped: '\(Self.name)' needs a tool that runs for it, which is not called from here")
    }
}
