/// Renders as PromptKit does (`runtime/template/renderer.go`, `runtime/pipeline/stage/stages_core.go`), mistakes
/// included, so that what production will send can be seen here.
///
/// Every variable is put in wherever its exact placeholder stands, again and again, ten times at most: a value may
/// bring in another. PromptKit takes the variables in random order; here the order is by name.
package enum PromptKitRenderer {
    private static let passLimit = 10
    /// What is sent when a required variable is missing.
    private static let fallback = "You are a helpful AI assistant."

    private struct Segment {
        var text: String
        var source: RenderedPrompt.Source
    }

    package static func account(
        _ prompt: Prompt, fragments: [String: String], given: [String: JSONValue], provided: [String: JSONValue] = [:]
    ) -> RenderedPrompt {
        var values: [String: String] = [:]
        for variable in prompt.variables {
            guard let text = variable.defaultValue.map(goText), !text.isEmpty else { continue }
            values[variable.name] = text
        }
        for (name, value) in provided.merging(given, uniquingKeysWith: { $1 }) { values[name] = goText(value) }
        var result = RenderedPrompt()
        result.missing = prompt.variables.filter { $0.required && (values[$0.name] ?? "").isEmpty }.map(\.name)
        guard result.missing.isEmpty else {
            result.append(fallback, .template)
            return result
        }
        var segments = [Segment(text: prompt.systemTemplate, source: .template)]
        var used: Set<String> = []
        result.passes = 0
        var size = prompt.systemTemplate.utf8.count
        var hasChanged = true
        while result.passes < passLimit, hasChanged, size <= PromptRenderer.sizeLimit {
            result.passes += 1
            hasChanged = false
            for name in values.keys.sorted() where replace(name, values[name] ?? "", in: &segments, &size) {
                hasChanged = true
                used.insert(name)
            }
        }
        let left = Template(segments.map(\.text).joined()).placeholders
        result.unresolved = left.map(\.inside)
        if left.isEmpty {
            for segment in segments { result.append(segment.text, segment.source) }
        } else {
            // A failed render sends the template as it stands in the file.
            result.append(prompt.systemTemplate, .template)
        }
        result.used = used.sorted()
        result.unused = Set(prompt.variables.map(\.name)).union(given.keys).subtracting(used).sorted()
        return result
    }

    /// One pass over a text, as PromptKit makes it over every message of a turn, the person's own words included.
    package static func substitute(_ text: String, _ values: [String: String]) -> String {
        values.keys.sorted().reduce(text) { $0.replacing("{{\($1)}}", with: values[$1] ?? "") }
    }

    /// Puts a value wherever its placeholder stands inside one segment.
    private static func replace(
        _ name: String, _ value: String, in segments: inout [Segment], _ size: inout Int
    ) -> Bool {
        guard size <= PromptRenderer.sizeLimit else { return false }
        let wanted = "{{\(name)}}"
        var hasChanged = false
        segments = segments.flatMap { segment -> [Segment] in
            guard segment.text.contains(wanted) else { return [segment] }
            hasChanged = true
            var parts: [Segment] = []
            var rest = Substring(segment.text)
            while size <= PromptRenderer.sizeLimit, let found = rest.firstRange(of: wanted) {
                size += value.utf8.count - wanted.utf8.count
                parts.append(Segment(text: String(rest[..<found.lowerBound]), source: segment.source))
                parts.append(Segment(text: value, source: .variable(name)))
                rest = rest[found.upperBound...]
            }
            parts.append(Segment(text: String(rest), source: segment.source))
            return parts.filter { !$0.text.isEmpty }
        }
        return hasChanged
    }

    /// As Go's `%v` writes a value that came out of JSON.
    package static func goText(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): return text
        case .bool(let flag): return flag ? "true" : "false"
        case .null: return "<nil>"
        case .number(let number): return goNumber(number.double)
        case .array(let items): return "[" + items.map(goText).joined(separator: " ") + "]"
        case .object(let object):
            let pairs = object.keys.sorted().map { "\($0):\(goText(object[$0] ?? .null))" }
            return "map[" + pairs.joined(separator: " ") + "]"
        }
    }

    /// `%v` of a float64: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
    private static func goNumber(_ value: Double) -> String {
        guard value.isFinite else { return value > 0 ? "+Inf" : "-Inf" }
        let size = abs(value)
        return size != 0 && (size < 1e-4 || size >= 1e6) ? exponent(value) : JSONValue.double(value).text
    }

    private static func exponent(_ value: Double) -> String {
        let digits = ExactDecimal(String(value)).normalText
        let parts = digits.split(separator: "e")
        let sign = value < 0 ? "-" : ""
        let mantissa = parts[0].drop { $0 == "-" }
        let power = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + mantissa.count - 1
        let fraction = mantissa.dropFirst()
        let head = String(mantissa.prefix(1)) + (fraction.isEmpty ? "" : "." + fraction)
        return "\(sign)\(head)e\(power < 0 ? "-" : "+")\(abs(power) < 10 ? "0" : "")\(abs(power))"
    }
}
