/// A WebSocket frame's kind (RFC 6455, section 5.2).
package enum WebSocketOpcode: UInt8, Sendable {
    case continuation = 0, text, binary
    case close = 8
    case ping, pong

    var isControl: Bool { rawValue >= 8 }
}

/// A connection broke a rule, or a limit; the code is the one to close it with (RFC 6455, section 7.4.1).
package struct WebSocketFault: Error, Sendable, Equatable {
    package var code: Int
    package var reason: String

    package init(_ code: Int, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

/// Writes frames.
package enum WebSocketFrame {
    /// - Parameters:
    ///   - mask: a client's key; servers send without one.
    ///   - isCompressed: permessage-deflate's RSV1 (RFC 7692, section 6).
    package static func bytes(
        _ opcode: WebSocketOpcode, _ payload: [UInt8], mask: UInt32?, isCompressed: Bool = false, isFinal: Bool = true
    ) -> [UInt8] {
        let count = payload.count
        var frame: [UInt8] = []
        frame.reserveCapacity(count + 14)
        frame.append((isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode.rawValue)
        let bit: UInt8 = mask == nil ? 0 : 0x80
        switch count {
        case ..<126: frame.append(bit | UInt8(count))
        case ..<65_536: frame += [bit | 126, UInt8(count >> 8), UInt8(count & 255)]
        default:
            frame.append(bit | 127)
            for shift in stride(from: 56, through: 0, by: -8) { frame.append(UInt8(count >> shift & 255)) }
        }
        guard let mask else { return frame + payload }
        for shift in stride(from: 0, through: 24, by: 8) { frame.append(UInt8(mask >> shift & 255)) }
        let start = frame.count
        frame += payload
        frame.withUnsafeMutableBytes { unmask(UnsafeMutableRawBufferPointer(rebasing: $0[start...]), mask, at: 0) }
        return frame
    }

    /// - Parameter code: nil for a close without one.
    package static func close(_ code: Int?, _ reason: String = "", mask: UInt32?) -> [UInt8] {
        let payload = code.map { [UInt8($0 >> 8), UInt8($0 & 255)] + Array(reason.utf8.prefix(123)) } ?? []
        return bytes(.close, payload, mask: mask)
    }

    /// Masking and unmasking are the same.
    /// - Parameters:
    ///   - mask: in the order of the wire, its first byte lowest.
    ///   - position: of the first byte in the frame's payload.
    static func unmask(_ bytes: UnsafeMutableRawBufferPointer, _ mask: UInt32, at position: Int) {
        let turn = UInt32(position & 3) * 8
        let key = turn == 0 ? mask : mask >> turn | mask << (32 - turn)
        let wide = UInt64(key) | UInt64(key) << 32
        var index = 0
        while index + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            bytes.storeBytes(of: word ^ wide, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        while index < bytes.count {
            bytes[index] ^= UInt8(truncatingIfNeeded: key >> UInt32((index & 3) * 8))
            index += 1
        }
    }
}

/// What comes over a connection.
package enum WebSocketEvent: Sendable, Equatable {
    case text([UInt8]), binary([UInt8]), ping([UInt8]), pong([UInt8])
    /// Nil: without a code.
    case close(Int?, String)
}

/// Undoes permessage-deflate for one message.
package protocol WebSocketInflater: Sendable {
    /// - Throws: 1009 for more than the limit, 1007 for what is not deflated.
    func inflate(_ bytes: [UInt8], limit: Int) throws(WebSocketFault) -> [UInt8]
}

/// Reads one side's frames, however they are cut.
package struct WebSocketReader: Sendable {
    private let isServer: Bool
    private let limit: Int
    /// Where compression was agreed on.
    package var inflater: (any WebSocketInflater)?

    private var head: [UInt8] = []
    private var opcode = WebSocketOpcode.text
    private var isFinal = true
    private var isCompressed = false
    private var mask: UInt32?
    /// Of the frame's payload; nil while its head is read.
    private var left: Int?
    private var position = 0
    private var control: [UInt8] = []
    private var message: [UInt8] = []
    /// Of the message that is being put together.
    private var kind: (opcode: WebSocketOpcode, isCompressed: Bool)?

    /// - Parameters:
    ///   - isServer: its peers mask, a client's do not.
    ///   - limit: of a message, in bytes.
    package init(isServer: Bool, limit: Int = 16 << 20) {
        self.isServer = isServer
        self.limit = limit
    }

    /// - Throws: after which nothing more may be read.
    package mutating func read(
        _ bytes: [UInt8], _ take: (WebSocketEvent) -> Void
    ) throws(WebSocketFault) {
        var index = 0
        while true {
            guard let left else {
                guard index < bytes.count else { return }
                head.append(bytes[index])
                index += 1
                if head.count >= 2, head.count == headLength { try begin() }
                continue
            }
            let count = min(left, bytes.count - index)
            if count > 0 { add(bytes[index..<(index + count)]) }
            index += count
            self.left = left - count
            guard left == count else { return }
            self.left = nil
            head.removeAll(keepingCapacity: true)
            try end(take)
        }
    }

    private var headLength: Int {
        let length = head[1] & 0x7F
        return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + (head[1] & 0x80 != 0 ? 4 : 0)
    }

    private mutating func add(_ part: ArraySlice<UInt8>) {
        func append(_ part: ArraySlice<UInt8>, to bytes: inout [UInt8], _ mask: UInt32?, _ position: Int) {
            let start = bytes.count
            bytes += part
            guard let mask else { return }
            bytes.withUnsafeMutableBytes {
                WebSocketFrame.unmask(UnsafeMutableRawBufferPointer(rebasing: $0[start...]), mask, at: position)
            }
        }
        if opcode.isControl {
            append(part, to: &control, mask, position)
        } else {
            append(part, to: &message, mask, position)
        }
        position += part.count
    }

    private mutating func begin() throws(WebSocketFault) {
        guard head[0] & 0x30 == 0, let opcode = WebSocketOpcode(rawValue: head[0] & 0xF) else {
            throw WebSocketFault(1002, "reserved bits or opcode")
        }
        guard (head[1] & 0x80 != 0) == isServer else { throw WebSocketFault(1002, "the mask bit is wrong") }
        isFinal = head[0] & 0x80 != 0
        isCompressed = head[0] & 0x40 != 0
        var length = Int(head[1] & 0x7F)
        var next = 2
        if length >= 126 {
            let digits = length == 126 ? 2 : 8
            guard head[2] & 0x80 == 0 || digits == 2 else { throw WebSocketFault(1002, "the length is not a length") }
            length = head[2..<(2 + digits)].reduce(0) { $0 << 8 | Int($1) }
            next += digits
        }
        mask = isServer ? (0..<4).reduce(UInt32(0)) { $0 | UInt32(head[next + $1]) << UInt32(8 * $1) } : nil
        self.opcode = opcode
        if opcode.isControl {
            guard isFinal, length <= 125, !isCompressed else {
                throw WebSocketFault(1002, "a control frame is too much")
            }
        } else {
            guard (opcode == .continuation) == (kind != nil) else {
                throw WebSocketFault(1002, "a continuation is missing, or continues nothing")
            }
            guard !isCompressed || (inflater != nil && opcode != .continuation) else {
                throw WebSocketFault(1002, "compression was not agreed on")
            }
            guard length <= limit - message.count else {
                throw WebSocketFault(1009, "the message is larger than \(limit)")
            }
            if kind == nil { kind = (opcode, isCompressed) }
        }
        left = length
        position = 0
    }

    private mutating func end(_ take: (WebSocketEvent) -> Void) throws(WebSocketFault) {
        if opcode.isControl {
            let payload = control
            control = []
            switch opcode {
            case .ping: take(.ping(payload))
            case .pong: take(.pong(payload))
            default: take(try Self.close(payload))
            }
            return
        }
        guard isFinal, let whole = kind else { return }
        var payload = message
        message = []
        kind = nil
        if whole.isCompressed, let inflater { payload = try inflater.inflate(payload, limit: limit) }
        guard whole.opcode == .text else { return take(.binary(payload)) }
        guard String(validating: payload, as: UTF8.self) != nil else {
            throw WebSocketFault(1007, "a text is not UTF-8")
        }
        take(.text(payload))
    }

    private static func close(_ payload: [UInt8]) throws(WebSocketFault) -> WebSocketEvent {
        guard !payload.isEmpty else { return .close(nil, "") }
        guard payload.count >= 2 else { throw WebSocketFault(1002, "a close with half a code") }
        let code = Int(payload[0]) << 8 | Int(payload[1])
        let isKnown = (1_000...1_014).contains(code) && ![1_004, 1_005, 1_006].contains(code)
        guard isKnown || (3_000...4_999).contains(code) else {
            throw WebSocketFault(1002, "a close with the code \(code)")
        }
        guard let reason = String(validating: payload.dropFirst(2), as: UTF8.self) else {
            throw WebSocketFault(1007, "a reason is not UTF-8")
        }
        return .close(code, reason)
    }
}
