/// When a server is asked again, and after which pause.
package struct RetryRules: Sendable, Equatable {
    /// Further tries after the first one.
    package var maxRetries = 2
    package var firstPause = 500
    package var longestPause = 8_000
    /// The longest pause that a server may ask for, in seconds; beyond it the request fails at once.
    package var longestAsked = 60.0

    package init() {}

    /// - Parameters:
    ///   - attempt: the try that failed, from 1.
    ///   - serverSays: whether another try is any use (`x-should-retry`); it wins over what the failure looks like.
    ///   - spread: 0..<1; taken off the pause, so that many clients do not come back at once.
    /// - Returns: milliseconds until the next try; nil when another try is no use.
    package func pause(after failure: EngineError, attempt: Int, serverSays: Bool? = nil, spread: Double) -> Int? {
        guard attempt <= maxRetries, serverSays != false else { return nil }
        let isPassing = [.rateLimited, .unreachable, .timedOut].contains(failure.code)
        guard isPassing || serverSays == true else { return nil }
        if let asked = failure.retryAfter { return asked <= longestAsked ? Int(asked * 1_000) : nil }
        let whole = min(longestPause, firstPause << min(attempt - 1, 16))
        return Int(Double(whole) * (1 - 0.25 * spread))
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3), and what vendors made of it.
package enum RetryAfter {
    /// Seconds from now; nil where nothing is said.
    package static func seconds(_ response: HTTPResponse, now: Timestamp) -> Double? {
        if let milliseconds = response.header("retry-after-ms").flatMap({ Double($0) }), milliseconds >= 0 {
            return milliseconds / 1_000
        }
        guard let text = response.header("retry-after") else { return nil }
        if let seconds = Double(text), seconds >= 0 { return seconds }
        return HTTPDate.milliseconds(text).map { max(0, Double($0 - now.milliseconds) / 1_000) }
    }
}

/// Dates of HTTP (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum HTTPDate {
    /// Milliseconds since 1970; nil for anything else.
    package static func milliseconds(_ text: String) -> Int? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]), let year = Int(parts[3]),
            let month = months.firstIndex(of: String(parts[2])), (1...31).contains(day), (1970...9999).contains(year)
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        let seconds = days(year, month + 1, day) * 86_400 + clock[0] * 3_600 + clock[1] * 60 + clock[2]
        return seconds * 1_000
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Days since 1970-01-01 in the Gregorian calendar.
    package static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let inEra = year - era * 400
        let inYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + inEra * 365 + inEra / 4 - inEra / 100 + inYear - 719_468
    }

    /// The date that many days after 1970-01-01.
    package static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let inEra = shifted - era * 146_097
        let yearInEra = (inEra - inEra / 1_460 + inEra / 36_524 - inEra / 146_096) / 365
        let inYear = inEra - (365 * yearInEra + yearInEra / 4 - yearInEra / 100)
        let shiftedMonth = (5 * inYear + 2) / 153
        let month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
        return (yearInEra + era * 400 + (month <= 2 ? 1 : 0), month, inYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
