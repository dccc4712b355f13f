/// What is different between a recorded request and the one of now.
package enum RequestDiff {
    /// A few lines for each difference: where it is, what was, what is. Empty when nothing differs. Names of calls that
    /// the engine makes up count by their order only.
    package static func lines(_ recorded: JSONValue, _ now: JSONValue) -> [String] {
        var before = Names()
        var after = Names()
        var lines: [String] = []
        compare(before.plain(recorded), after.plain(now), "", &lines)
        return lines
    }

    /// Engine-made names (`call-…`), numbered in the order in which they occur.
    private struct Names {
        private var numbers: [String: Int] = [:]

        mutating func plain(_ value: JSONValue) -> JSONValue {
            switch value {
            case .string(let text) where text.hasPrefix("call-") && text.utf8.count <= 40 && !text.contains(" "):
                let number = numbers[text] ?? numbers.count + 1
                numbers[text] = number
                return .string("call #\(number)")
            case .array(let items):
                var plainItems: [JSONValue] = []
                for item in items { plainItems.append(plain(item)) }
                return .array(plainItems)
            case .object(let object):
                var plainObject = JSONObject()
                for (key, item) in object { plainObject[key] = plain(item) }
                return .object(plainObject)
            case .null, .bool, .number, .string: return value
            }
        }
    }

    private static func compare(_ old: JSONValue, _ new: JSONValue, _ path: String, _ lines: inout [String]) {
        guard lines.count < 60, old != new else { return }
        switch (old, new) {
        case (.object(let old), .object(let new)):
            for key in old.keys + new.keys.filter({ old[$0] == nil }) {
                compare(field: old[key], new[key], path + "/" + JSONPointer.escape(key), &lines)
            }
        case (.array(let old), .array(let new)):
            for index in 0..<max(old.count, new.count) {
                compare(
                    field: old.indices.contains(index) ? old[index] : nil,
                    new.indices.contains(index) ? new[index] : nil, "\(path)/\(index)", &lines)
            }
        case (.string(let old), .string(let new)) where old.contains("\n") || new.contains("\n"):
            lines.append(path)
            lines += changed(old, new)
        case (.number(let a), .number(let b)) where a.double == b.double: break
        default: lines += [path, "  - \(short(old.text))", "  + \(short(new.text))"]
        }
    }

    private static func compare(field old: JSONValue?, _ new: JSONValue?, _ path: String, _ lines: inout [String]) {
        switch (old, new) {
        case (let old?, let new?): compare(old, new, path, &lines)
        case (let old?, nil): lines += [path, "  - \(short(old.text))"]
        case (nil, let new?): lines += [path, "  + \(short(new.text))"]
        case (nil, nil): break
        }
    }

    /// Only the lines of a text that changed.
    private static func changed(_ old: String, _ new: String) -> [String] {
        let before = old.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let after = new.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let difference = after.difference(from: before)
        return difference.removals.prefix(4).map { change in
            if case .remove(_, let line, _) = change { "  - \(short(line))" } else { "" }
        }
            + difference.insertions.prefix(4).map { change in
                if case .insert(_, let line, _) = change { "  + \(short(line))" } else { "" }
            }
    }

    private static func short(_ text: String) -> String {
        text.count <= 160 ? text : text.prefix(150) + "… (\(text.count) characters)"
    }
}
