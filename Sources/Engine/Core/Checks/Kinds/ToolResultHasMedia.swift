/// A tool's result holds a picture, a sound or a film.
struct ToolResultHasMedia: Check {
    static let names = ["tool_result_has_media"]
    private let tool: String?
    private let type: String?

    init(_ fields: inout FieldReader) {
        tool = fields.string("tool")
        type = fields.string("media_type")
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let found = ToolRules.media(of: subject.turnCalls, tool: tool)
        let fits = found.contains { type == nil || $0.hasPrefix((type ?? "") + "/") }
        return .yes(fits, found.isEmpty ? "no result holds media" : "found \(found.joined(separator: ", "))")
    }
}
