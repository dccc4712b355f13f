/// What several checks of tool calls have in common.
enum ToolRules {
    typealias Call = CheckSubject.Call

    static func notCalled(_ tools: [String], _ calls: [Call]) -> CheckResult {
        let found = tools.filter { tool in calls.contains { $0.tool == tool } }
        return .yes(found.isEmpty, found.isEmpty ? "none was called" : "\(quoted(found)) was called")
    }

    /// How much of a sequence is found in order; others may stand between.
    static func sequence(_ wanted: [String], _ found: [String]) -> CheckResult {
        var matched = 0
        for name in found where matched < wanted.count && name == wanted[matched] { matched += 1 }
        return .share(
            matched, of: wanted.count, matched == wanted.count ? "all in order" : "'\(wanted[matched])' did not follow")
    }

    /// Calls of an agent of the pack, or of one outside.
    static func calls(ofAgent name: String, _ calls: [Call]) -> [Call] {
        calls.filter { $0.tool == name || $0.tool == "a2a__\(name)" || $0.tool.hasPrefix("a2a__\(name)__") }
    }

    /// Names of the skills that were activated, in order.
    static func skills(_ calls: [Call]) -> [String] {
        calls.filter { $0.tool == SystemTool.activateSkill && !$0.failed }.compactMap { $0.arguments["name"]?.string }
    }

    /// MIME types that the results name.
    static func media(of calls: [Call], tool: String?) -> [String] {
        calls.filter { tool == nil || $0.tool == tool }.flatMap { call -> [String] in
            guard let value = try? JSONParser.parse(call.result) else { return [] }
            return mimeTypes(in: value, depth: 0)
        }
    }

    private static func mimeTypes(in value: JSONValue, depth: Int) -> [String] {
        guard depth < 32 else { return [] }
        switch value {
        case .object(let object):
            let own = [object["mime_type"], object["mimeType"]].compactMap { $0?.string }
            return own + object.values.flatMap { mimeTypes(in: $0, depth: depth + 1) }
        case .array(let items): return items.flatMap { mimeTypes(in: $0, depth: depth + 1) }
        default: return []
        }
    }
}

/// Names of tools, and how often each has to be called. A call that failed does not count.
struct ToolsCalledRule: Sendable {
    private let tools: [String]
    private let atLeast: Int
    private let atMost: Int?

    init(_ fields: inout FieldReader) {
        tools = fields.strings(anyOf: ["tool_names", "tools"], required: true)
        atLeast = fields.int("min_calls", atLeast: 0) ?? 1
        atMost = fields.int("max_calls").flatMap { $0 < 0 ? nil : $0 }
        fields.ignore(["ignore_validation", "require_args"])
    }

    func judge(_ calls: [CheckSubject.Call]) -> CheckResult {
        let counts = tools.map { tool in (tool, calls.count { $0.tool == tool && !$0.failed }) }
        if let over = counts.first(where: { $0.1 > atMost ?? .max }) {
            return CheckResult(score: 0, "'\(over.0)' was called \(over.1) times")
        }
        let lost = counts.filter { $0.1 < atLeast }.map(\.0)
        return .share(
            tools.count - lost.count, of: tools.count, lost.isEmpty ? "all were called" : "\(quoted(lost)) not called")
    }
}

/// A tool with arguments that one call has to have.
struct ToolArgumentsRule: Sendable {
    private let tool: String
    private let arguments: JSONObject

    init(_ fields: inout FieldReader, arguments keys: [String]) {
        tool = fields.string(anyOf: ["tool_name", "tool"], required: true) ?? ""
        fields.ignore(keys)
        let key = keys.first { fields.object[$0] != nil }
        if key == nil { fields.missing(keys[0]) }
        arguments = key.flatMap { fields.value($0)?.object } ?? JSONObject()
    }

    func present(in calls: [CheckSubject.Call]) -> CheckResult {
        let mine = calls.filter { $0.tool == tool }
        let fits = mine.contains { call in arguments.allSatisfy { call.arguments[$0]?.isSame(as: $1) == true } }
        return .yes(
            fits, mine.isEmpty ? "'\(tool)' was not called" : fits ? "a call fits" : "no call of '\(tool)' fits")
    }
}

/// Conditions on one call.
struct ToolCallRule: Sendable {
    let tool: String?
    /// Null asks only that the argument is there.
    private let arguments: JSONObject
    private let argumentPatterns: [(String, String)]
    private let includes: [String]
    private let matches: String?
    private let noError: Bool

    init(_ fields: inout FieldReader, tool keys: [String], isRequired: Bool) {
        tool = fields.string(anyOf: keys, required: isRequired)
        arguments = fields.value("expected_args")?.object ?? JSONObject()
        argumentPatterns = fields.texts("args_match") ?? []
        includes = fields.strings(anyOf: ["result_includes"])
        matches = fields.string("result_matches")
        noError = fields.bool("no_error") ?? false
    }

    func isMet(by call: CheckSubject.Call, _ subject: CheckSubject) throws(EngineError) -> Bool {
        guard tool == nil || call.tool == tool, !(noError && call.failed) else { return false }
        for (name, value) in arguments {
            guard let given = call.arguments[name], value.isNull || given.isSame(as: value) else { return false }
        }
        for (name, pattern) in argumentPatterns {
            guard let text = call.arguments[name].map({ $0.scalarText ?? $0.text }),
                try subject.pattern(pattern).matches(text)
            else { return false }
        }
        guard includes.allSatisfy({ call.result.range(ofIgnoringCase: $0) != nil }) else { return false }
        guard let matches else { return true }
        return try subject.pattern(matches).matches(call.result)
    }
}

/// Names of the tools that the engine itself offers.
package enum SystemTool {
    package static let transition = "workflow__transition"
    package static let setArtifact = "workflow__set_artifact"
    package static let activateSkill = "skill__activate"
    package static let deactivateSkill = "skill__deactivate"
    package static let readSkill = "skill__read_resource"
    package static let agentPrefix = "a2a__"
}
