/// How a call ended (gRPC's `doc/statuscodes.md`).
package enum GRPCStatus: Int, Sendable, CaseIterable {
    case ok, cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
    case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, `internal`, unavailable, dataLoss
    case unauthenticated

    /// `DEADLINE_EXCEEDED`, as tool files and every gRPC document write it.
    package var name: String {
        if self == .ok { return "OK" }
        return String(
            "\(self)".flatMap { $0.isUppercase ? "_\($0)" : $0.uppercased() })
    }

    /// - Parameter name: as the documents write it; whatever its case, with or without the underscores, or its number.
    package init?(name: String) {
        let wanted = name.uppercased().filter { $0 != "_" }
        guard
            let found = Self.allCases.first(where: {
                $0.name.filter { $0 != "_" } == wanted || "\($0.rawValue)" == wanted
            })
        else { return nil }
        self = found
    }

    /// What a proxy or a server that speaks no gRPC means (gRPC's `doc/http-grpc-status-mapping.md`).
    init(http status: Int) {
        self =
            switch status {
            case 400: .internal
            case 401: .unauthenticated
            case 403: .permissionDenied
            case 404: .unimplemented
            case 429, 502, 503, 504: .unavailable
            default: .unknown
            }
    }

    func error(_ message: String) -> EngineError {
        let code: EngineError.Code =
            switch self {
            case .unavailable, .resourceExhausted, .internal, .unknown, .dataLoss: .unreachable
            case .deadlineExceeded: .timedOut
            case .unauthenticated: .unauthorized
            default: .refused
            }
        let hint: String? =
            self == .unimplemented ? "does this server have the service omnia.tools.v1.ToolService?" : nil
        var error = EngineError(code, "gRPC \(name)\(message.isEmpty ? "" : ": " + message)", hint: hint)
        error.status = rawValue
        return error
    }
}
