import Dispatch
import Glibc

/// Control-C where there is no screen.
final class Interrupt {
    private let source: any DispatchSourceSignal

    /// Calls `action` for every SIGINT from now on, instead of ending the program.
    init(_ action: @escaping @Sendable () -> Void) {
        signal(SIGINT, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler(handler: action)
        source.resume()
    }
}
