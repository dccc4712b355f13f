import Engine

/// Where the key stands that a served engine's screens show: a file that only its owner can read.
enum ScreenKey {
    static func file(_ folders: Folders, port: Int) -> String { "\(folders.data)/served/\(port)" }
}
