/// What vendors say when they refuse, in one form. Shapes seen: `{error: {message, type, code, status, details}}`,
/// `{type: "error", error: {type, message}}`, `{error: "text"}`, `{message: "text"}`.
package enum WireErrors {
    /// The server's own words.
    static func message(_ error: JSONValue) -> String {
        error["message"]?.string ?? error.string ?? error["error"].map(message) ?? error.text
    }

    /// Its name for what is wrong.
    static func kind(_ error: JSONValue) -> String {
        error["code"]?.string ?? error["type"]?.string ?? error["status"]?.string ?? ""
    }

    /// An error inside a stream.
    static func broken(_ error: JSONValue) -> EngineError {
        let kind = kind(error)
        let tail = kind.isEmpty ? "" : " (\(kind))"
        let code: EngineError.Code =
            ["overloaded_error", "api_error", "server_error", "internal_server_error"].contains(kind)
            ? .unreachable : kind.contains("rate_limit") ? .rateLimited : .refused
        return EngineError(code, "the provider broke off: \(message(error))\(tail)")
    }

    /// What the answer's head and body say of a refusal.
    struct Refusal {
        var status: Int
        var said: String
        var kind: String
        var retryAfter: Double?

        init(_ response: HTTPResponse, body: [UInt8], now: Timestamp) {
            status = response.status
            let parsed = Self.parse(body)
            let error = parsed?["error"] ?? parsed ?? .null
            said = parsed == nil ? String(decoding: body.prefix(200), as: UTF8.self) : message(error)
            kind = WireErrors.kind(error)
            if kind.isEmpty, let name = response.header("x-amzn-errortype") {
                kind = String(name.prefix { $0 != ":" })
            }
            retryAfter = RetryAfter.seconds(response, now: now) ?? Self.googleDelay(error)
        }

        /// LiteLLM sends errors as an event stream, too.
        private static func parse(_ body: [UInt8]) -> JSONValue? {
            if let value = try? JSONParser.parse(body) { return value.array?.first ?? value }
            var parser = ServerSentEventParser()
            let events = (try? parser.feed(body)) ?? []
            return events.first.flatMap { try? JSONParser.parse($0.data) }
        }

        /// `google.rpc.RetryInfo`.
        private static func googleDelay(_ error: JSONValue) -> Double? {
            for detail in error["details"]?.array ?? [] {
                if let text = detail["retryDelay"]?.string, text.hasSuffix("s") { return Double(text.dropLast()) }
            }
            return nil
        }
    }

    /// A refusal as one error with what to do about it.
    /// - Parameters:
    ///   - keyName: where the key came from, for people.
    ///   - window: the model's context in tokens, where it is known.
    ///   - estimate: about how many tokens were sent.
    static func error(
        _ refusal: Refusal, provider: String, model: String, keyName: String?, window: Int?, estimate: Int
    ) -> EngineError {
        let tail = refusal.said.isEmpty ? "" : ": \(refusal.said)"
        let head = "provider '\(provider)' refused the request (\(refusal.status))"
        if let error = contextLength(refusal, model: model, window: window, estimate: estimate) { return error }
        switch refusal.status {
        case 401, 403:
            let hint =
                keyName.map { "check the key in \($0)" } ?? "name the key's environment variable: 'credential_env'"
            return EngineError(.unauthorized, head + tail, hint: hint)
        case 402: return EngineError(.refused, head + tail, hint: "the account has to be paid for")
        case 404:
            return EngineError(.notFound, head + tail, hint: "check the model's name and the base URL")
        case 408, 409: return EngineError(.unreachable, head + tail, retryAfter: refusal.retryAfter)
        case 429:
            if ["insufficient_quota", "billing_error"].contains(refusal.kind) {
                return EngineError(.refused, head + tail, hint: "the account's quota is used up; waiting does not help")
            }
            let wait = refusal.retryAfter.map { "try again in \(DurationText.text(Int($0 * 1_000)))" }
            return EngineError(
                .rateLimited, "provider '\(provider)' is at its limit (429)\(tail)", hint: wait,
                retryAfter: refusal.retryAfter)
        case 500...:
            return EngineError(
                .unreachable, "provider '\(provider)' has trouble (\(refusal.status))\(tail)",
                retryAfter: refusal.retryAfter)
        default: return EngineError(.refused, head + tail, hint: hint(refusal))
        }
    }

    /// A parameter that the model does not take is the usual reason for a 400.
    private static func hint(_ refusal: Refusal) -> String? {
        let words = refusal.said.lowercased()
        guard words.contains("support") || words.contains("unrecognized") || words.contains("deprecated") else {
            return nil
        }
        let names = ["max_completion_tokens", "max_tokens", "stream_options"] + ModelParameters.names
        guard let name = names.first(where: { words.contains($0) }) else { return nil }
        return "if the model does not take it, name it under 'unsupported_params' in the provider's file: [\(name)]"
    }

    /// The conversation is longer than the model can read: says by how much.
    private static func contextLength(
        _ refusal: Refusal, model: String, window: Int?, estimate: Int
    ) -> EngineError? {
        let words = refusal.said.lowercased()
        let isIt =
            refusal.kind == "context_length_exceeded" || words.contains("context length")
            || words.contains("prompt is too long") || words.contains("context window")
            || words.contains("available context size") || words.contains("maximum number of tokens")
        guard isIt, [400, 413, 422, 500].contains(refusal.status) else { return nil }
        // The server's own numbers: what was sent is the larger one.
        let numbers = words.split { !$0.isNumber && $0 != "," }.compactMap { Int($0.filter { $0 != "," }) }
            .filter { $0 >= 256 }.sorted()
        let limit = numbers.count >= 2 ? numbers.first : numbers.first ?? window
        let sent = numbers.count >= 2 ? numbers.last : nil
        let size = sent.map { NumberText.grouped($0) } ?? "about \(NumberText.grouped(estimate))"
        let room = limit.map { ", and \(model) takes \(NumberText.grouped($0))" } ?? ", more than \(model) takes"
        return EngineError(
            .tooLarge, "the conversation has \(size) tokens\(room)",
            hint: "begin a new session, choose a model with a larger window (/model), or cut what tools return "
                + "(limits.tool_result_bytes in cleo.yaml)")
    }
}

/// Numbers for people.
package enum NumberText {
    /// `12,345`.
    package static func grouped(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { result.append(",") }
            result.append(digit)
        }
        return (number < 0 ? "-" : "") + result
    }
}
