/// The answer is JSON that fits a schema.
struct JSONSchemaMatch: Check {
    static let names = ["json_schema"]
    private let schema: JSONValue
    private let reading: JSONReading

    init(_ fields: inout FieldReader) {
        if fields.object["schema"] == nil { fields.missing("schema") }
        schema = fields.value("schema") ?? .bool(true)
        reading = JSONReading(&fields)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let value: JSONValue
        do throws(EngineError) { value = try subject.json(reading) } catch { return .yes(false, error.message) }
        let issues = JSONSchema(schema, patterns: subject.patterns, draft: .draft7).issues(in: value)
        let words = issues.prefix(3).map { $0.pointer.isEmpty ? $0.message : "\($0.pointer): \($0.message)" }
        return .yes(issues.isEmpty, issues.isEmpty ? "the JSON fits the schema" : words.joined(separator: "; "))
    }
}
