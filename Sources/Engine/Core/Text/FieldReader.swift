/// Reads one object of a file field by field, and collects what is wrong with it: all of it, each with its place.
///
/// A reader is made for an object, asked for its fields, and closed with `finish`, which reports every field that
/// nobody asked for, with the nearest right name.
package struct FieldReader {
    package let document: SourceDocument
    package let pointer: String
    package let object: JSONObject
    /// Shared by all readers of one file.
    package let report: DiagnosticSink
    private var asked: Set<String> = []

    /// - Returns: nil, with a diagnostic, when the value is not an object.
    package init?(
        _ document: SourceDocument, at pointer: String, value: JSONValue, what: String, report: DiagnosticSink
    ) {
        guard case .object(let object) = value else {
            report.add(
                .error, "\(what) must be an object, not \(value.kindName)", in: document, at: pointer)
            return nil
        }
        self.document = document
        self.pointer = pointer
        self.object = object
        self.report = report
    }

    package func path(_ key: String) -> String { pointer + "/" + JSONPointer.escape(key) }

    /// The value as it stands; null counts as absent.
    package mutating func value(_ key: String) -> JSONValue? {
        asked.insert(key)
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// Marks fields as known without reading them.
    package mutating func ignore(_ keys: [String]) { asked.formUnion(keys) }

    private func mismatch(_ key: String, _ expected: String, _ found: JSONValue) {
        report.add(
            .error, "'\(key)' must be \(expected), not \(found.kindName)", in: document, at: path(key))
    }

    package func missing(_ key: String, hint: String? = nil) {
        report.add(.error, "'\(key)' is missing", in: document, at: pointer, hint: hint)
    }

    private mutating func typed<Value>(
        _ key: String, _ expected: String, required: Bool, _ convert: (JSONValue) -> Value?
    ) -> Value? {
        guard let found = value(key) else {
            if required { missing(key) }
            return nil
        }
        if let converted = convert(found) { return converted }
        mismatch(key, expected, found)
        return nil
    }

    package mutating func string(_ key: String, required: Bool = false) -> String? {
        typed(key, "a string", required: required) { $0.string }
    }

    /// A string that is one of a list; anything else is an error that names the nearest.
    package mutating func choice(_ key: String, of choices: [String], required: Bool = false) -> String? {
        guard let found = string(key, required: required) else { return nil }
        if choices.contains(found) { return found }
        report.add(
            .error, "'\(key)' has the value '\(found)'; expected one of: \(choices.joined(separator: ", "))",
            in: document, at: path(key), hint: Suggestion.hint(for: found, among: choices))
        return nil
    }

    package mutating func bool(_ key: String) -> Bool? {
        typed(key, "true or false", required: false) { $0.bool }
    }

    package mutating func int(_ key: String, atLeast minimum: Int? = nil) -> Int? {
        guard let found = typed(key, "a whole number", required: false, { $0.int }) else { return nil }
        if let minimum, found < minimum {
            report.add(.error, "'\(key)' must be at least \(minimum), not \(found)", in: document, at: path(key))
            return nil
        }
        return found
    }

    package mutating func number(_ key: String, in range: ClosedRange<Double>? = nil) -> Double? {
        guard let found = typed(key, "a number", required: false, { $0.double }) else { return nil }
        if let range, !range.contains(found) {
            report.add(
                .error,
                "'\(key)' must be between \(JSONValue.double(range.lowerBound).text) and "
                    + "\(JSONValue.double(range.upperBound).text), not \(JSONValue.double(found).text)",
                in: document, at: path(key))
            return nil
        }
        return found
    }

    package mutating func strings(_ key: String) -> [String]? {
        typed(key, "a list of strings", required: false) { value in
            guard let items = value.array else { return nil }
            let texts = items.compactMap(\.string)
            return texts.count == items.count ? texts : nil
        }
    }

    /// Names to texts; numbers and booleans count as their JSON text.
    package mutating func texts(_ key: String) -> [(String, String)]? {
        typed(key, "an object of texts", required: false) { value in
            guard let object = value.object else { return nil }
            let pairs = object.compactMap { name, value in value.scalarText.map { (name, $0) } }
            return pairs.count == object.count ? pairs : nil
        }
    }

    /// A duration such as `30s`, `500ms`, `1.5m`.
    package mutating func duration(_ key: String) -> Int? {
        guard let text = typed(key, "a duration such as \"30s\"", required: false, { $0.string }) else { return nil }
        if let milliseconds = DurationText.milliseconds(text) { return milliseconds }
        report.add(
            .error, "'\(key)' is '\(text)', which is not a duration", in: document, at: path(key),
            hint: "write a number with its unit, such as \"30s\", \"500ms\" or \"2m\"")
        return nil
    }

    /// A reader for an object inside this one.
    package mutating func child(_ key: String, required: Bool = false) -> FieldReader? {
        guard let found = value(key) else {
            if required { missing(key) }
            return nil
        }
        return FieldReader(document, at: path(key), value: found, what: "'\(key)'", report: report)
    }

    /// Readers for the objects of a list inside this one.
    /// A mapping without entries, for a setting that is only `true`.
    package func empty(_ key: String) -> FieldReader? {
        FieldReader(document, at: path(key), value: [:], what: key, report: report)
    }

    package mutating func children(_ key: String, required: Bool = false) -> [FieldReader] {
        guard let items = typed(key, "a list", required: required, { $0.array }) else { return [] }
        return items.enumerated().compactMap { index, item in
            FieldReader(
                document, at: path(key) + "/\(index)", value: item, what: "'\(key)[\(index)]'", report: report)
        }
    }

    /// Readers for the objects of a map inside this one, by name.
    package mutating func map(_ key: String, required: Bool = false) -> [(String, FieldReader)] {
        guard let object = typed(key, "an object", required: required, { $0.object }) else { return [] }
        return object.compactMap { name, value in
            FieldReader(
                document, at: path(key) + "/" + JSONPointer.escape(name), value: value, what: "'\(name)'",
                report: report
            ).map { (name, $0) }
        }
    }

    package func error(_ message: String, at key: String? = nil, hint: String? = nil) {
        report.add(.error, message, in: document, at: key.map(path) ?? pointer, hint: hint)
    }

    package func warning(_ message: String, at key: String? = nil, hint: String? = nil) {
        report.add(.warning, message, in: document, at: key.map(path) ?? pointer, hint: hint)
    }

    /// Reports the fields that nobody asked for. A field that starts with `x-` or `$` is anybody's.
    package func finish(_ severity: Diagnostic.Severity = .error) {
        for key in object.keys where !asked.contains(key) && !key.hasPrefix("x-") && !key.hasPrefix("$") {
            report.add(
                severity, "unknown field '\(key)'", in: document, at: path(key),
                hint: Suggestion.hint(for: key, among: Array(asked)), isKey: true)
        }
    }
}

/// Collects the diagnostics of one load. A class, because the readers of one file share it; it never leaves the
/// function that loads the file.
package final class DiagnosticSink {
    package var diagnostics: [Diagnostic] = []

    package init() {}

    package func add(
        _ severity: Diagnostic.Severity, _ message: String, in document: SourceDocument, at pointer: String,
        hint: String? = nil, rule: String? = nil, isKey: Bool = false
    ) {
        let (file, place) = document.location(of: pointer, key: isKey)
        diagnostics.append(
            Diagnostic(
                severity, message, file: file, place: place, hint: hint, rule: rule,
                path: pointer.isEmpty ? nil : pointer))
    }
}

extension JSONValue {
    /// A string as it is, a number or boolean as JSON writes it; nil for null, lists and objects.
    package var scalarText: String? {
        switch self {
        case .string(let text): text
        case .number(let number): number.text
        case .bool(let value): value ? "true" : "false"
        case .null, .array, .object: nil
        }
    }
}

package enum DurationText {
    /// Reads `300ms`, `30s`, `1.5m`, `2h` and sums such as `1m30s`, as Go's `time.ParseDuration` does.
    package static func milliseconds(_ text: String) -> Int? {
        let units: [(String, Double)] = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)]
        var rest = Substring(text)
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let number = Double(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            guard let unit = units.first(where: { rest.hasPrefix($0.0) }) else { return nil }
            rest = rest.dropFirst(unit.0.count)
            total += number * unit.1
        }
        return total.isFinite && total < 1e12 ? Int(total.rounded()) : nil
    }

    /// `94ms`, `1.42s`, `2m05s`.
    package static func text(_ milliseconds: Int) -> String {
        if milliseconds < 1_000 { return "\(milliseconds)ms" }
        if milliseconds < 60_000 {
            let hundredths = (milliseconds % 1_000) / 10
            if hundredths == 0 { return "\(milliseconds / 1_000)s" }
            return "\(milliseconds / 1_000).\(hundredths < 10 ? "0" : "")\(hundredths)s"
        }
        let seconds = milliseconds / 1_000
        return "\(seconds / 60)m\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)s"
    }
}

package enum Suggestion {
    /// "did you mean 'x'?", where a name is near enough: two edits, one for short names.
    package static func hint(for name: String, among candidates: [String]) -> String? {
        nearest(to: name, among: candidates).map { "did you mean '\($0)'?" }
    }

    package static func nearest(to name: String, among candidates: [String]) -> String? {
        let limit = name.count <= 3 ? 1 : 2
        let ranked = candidates.map { ($0, distance(name.lowercased(), $0.lowercased())) }
            .filter { $0.1 <= limit }
            .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
        return ranked.first?.0
    }

    /// The optimal string alignment distance: Levenshtein's, with two neighbours swapped as one edit.
    package static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a.unicodeScalars)
        let b = Array(b.unicodeScalars)
        var before: [Int] = []
        var row = Array(0...b.count)
        for i in a.indices {
            var next = [i + 1]
            for j in b.indices {
                var best = min(row[j] + (a[i] == b[j] ? 0 : 1), next[j] + 1, row[j + 1] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, before[j - 1] + 1) }
                next.append(best)
            }
            before = row
            row = next
        }
        return row[b.count]
    }
}
