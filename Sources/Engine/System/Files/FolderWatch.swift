import Glibc

/// Tells when a file in one of some folders was written, moved or removed: once for a burst of changes, when it is
/// over. Uses inotify(7) on a thread of its own.
package final class FolderWatch: Sendable {
    private let descriptor: Int32
    /// Closing it ends the thread.
    private let end: Int32
    /// A burst is over when nothing happened for so long, in milliseconds.
    private static let quiet: Int32 = 60

    /// - Parameter folders: those that cannot be watched are left out.
    package init(_ folders: [String], changed: @escaping @Sendable () -> Void) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        end = ends[1]
        let events = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
        for folder in folders { inotify_add_watch(descriptor, folder, events) }
        let (descriptor, stop) = (descriptor, ends[0])
        WorkerThread.start { Self.loop(descriptor, stop, changed) }
    }

    private static func loop(_ descriptor: Int32, _ stop: Int32, _ changed: () -> Void) {
        var isPending = false
        while true {
            var waits = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&waits, 2, isPending ? quiet : -1)
            if count < 0, errno != EINTR { break }
            if waits[1].revents != 0 { break }
            if count == 0, isPending {
                isPending = false
                changed()
            } else if waits[0].revents & Int16(POLLIN) != 0 {
                var buffer = [UInt8](repeating: 0, count: 16_384)
                while read(descriptor, &buffer, buffer.count) > 0 {}
                isPending = true
            } else if waits[0].revents != 0 {
                break
            }
        }
        close(descriptor)
        close(stop)
    }

    deinit { close(end) }
}
