/// An amount of US dollars in whole nanodollars: integers add up, doubles do not, and a token of a cheap model
/// costs less than a microdollar.
package struct Money: Sendable, Hashable, Comparable, Codable {
    package var nanodollars: Int

    package init(nanodollars: Int) { self.nanodollars = nanodollars }

    /// - Parameter dollars: from a server or a file; what is no amount counts as nothing.
    package init(dollars: Double) {
        nanodollars = dollars.isFinite ? Int(min(max(dollars * 1e9, -9e18), 9e18).rounded()) : 0
    }

    package static let zero = Money(nanodollars: 0)

    /// Stays at the largest amount rather than overflow.
    package static func + (a: Self, b: Self) -> Self {
        let (sum, isTooLarge) = a.nanodollars.addingReportingOverflow(b.nanodollars)
        return Money(nanodollars: isTooLarge ? .max : sum)
    }

    package static func < (a: Self, b: Self) -> Bool { a.nanodollars < b.nanodollars }

    package init(from decoder: any Decoder) throws {
        nanodollars = try decoder.singleValueContainer().decode(Int.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(nanodollars)
    }

    /// `$0.0123`: four decimals, six for what would show as nothing, two above 100 dollars.
    package var text: String {
        let magnitude = Int(min(nanodollars.magnitude, 1 << 62))
        let decimals = magnitude >= 100_000_000_000 ? 2 : magnitude > 0 && magnitude < 1_000_000 ? 6 : 4
        var scale = 1
        for _ in 0..<(9 - decimals) { scale *= 10 }
        let rounded = (magnitude + scale / 2) / scale
        var one = 1
        for _ in 0..<decimals { one *= 10 }
        let fraction = String(rounded % one)
        let padding = String(repeating: "0", count: decimals - fraction.count)
        return (nanodollars < 0 ? "-$" : "$") + "\(rounded / one).\(padding)\(fraction)"
    }
}
