/// What a JMESPath expression finds in the answer's JSON is as expected.
struct JSONPathMatch: Check {
    static let names = ["json_path"]
    private let expression: JMESPath?
    private let expected: JSONValue?
    private let contains: [JSONValue]
    private let minimum: Double?
    private let maximum: Double?
    private let atLeast: Int
    private let atMost: Int
    private let reading: JSONReading

    init(_ fields: inout FieldReader) {
        let text = fields.string(anyOf: ["expression", "jmespath_expression"], required: true) ?? ""
        do throws(JMESPathError) {
            expression = try JMESPath(text)
        } catch {
            expression = nil
            fields.error("the expression '\(text)' is not JMESPath: \(error.message)", at: "expression")
        }
        expected = fields.value("expected")
        contains = fields.value("contains")?.array ?? []
        minimum = fields.number("min")
        maximum = fields.number("max")
        atLeast = fields.int("min_results") ?? 0
        atMost = fields.int("max_results") ?? 0
        reading = JSONReading(&fields)
    }

    func judge(_ subject: CheckSubject) async throws(EngineError) -> CheckResult {
        let found: JSONValue
        do throws(EngineError) {
            let value = try subject.json(reading)
            do throws(JMESPathError) {
                found = try expression?.search(value) ?? .null
            } catch {
                throw EngineError(.invalidInput, "the expression failed: \(error.message)")
            }
        } catch {
            return .yes(false, error.message)
        }
        let problem = problem(with: found)
        return .yes(problem == nil, problem ?? "found \(found.text.prefix(200))")
    }

    private func problem(with found: JSONValue) -> String? {
        let shown = SafeText.oneLine(found.text, limit: 200)
        if let expected, !found.isSame(as: expected) { return "expected \(expected.text), found \(shown)" }
        if let lost = contains.first(where: { wanted in found.array?.contains { $0.isSame(as: wanted) } != true }) {
            return "\(lost.text) is not in \(shown)"
        }
        if let minimum, (found.double ?? -.infinity) < minimum { return "\(shown) is below \(minimum)" }
        if let maximum, (found.double ?? .infinity) > maximum { return "\(shown) is above \(maximum)" }
        let count = found.array?.count ?? (found.isNull ? 0 : 1)
        if atLeast > 0, count < atLeast { return "\(count) results, at least \(atLeast) are needed" }
        if atMost > 0, count > atMost { return "\(count) results, at most \(atMost) are allowed" }
        if expected == nil, contains.isEmpty, minimum == nil, maximum == nil, atLeast == 0, atMost == 0, found.isNull {
            return "nothing was found"
        }
        return nil
    }
}
