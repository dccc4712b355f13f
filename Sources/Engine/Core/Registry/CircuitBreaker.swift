/// Spares a tool that fails again and again: after so many failures in a row it is left alone for a while, then tried
/// once. What a tool says of a call (not found, refused) is no failure of the tool.
package struct CircuitBreaker: Sendable, Equatable {
    package struct Settings: Sendable, Equatable {
        /// Failures in a row; zero: never opens.
        package var failures = 5
        package var openMilliseconds = 30_000

        package init() {}
    }

    private var failures = 0
    private var openUntil: Timestamp?

    package init() {}

    /// - Returns: why the call is not made; nil when it is. After the pause one call goes through.
    package mutating func objection(_ tool: String, now: Timestamp) -> EngineError? {
        guard let openUntil else { return nil }
        let left = openUntil.milliseconds - now.milliseconds
        guard left > 0 else {
            // The next failure closes the way again at once.
            self.openUntil = nil
            return nil
        }
        return EngineError(
            .unreachable,
            "'\(tool)' failed \(failures) times in a row and is left alone for \(DurationText.text(left)) more")
    }

    package mutating func ended(_ error: EngineError?, _ settings: Settings, now: Timestamp) {
        guard let error, [.unreachable, .timedOut, .protocolViolation, .internal].contains(error.code) else {
            if error?.code != .cancelled { failures = 0 }
            return
        }
        failures += 1
        guard settings.failures > 0, failures >= settings.failures else { return }
        openUntil = Timestamp(milliseconds: now.milliseconds + settings.openMilliseconds)
    }
}
