import Engine
package import EngineSystem
import Glibc

/// The folder of this package.
package let packageRoot: String = {
    var parts = #filePath.split(separator: "/").map(String.init)
    parts.removeLast(3)
    return "/" + parts.joined(separator: "/")
}()

/// Real files of other projects, beside this one; not everybody has them.
package let sharedFolder = packageRoot + "/../shared"
package let hasShared = access(sharedFolder + "/upstream", R_OK) == 0

package func readText(_ path: String) -> String? {
    (try? DiskFiles(root: packageRoot).read(path)).map { String(decoding: $0, as: UTF8.self) }
}

package func writeText(_ path: String, _ text: String) {
    guard let file = fopen(path, "w") else { return }
    _ = Array(text.utf8).withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
    fclose(file)
}

/// Moves a file over another.
package func rename(_ from: String, _ to: String) -> Bool { Glibc.rename(from, to) == 0 }

/// A folder that goes when the value does.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() {
        var template = Array("/tmp/cleo-test-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        chmod(path, 0o700)
        for name in DiskFiles(root: path).list(".") {
            let inner = path + "/" + name
            if unlink(inner) != 0 { remove(inner) }
        }
        rmdir(path)
    }
}

/// Waits until something is so, at most ten seconds.
package func eventually(_ condition: @Sendable () async -> Bool) async -> Bool {
    for _ in 0..<2_000 {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return false
}

/// What a shell command prints, without its last line end.
package func shell(_ command: String) -> String {
    guard let pipe = popen(command, "r") else { return "" }
    defer { pclose(pipe) }
    var bytes: [UInt8] = []
    while true {
        let byte = fgetc(pipe)
        if byte == EOF { break }
        bytes.append(UInt8(truncatingIfNeeded: byte))
    }
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
}

/// Files under a folder whose path fits, sorted.
package func findFiles(in files: DiskFiles, _ folder: String, _ fits: (String) -> Bool) -> [String] {
    files.list(folder).flatMap { name -> [String] in
        let path = folder == "." ? name : folder + "/" + name
        if fits(path) { return [path] }
        return name.contains(".") && !name.hasPrefix("v") ? [] : findFiles(in: files, path, fits)
    }
}

/// Sebastiano Vigna's SplitMix64: random numbers that are the same in every run.
package struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
