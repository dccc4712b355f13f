import Engine
import EngineSystem

/// Whether the network is real, written down, or played from a recording.
enum Traffic {
    case live
    case recorded(Recorder)
    case replayed(Replay)

    init(_ arguments: Arguments, clock: SystemClock, redactor: Redactor) throws(EngineError) {
        self = .live
        if let folder = arguments[.record] {
            guard !arguments.has(.replay) else {
                throw EngineError(
                    .invalidInput, "'--record' and '--replay' do not go together", hint: "use one of them")
            }
            let path = Folders.absolute(folder) + "/" + Recording.fileName
            let file: AppendingFile
            do throws(EngineError) {
                file = try AppendingFile(path)
            } catch {
                throw EngineError(
                    error.code, error.message,
                    hint: error.code == .refused ? "name another folder: a recording is never written over" : error.hint
                )
            }
            self = .recorded(Recorder(clock: clock, redactor: redactor) { file.write($0) })
        } else if let folder = arguments[.replay] {
            let path = Folders.absolute(folder) + "/" + Recording.fileName
            let word = arguments[.pace] ?? "recorded"
            guard let pace = ReplayPace(word) else {
                throw EngineError(
                    .invalidInput, "'--pace \(word)' is no pace",
                    hint: "'recorded', 'instant', or how many times as fast: 4")
            }
            let files = DiskFiles(root: "/")
            let recording = try Recording.read(try files.read(path), file: path)
            self = .replayed(Replay(recording, pace: pace, clock: clock, redactor: redactor))
        } else if arguments.has(.pace) {
            throw EngineError(.invalidInput, "'--pace' is for '--replay DIR'", hint: "leave it out")
        }
    }
}
