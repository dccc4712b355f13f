/// What this program calls itself.
package enum ProgramInfo {
    package static let name = "cleo-tui"
    package static let version = "0.1.0"
}
