extension String {
    /// The first place of a text, whatever the case of its letters.
    /// - Parameter from: where to begin.
    package func range(ofIgnoringCase text: String, from: Index? = nil) -> Range<Index>? {
        let start = from ?? startIndex
        guard !text.isEmpty, start < endIndex else { return nil }
        return text.utf8.allSatisfy { $0 < 0x80 } ? asciiRange(of: text, from: start) : anyRange(of: text, from: start)
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }

    /// Letters of ASCII are compared as bytes, which is what most texts are made of.
    private func asciiRange(of text: String, from: Index) -> Range<Index>? {
        let wanted = text.utf8.map(Self.lower)
        let first = wanted[0]
        let offset = utf8.distance(from: startIndex, to: from)
        // Strings of Swift's own stand in one piece.
        let found = utf8.withContiguousStorageIfAvailable { bytes -> Int? in
            guard bytes.count >= offset + wanted.count else { return nil }
            for place in offset...(bytes.count - wanted.count) where Self.lower(bytes[place]) == first {
                var matched = 1
                while matched < wanted.count, Self.lower(bytes[place + matched]) == wanted[matched] { matched += 1 }
                if matched == wanted.count { return place }
            }
            return nil
        }
        guard let place = found ?? nil else { return nil }
        let start = utf8.index(startIndex, offsetBy: place)
        return start..<utf8.index(start, offsetBy: wanted.count)
    }

    private func anyRange(of text: String, from: Index) -> Range<Index>? {
        let wanted = text.map { $0.lowercased() }
        var start = from
        while start < endIndex {
            var at = start
            var matched = 0
            while matched < wanted.count, at < endIndex, self[at].lowercased() == wanted[matched] {
                at = index(after: at)
                matched += 1
            }
            if matched == wanted.count { return start..<at }
            start = index(after: start)
        }
        return nil
    }
}
