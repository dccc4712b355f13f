package import Engine
import Glibc
import Synchronization

/// A new file that is written line by line, for its owner's eyes alone.
package final class AppendingFile: Sendable {
    private let descriptor: Mutex<Int32>

    /// - Throws: `refused` when the file is there already; `storage` when it cannot be made.
    package init(_ path: String) throws(EngineError) {
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try DiskFiles.makeDirectories(String(path[..<slash]))
        }
        let opened = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
        guard opened >= 0 else {
            if errno == EEXIST { throw EngineError(.refused, "'\(path)' is there already") }
            throw EngineError(.storage, "'\(path)' cannot be written: \(SystemWords.of(errno))")
        }
        descriptor = Mutex(opened)
    }

    deinit { _ = descriptor.withLock { close($0) } }

    package func write(_ text: String) {
        descriptor.withLock { descriptor in
            var bytes = Array(text.utf8)[...]
            while !bytes.isEmpty {
                let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                // A full disk must not stop the conversation.
                guard count > 0 else { return }
                bytes = bytes.dropFirst(count)
            }
        }
    }
}
