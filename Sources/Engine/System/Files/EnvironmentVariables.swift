import Engine
import Glibc

/// The environment of this process.
package struct EnvironmentVariables: VariableSource {
    package init() {}

    package func value(of name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
