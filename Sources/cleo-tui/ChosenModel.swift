import Synchronization

/// What the person chose on the screen in the place of the files' model; forgotten when the program ends.
final class ChosenModel: Sendable {
    private let state = Mutex<String?>(nil)

    var name: String? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
