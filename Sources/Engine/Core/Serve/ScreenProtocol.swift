/// How a screen talks to an engine in another process: JSON texts over a WebSocket at `/engine`.
///
/// The engine greets; each request has a number, and each answer bears it:
///
///     ← {"hello": {"protocol": 1, "agent": "support", "workspace": "/home/ada/work", "program": "0.6.0"}}
///     → {"id": 1, "do": COMMAND}                          ← {"id": 1}
///     → {"id": 2, "follow": "s-1", "after": 0}            ← {"id": 2, "events": [EVENT, …]} …
///     → {"id": 3, "leave": 2}                             ← {"id": 3}
///     → {"id": 4, "sessions": 200}                        ← {"id": 4, "sessions": [SUMMARY, …]}
///     → {"id": 5, "known": "s-1"}                         ← {"id": 5, "known": true}
///                                                         ← {"id": N, "error": {"code": …, "message": …, "hint": …}}
///
/// Both ends are this program, so commands and events stand in it as they are coded for the log.
enum ScreenProtocol {
    static let version = 1
    static let path = "/engine"
    /// Bytes of one message's events, if it is not one event.
    static let batch = 1 << 20
    /// Bytes of one message: an event may hold images.
    static let messageLimit = 64 << 20

    static func error(_ error: EngineError) -> JSONValue {
        var fields: JSONObject = ["code": .string(error.code.rawValue), "message": .string(error.message)]
        fields["hint"] = error.hint.map { .string($0) }
        return .object(fields)
    }

    static func error(_ json: JSONValue) -> EngineError {
        EngineError(
            json["code"]?.string.flatMap { EngineError.Code(rawValue: $0) } ?? .protocolViolation,
            json["message"]?.string ?? "the engine refuses, and does not say why", hint: json["hint"]?.string)
    }
}
