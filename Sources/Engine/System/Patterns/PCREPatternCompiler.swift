import CPCRE2
package import Engine

/// Regular expressions of PCRE2, with a limit on the work of each match.
package struct PCREPatternCompiler: PatternCompiler {
    package init() {}

    /// - Throws: `invalidInput` with PCRE's reason and its place in the pattern.
    package func compile(
        _ pattern: String, ignoringCase: Bool
    ) throws(EngineError) -> any Pattern {
        let bytes = Array(pattern.utf8)
        var code: Int32 = 0
        var offset = 0
        let compiled = cp_compile(bytes, bytes.count, ignoringCase ? 1 : 0, &code, &offset)
        guard let compiled else {
            let read = String(decoding: bytes.prefix(offset), as: UTF8.self)
            throw EngineError(
                .invalidInput,
                "the pattern '\(pattern)' cannot be read: \(Self.reason(code)) "
                    + "at character \(max(read.count, 1))")
        }
        return PCREPattern(compiled)
    }

    private static func reason(_ code: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = pcre2_get_error_message_8(code, &buffer, buffer.count)
        return String(decoding: buffer.prefix(Int(max(length, 0))), as: UTF8.self)
    }
}

/// Compiled code is immutable and each match has its own data, so threads can share a pattern; the compiler only
/// sees a pointer, hence `@unchecked`.
private final class PCREPattern: Pattern, @unchecked Sendable {
    private let code: OpaquePointer
    let groupNames: [String: Int]

    /// - Parameter code: owned from now on.
    init(_ code: OpaquePointer) {
        self.code = code
        groupNames = Self.names(in: code)
    }

    deinit { pcre2_code_free_8(code) }

    func firstMatch(in text: String) -> [String?]? {
        let data = cp_match_data(code)
        let limits = cp_limits()
        defer {
            pcre2_match_data_free_8(data)
            pcre2_match_context_free_8(limits)
        }
        var text = text
        return text.withUTF8 { bytes -> [String?]? in
            let count = pcre2_match_8(code, bytes.baseAddress, bytes.count, 0, 0, data, limits)
            guard count > 0, let pairs = pcre2_get_ovector_pointer_8(data) else { return nil }
            return (0..<Int(pcre2_get_ovector_count_8(data))).map { group in
                // A group that took no part has the largest size_t, which is -1 here.
                let (start, end) = (pairs[2 * group], pairs[2 * group + 1])
                guard start >= 0, start <= end else { return nil }
                return String(decoding: bytes[start..<end], as: UTF8.self)
            }
        }
    }

    func holds(in text: String) throws(EngineError) -> Bool {
        let data = cp_match_data(code)
        let limits = cp_limits()
        defer {
            pcre2_match_data_free_8(data)
            pcre2_match_context_free_8(limits)
        }
        var text = text
        let count = text.withUTF8 { pcre2_match_8(code, $0.baseAddress, $0.count, 0, 0, data, limits) }
        guard count >= 0 || count == PCRE2_ERROR_NOMATCH else {
            throw EngineError(.tooLarge, "the pattern takes too much work on this text")
        }
        return count >= 0
    }

    /// Reads PCRE's table: rows of one size, each the number in two bytes and the name with a zero.
    private static func names(in code: OpaquePointer) -> [String: Int] {
        var count: UInt32 = 0
        var size: UInt32 = 0
        var table: UnsafePointer<UInt8>?
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMECOUNT), &count)
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMEENTRYSIZE), &size)
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMETABLE), &table)
        guard let table else { return [:] }
        var names: [String: Int] = [:]
        for row in 0..<Int(count) {
            let entry = table + row * Int(size)
            names[String(cString: entry + 2)] = Int(entry[0]) << 8 | Int(entry[1])
        }
        return names
    }
}
