package import Engine
import Glibc

/// The machine's time.
package struct SystemClock: EngineClock {
    package init() {}

    package func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: time.tv_sec * 1_000 + time.tv_nsec / 1_000_000)
    }

    package func midnight() -> Timestamp {
        var seconds = time_t(now().milliseconds / 1_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        (parts.tm_hour, parts.tm_min, parts.tm_sec, parts.tm_isdst) = (0, 0, 0, -1)
        return Timestamp(milliseconds: mktime(&parts) * 1_000)
    }

    package func sleep(milliseconds: Int) async throws(CancellationError) {
        do {
            try await Task.sleep(for: .milliseconds(milliseconds))
        } catch {
            throw CancellationError()
        }
    }
}

/// Names with twelve random letters and digits: 60 bits.
package struct RandomIdentifiers: IdentifierSource {
    private static let letters = Array("0123456789abcdefghjkmnpqrstvwxyz")

    package init() {}

    package func next(_ prefix: String) -> String {
        var bits = UInt64.random(in: .min ... .max)
        var name = prefix + "-"
        for _ in 0..<12 {
            name.append(Self.letters[Int(bits & 31)])
            bits >>= 5
        }
        return name
    }
}
