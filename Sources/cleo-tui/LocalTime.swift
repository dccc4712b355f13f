import Engine
import Glibc

enum LocalTime {
    /// `2026-11-20 14:03`, in the machine's time zone.
    static func text(_ timestamp: Timestamp) -> String {
        var seconds = time_t(timestamp.milliseconds / 1_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1_900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min))"
    }
}
