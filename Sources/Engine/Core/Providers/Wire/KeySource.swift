/// Where a key comes from.
package enum KeySource: Sendable, Equatable {
    case value(Secret)
    /// An environment variable.
    case variable(String)
    /// Read again for every request, so that a rotated key works.
    case file(String)
    /// A program's output, which is used for so many milliseconds.
    case command([String], lifetime: Int)

    /// For people, and no secret.
    package var words: String {
        switch self {
        case .value: "the provider's file"
        case .variable(let name): "$\(name)"
        case .file(let path): "the file '\(path)'"
        case .command(let command, _): "the command '\(command.first ?? "")'"
        }
    }
}
