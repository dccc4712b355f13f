import Engine

/// Numbers as people read them.
enum Numbers {
    /// `4,102`.
    static func grouped(_ number: Int) -> String { NumberText.grouped(number) }

    /// `812 B`, `12.3 kB`, `4.0 MB`.
    static func bytes(_ number: Int) -> String {
        if number < 1_000 { return "\(number) B" }
        let (tenths, unit) = number < 1_000_000 ? (number / 100, "kB") : (number / 100_000, "MB")
        return "\(tenths / 10).\(tenths % 10) \(unit)"
    }

    /// `1 call`, `2 calls`.
    static func counted(_ number: Int, _ noun: String) -> String {
        "\(grouped(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    /// `12 ms`, `0.21 s`, `1 min 3 s`.
    static func duration(_ milliseconds: Int) -> String {
        if milliseconds < 100 { return "\(max(milliseconds, 0)) ms" }
        if milliseconds < 60_000 {
            let hundredths = (milliseconds + 5) / 10
            let fraction = hundredths % 100
            return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) s"
        }
        return "\(milliseconds / 60_000) min \(milliseconds / 1_000 % 60) s"
    }

    /// One character per value, as high as its part of the largest.
    static func sparkline(_ values: [Int]) -> String {
        let levels = Array("▁▂▃▄▅▆▇█")
        let largest = max(values.max() ?? 0, 1)
        return String(values.map { levels[min(max($0, 0) * 7 / largest, 7)] })
    }
}
