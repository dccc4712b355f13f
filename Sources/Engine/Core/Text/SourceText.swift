/// Places in a text.
package enum SourceText {
    /// Appended to a pointer to name the place of the key instead of its value.
    package static let keySuffix = "\u{0}key"

    /// Line and column, both from 1; the column counts characters (Unicode scalars), not bytes.
    package static func lineAndColumn(of offset: Int, in bytes: [UInt8]) -> (line: Int, column: Int) {
        var line = 1
        var column = 1
        for byte in bytes.prefix(offset) {
            if byte == 0x0A {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        return (line, column)
    }

    /// The places of many offsets in one pass.
    package static func places(of offsets: [String: Int], in bytes: [UInt8]) -> [String: Place] {
        var result = [String: Place](minimumCapacity: offsets.count)
        var line = 1
        var column = 1
        var at = 0
        for (pointer, offset) in offsets.sorted(by: { $0.value < $1.value }) {
            while at < min(offset, bytes.count) {
                if bytes[at] == 0x0A {
                    line += 1
                    column = 1
                } else if bytes[at] & 0xC0 != 0x80 {
                    column += 1
                }
                at += 1
            }
            result[pointer] = Place(line: line, column: column)
        }
        return result
    }
}

/// A place in a file; both numbers start at 1.
package struct Place: Sendable, Equatable, Hashable, Codable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// A file read as JSON or YAML: its value, and where each part of it stands.
package struct SourceDocument: Sendable {
    package var file: String
    package var value: JSONValue
    package var places: [String: Place]

    package init(file: String, value: JSONValue, places: [String: Place]) {
        self.file = file
        self.value = value
        self.places = places
    }

    /// Where the value at a pointer starts, or the nearest part around it that has a place.
    package func place(of pointer: String) -> Place? {
        var pointer = Substring(pointer)
        while true {
            if let place = places[String(pointer)] { return place }
            guard let slash = pointer.lastIndex(of: "/") else { return places[""] }
            pointer = pointer[..<slash]
        }
    }

    package func placeOfKey(_ pointer: String) -> Place? {
        places[pointer + SourceText.keySuffix] ?? place(of: pointer)
    }
}
