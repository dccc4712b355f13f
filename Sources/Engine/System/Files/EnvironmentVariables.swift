import Engine
import Glibc

/// The environment of this process.
package struct EnvironmentVariables: VariableSource {
    package init() {}

    /// All of them.
    package var all: [String: String] {
        var result: [String: String] = [:]
        var place = environ
        while let entry = place.pointee {
            let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
            place += 1
        }
        return result
    }

    package func value(of name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
