import CZlib
package import Engine

/// permessage-deflate without context takeover (RFC 7692, section 7.1.1): every message stands alone, so nothing is
/// kept between two, and none can hold much memory.
package struct MessageDeflate: WebSocketInflater {
    /// What both sides agree on.
    static let extensionHeader = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

    package init() {}

    package func inflate(_ bytes: [UInt8], limit: Int) throws(WebSocketFault) -> [UInt8] {
        var stream = z_stream()
        guard cz_inflate_start(&stream) == Z_OK else { throw WebSocketFault(1011, "no memory") }
        defer { inflateEnd(&stream) }
        // What the sender left out (section 7.2.2).
        var input = bytes + [0, 0, 0xFF, 0xFF]
        var output: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 32 << 10)
        let fault: WebSocketFault? = input.withUnsafeMutableBufferPointer { input in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(input.count)
            while true {
                let (code, count) = piece.withUnsafeMutableBufferPointer { piece in
                    stream.next_out = piece.baseAddress
                    stream.avail_out = UInt32(piece.count)
                    let code = CZlib.inflate(&stream, Z_SYNC_FLUSH)
                    return (code, piece.count - Int(stream.avail_out))
                }
                guard code == Z_OK || code == Z_BUF_ERROR || code == Z_STREAM_END else {
                    return WebSocketFault(1007, "the message is not deflated")
                }
                output += piece[..<count]
                if output.count > limit { return WebSocketFault(1009, "the message is larger than \(limit)") }
                if stream.avail_out > 0 { return nil }
            }
        }
        if let fault { throw fault }
        return output
    }

    static func deflate(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        guard cz_deflate_start(&stream) == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))) + 16)
        let count: Int? = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                guard CZlib.deflate(&stream, Z_SYNC_FLUSH) == Z_OK, stream.avail_out > 0 else { return nil }
                return output.count - Int(stream.avail_out)
            }
        }
        // The last four bytes are the same for everybody, and left out.
        return count.map { Array(output[..<max($0 - 4, 0)]) }
    }
}
