/// Finding bytes in bytes, for texts that nearly never hold what is looked for.
enum ByteSearch {
    static func find(_ needle: [UInt8], in bytes: UnsafeBufferPointer<UInt8>, from start: Int = 0) -> Int? {
        let last = bytes.count - needle.count
        guard let first = needle.first, start <= last else { return nil }
        return needle.withUnsafeBufferPointer { needle in
            var index = start
            while index <= last {
                if bytes[index] == first {
                    var same = 1
                    while same < needle.count, bytes[index + same] == needle[same] { same += 1 }
                    if same == needle.count { return index }
                }
                index += 1
            }
            return nil
        }
    }
}
