package import Engine
import Glibc

/// Files of this machine. Relative paths start at `root`.
package struct DiskFiles: FileSource {
    package let root: String
    private static let sizeLimit = 64 << 20

    package init(root: String) { self.root = root }

    private func resolved(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        if path.hasPrefix("~/"), let home = getenv("HOME") { return String(cString: home) + path.dropFirst() }
        return root + "/" + path
    }

    package func read(_ path: String) throws(EngineError) -> [UInt8] {
        let descriptor = open(resolved(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.failure(path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure(path, errno) }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw Self.failure(path, EISDIR) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure(path, errno) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= Self.sizeLimit else {
                throw EngineError(.tooLarge, "the file '\(path)' is larger than \(Self.sizeLimit >> 20) MiB")
            }
        }
    }

    package func read(inside folder: String, _ path: String) throws(EngineError) -> [UInt8] {
        guard let root = realpath(resolved(folder), nil), let file = realpath(resolved(folder) + "/" + path, nil) else {
            throw Self.failure(path, errno)
        }
        defer {
            free(root)
            free(file)
        }
        guard String(cString: file).hasPrefix(String(cString: root) + "/") else {
            throw EngineError(.refused, "the file '\(path)' stands outside of its folder")
        }
        return try read(String(cString: file))
    }

    static func failure(_ path: String, _ code: Int32) -> EngineError {
        switch code {
        case ENOENT, ENOTDIR: EngineError(.notFound, "there is no file '\(path)'")
        case EACCES, EPERM: EngineError(.refused, "the file '\(path)' may not be read", hint: "chmod u+r '\(path)'")
        case EISDIR: EngineError(.invalidInput, "'\(path)' is a folder")
        default: EngineError(.storage, "'\(path)': \(SystemWords.of(code))")
        }
    }

    package func list(_ directory: String) -> [String] {
        guard let handle = opendir(resolved(directory)) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle), names.count < 100_000 {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    package func exists(_ path: String) -> Bool { access(resolved(path), F_OK) == 0 }

    /// Writes a file anew; folders on the way are made.
    /// - Parameter mayReplace: whether a file that is there may go.
    package static func write(_ text: String, to path: String, mayReplace: Bool) throws(EngineError) {
        try write(bytes: Array(text.utf8), to: path, mayReplace: mayReplace)
    }

    /// The same for bytes.
    package static func write(bytes: [UInt8], to path: String, mayReplace: Bool = false) throws(EngineError) {
        try write(bytes, to: path, mayReplace: mayReplace, mode: 0o644)
    }

    private static func write(
        _ bytes: [UInt8], to path: String, mayReplace: Bool, mode: mode_t
    ) throws(EngineError) {
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex { try makeDirectories(String(path[..<slash])) }
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (mayReplace ? O_TRUNC : O_EXCL)
        let descriptor = open(path, flags, mode)
        guard descriptor >= 0 else {
            if errno == EEXIST { throw EngineError(.refused, "the file '\(path)' is there already") }
            throw EngineError(.storage, "'\(path)' cannot be written: \(SystemWords.of(errno))")
        }
        defer { close(descriptor) }
        var bytes = bytes[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw EngineError(.storage, "'\(path)' cannot be written: \(SystemWords.of(errno))")
            }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Writes a file that only its owner can read, in the place of one that was there.
    package static func write(secret: Secret, to path: String) throws(EngineError) {
        unlink(path)
        try write(Array(secret.reveal().utf8), to: path, mayReplace: false, mode: 0o600)
    }

    /// Makes a folder and those above it, for their owner alone.
    package static func makeDirectories(_ path: String) throws(EngineError) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/" + part
            if mkdir(made, 0o700) != 0, errno != EEXIST {
                let reason = SystemWords.of(errno)
                throw EngineError(
                    .storage, "the folder '\(made)' cannot be made: \(reason)",
                    hint: "set XDG_DATA_HOME to a folder that can be written")
            }
        }
    }
}

/// What the C library says of an error number, in lower case.
enum SystemWords {
    static func of(_ code: Int32) -> String {
        let words = String(cString: strerror(code))
        return words.prefix(1).lowercased() + words.dropFirst()
    }
}
