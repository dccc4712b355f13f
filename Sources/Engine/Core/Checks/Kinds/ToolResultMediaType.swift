/// A tool's result holds media of one MIME type.
struct ToolResultMediaType: Check {
    static let names = ["tool_result_media_type"]
    private let tool: String?
    private let type: String

    init(_ fields: inout FieldReader) {
        tool = fields.string("tool")
        type = fields.string("mime_type", required: true) ?? ""
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let found = ToolRules.media(of: subject.turnCalls, tool: tool)
        return .yes(
            found.contains(type), found.isEmpty ? "no result holds media" : "found \(found.joined(separator: ", "))")
    }
}
