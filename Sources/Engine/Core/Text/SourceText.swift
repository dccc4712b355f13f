import Synchronization

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

/// A file read as JSON or YAML, or several of them put together: a value, and where each part of it stands.
package struct SourceDocument: Sendable {
    private enum Index: Sendable {
        case table([String: Place])
        case json(JSONPlaces)
        case parts([Part])
    }

    /// A piece of another document that stands in this one.
    package struct Part: Sendable {
        /// Where it stands in this document.
        package var pointer: String
        package var document: SourceDocument
        /// Where it comes from in the other.
        package var origin: String

        package init(at pointer: String, of document: SourceDocument, from origin: String) {
            self.pointer = pointer
            self.document = document
            self.origin = origin
        }
    }

    package var file: String
    package var value: JSONValue
    /// The value before variables were put into its texts.
    package var unexpanded: JSONValue?
    private let index: Index

    package init(file: String, value: JSONValue, places: [String: Place] = [:]) {
        self.file = file
        self.value = value
        index = .table(places)
    }

    /// - Parameter bytes: the text that `value` was read from; it is read again when a place is first asked for,
    ///   because most files have nothing to complain about.
    package init(file: String, value: JSONValue, json bytes: [UInt8]) {
        self.file = file
        self.value = value
        index = .json(JSONPlaces(bytes))
    }

    /// A document that was put together from others.
    /// - Parameter parts: where its pieces come from; the one with the longest pointer wins.
    package init(file: String, value: JSONValue, parts: [Part]) {
        self.file = file
        self.value = value
        index = .parts(parts.sorted { $0.pointer.utf8.count > $1.pointer.utf8.count })
    }

    /// Where the value at a pointer starts, or the nearest part around it that has a place.
    package func location(of pointer: String, key: Bool = false) -> (file: String, place: Place?) {
        let table: [String: Place]
        switch index {
        case .table(let places): table = places
        case .json(let places): table = places.table
        case .parts(let parts):
            let found = parts.first { pointer == $0.pointer || pointer.hasPrefix($0.pointer + "/") }
            guard let found else { return (file, nil) }
            let inside = found.origin + pointer.dropFirst(found.pointer.count)
            return found.document.location(of: inside, key: key)
        }
        if key, let place = table[pointer + SourceText.keySuffix] { return (file, place) }
        var rest = Substring(pointer)
        while true {
            if let place = table[String(rest)] { return (file, place) }
            guard let slash = rest.lastIndex(of: "/") else { return (file, table[""]) }
            rest = rest[..<slash]
        }
    }

    package func place(of pointer: String) -> Place? { location(of: pointer).place }
}

/// The places of a JSON text, looked up when somebody asks.
private final class JSONPlaces: Sendable {
    private let bytes: [UInt8]
    private let found = Mutex<[String: Place]?>(nil)

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var table: [String: Place] {
        found.withLock { found in
            if let found { return found }
            var offsets: [String: Int] = [:]
            _ = try? JSONParser.parse(bytes) { offsets[$0] = $1 }
            let table = SourceText.places(of: offsets, in: bytes)
            found = table
            return table
        }
    }
}
