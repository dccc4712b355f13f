import Engine

/// How the program ends; the same for every command.
enum ExitCode: Int32 {
    case done = 0
    /// The work failed.
    case failed = 1
    /// The command line or a file is wrong.
    case usage = 2
    /// The provider or the network.
    case provider = 3
    case tool = 4
    case interrupted = 130

    init(_ code: String) {
        self =
            switch EngineError.Code(rawValue: code) {
            case .unreachable, .timedOut, .protocolViolation, .rateLimited, .unauthorized, .refused, .tooLarge:
                .provider
            case .invalidInput, .notFound: .usage
            case .cancelled: .interrupted
            default: .failed
            }
    }
}
