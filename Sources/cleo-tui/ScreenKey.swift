import Engine

/// What a screen shows to a served engine. For screens of this machine a new key stands in a file that only its owner
/// can read; for others the owner names one in a variable, on both sides.
enum ScreenKey {
    static let variable = "CLEO_SCREEN_TOKEN"

    static func file(_ folders: Folders, port: Int) -> String { "\(folders.data)/served/\(port)" }
}
