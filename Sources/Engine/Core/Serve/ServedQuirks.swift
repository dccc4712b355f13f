/// What the original does where it is wrong; a client can be tested against it with `serve --faithful-quirks`
/// (AltairaLabs/Omnia, `internal/facade`; recorded in `Tests/Fixtures/omnia-ws`).
enum ServedQuirks {
    /// How long after `done` the next message is refused.
    static let release = 20
    static let secondError = "internal server error"

    /// Frames of unknown types, and answers of tools without their bodies, are messages to it.
    static func isTakenForMessage(_ type: String?, _ frame: JSONValue) -> Bool {
        switch type {
        case "message", "upload_request", "hangup": false
        case "tool_call_ack"?, "tool_call_nack"?, "tool_result"?: frame[type ?? ""]?.object == nil
        default: true
        }
    }

    /// What a client is told of a failure: never the reason; nothing at all where the runtime said nothing.
    static func words(of error: ErrorInfo) -> String? {
        let saidNothing = error.code == EngineError.Code.protocolViolation.rawValue
        return saidNothing ? nil : "an internal error occurred while processing the message"
    }
}
