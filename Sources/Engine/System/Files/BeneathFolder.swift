package import Engine
import Glibc
import Synchronization

/// A folder that nothing leads out of. A path is first resolved, so that links inside of the folder work; then it is
/// opened part by part without following any link, so that one that is put there meanwhile leads nowhere.
package struct BeneathFolder: ConfinedFolder {
    private let root: String

    /// - Throws: `notFound` when there is no such folder.
    package init(_ folder: String) throws(EngineError) {
        guard let path = realpath(folder, nil) else { throw DiskFiles.failure(folder, errno) }
        defer { free(path) }
        root = String(cString: path)
    }

    package func apart<Value: Sendable>(
        _ work: @escaping @Sendable (_ isCancelled: () -> Bool) -> Result<Value, EngineError>
    ) async throws(EngineError) -> Value {
        let flag = Flag()
        let result: Result<Value, EngineError> = await withTaskCancellationHandler {
            await WorkerThread.value { work { flag.isSet.withLock { $0 } } }
        } onCancel: {
            flag.isSet.withLock { $0 = true }
        }
        if Task.isCancelled { throw EngineError(.cancelled, "cancelled") }
        return try result.get()
    }

    private final class Flag: Sendable {
        let isSet = Mutex(false)
    }

    // MARK: paths

    /// The parts of a path below the root, with links resolved.
    /// - Throws: `refused` for what is outside or hidden.
    private func parts(_ path: String) throws(EngineError) -> [String] {
        guard !path.utf8.contains(0), let real = realpath(root + "/" + path, nil) else {
            throw DiskFiles.failure(path, path.utf8.contains(0) ? ENOENT : errno)
        }
        defer { free(real) }
        let resolved = String(cString: real)
        guard resolved == root || resolved.hasPrefix(root == "/" ? root : root + "/") else {
            throw Self.outside(path)
        }
        let parts = resolved.dropFirst(root.utf8.count).split(separator: "/").map(String.init)
        guard !parts.contains(where: { $0.hasPrefix(".") }) else {
            throw EngineError(.refused, "'\(path)' is hidden, and hidden files are left alone")
        }
        return parts
    }

    private static func outside(_ path: String) -> EngineError {
        EngineError(.refused, "'\(path)' is outside of the workspace")
    }

    /// Opens the folder that a path's parts lead to; the caller closes it.
    private func folder(_ parts: [String], _ path: String, making isMaking: Bool = false) throws(EngineError) -> Int32 {
        var descriptor = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DiskFiles.failure(root, errno) }
        for part in parts {
            if isMaking { mkdirat(descriptor, part, 0o755) }
            let next = openat(descriptor, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            let code = errno
            close(descriptor)
            guard next >= 0 else {
                if code == ENOTDIR { throw EngineError(.invalidInput, "'\(path)' is no folder") }
                throw code == ELOOP ? Self.outside(path) : DiskFiles.failure(path, code)
            }
            descriptor = next
        }
        return descriptor
    }

    // MARK: reading

    package func list(_ path: String) throws(EngineError) -> [FolderEntry] {
        let descriptor = try folder(try parts(path), path)
        guard let handle = fdopendir(descriptor) else {
            close(descriptor)
            throw DiskFiles.failure(path, errno)
        }
        defer { closedir(handle) }
        var entries: [FolderEntry] = []
        while let entry = readdir(handle), entries.count < 100_000 {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard !name.hasPrefix("."), fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            let kind = status.st_mode & S_IFMT
            // Links are followed where they are named, and not shown: what they lead to is shown where it is.
            guard kind == S_IFREG || kind == S_IFDIR else { continue }
            let at = status.st_mtim.tv_sec * 1_000 + status.st_mtim.tv_nsec / 1_000_000
            entries.append(
                FolderEntry(
                    name: name, isFolder: kind == S_IFDIR, bytes: Int(status.st_size),
                    modified: Timestamp(milliseconds: at)))
        }
        return entries.sorted { $0.name < $1.name }
    }

    package func read(_ path: String, limit: Int) throws(EngineError) -> [UInt8] {
        var parts = try parts(path)
        guard let name = parts.popLast() else { throw DiskFiles.failure(path, EISDIR) }
        let parent = try folder(parts, path)
        defer { close(parent) }
        let descriptor = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw errno == ELOOP ? Self.outside(path) : DiskFiles.failure(path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw DiskFiles.failure(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw status.st_mode & S_IFMT == S_IFDIR
                ? DiskFiles.failure(path, EISDIR) : EngineError(.refused, "'\(path)' is no regular file")
        }
        guard status.st_size <= limit else {
            throw EngineError(.tooLarge, "'\(path)' is larger than \(limit >> 10) KiB")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw DiskFiles.failure(path, errno) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else {
                throw EngineError(.tooLarge, "'\(path)' is larger than \(limit >> 10) KiB")
            }
        }
    }

    // MARK: writing

    package func write(_ path: String, _ bytes: [UInt8]) throws(EngineError) {
        var parts = path.split(separator: "/").map(String.init)
        guard !parts.contains(where: { $0.hasPrefix(".") }), let name = parts.popLast(), !path.utf8.contains(0) else {
            throw EngineError(.refused, "'\(path)' cannot be written: its parts may not begin with '.'")
        }
        let parent = try folder(parts, path, making: true)
        defer { close(parent) }
        var status = stat()
        if fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw EngineError(.refused, "'\(path)' is there, and is no regular file")
        }
        let fresh = ".\(name).\(getpid()).new"
        let descriptor = openat(parent, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.unwritable(path, errno) }
        var rest = bytes[...]
        var failure: Int32 = 0
        while !rest.isEmpty, failure == 0 {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count > 0 { rest = rest.dropFirst(count) } else { failure = errno }
        }
        close(descriptor)
        if failure == 0, renameat(parent, fresh, parent, name) != 0 { failure = errno }
        guard failure == 0 else {
            unlinkat(parent, fresh, 0)
            throw Self.unwritable(path, failure)
        }
    }

    private static func unwritable(_ path: String, _ code: Int32) -> EngineError {
        EngineError(.storage, "'\(path)' cannot be written: \(SystemWords.of(code))")
    }
}
