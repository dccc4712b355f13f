import Engine
import Support
import Testing

@Suite struct WebSocketFrameTests {
    private func read(_ bytes: [UInt8], cut: Int, server: Bool = true, limit: Int = 1 << 20) throws(WebSocketFault)
        -> [WebSocketEvent]
    {
        var reader = WebSocketReader(isServer: server, limit: limit)
        var events: [WebSocketEvent] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            try reader.read(Array(rest.prefix(cut))) { events.append($0) }
            rest = rest.dropFirst(cut)
        }
        return events
    }

    @Test(arguments: [1, 2, 3, 7, 100_000]) func framesAreReadHoweverTheyAreCut(_ cut: Int) throws {
        for count in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let frames =
                WebSocketFrame.bytes(.binary, payload, mask: 0x1234_5678)
                + WebSocketFrame.bytes(.ping, [1, 2], mask: 9)
            #expect(try read(frames, cut: cut) == [.binary(payload), .ping([1, 2])])
        }
    }

    @Test func aMessageInPartsWithAPingBetween() throws {
        let frames =
            WebSocketFrame.bytes(.text, Array("zo".utf8), mask: 1, isFinal: false)
            + WebSocketFrame.bytes(.ping, [], mask: 2)
            // A letter that is cut in two.
            + WebSocketFrame.bytes(.continuation, [0xC3], mask: 3, isFinal: false)
            + WebSocketFrame.bytes(.continuation, [0xAB], mask: 4)
            + WebSocketFrame.close(1_000, "bye", mask: 5)
        #expect(try read(frames, cut: 4) == [.ping([]), .text(Array("zoë".utf8)), .close(1_000, "bye")])
    }

    @Test(
        arguments: [
            ([0x81, 0x01, 0x61], 1002), ([0x83, 0x80, 0, 0, 0, 0], 1002), ([0x91, 0x80, 0, 0, 0, 0], 1002),
            ([0x80, 0x80, 0, 0, 0, 0], 1002), ([0x09, 0x80, 0, 0, 0, 0], 1002),
            ([0x89, 0xFE, 0, 126, 0, 0, 0, 0], 1002),
            ([0x88, 0x81, 0, 0, 0, 0, 3], 1002), ([0x88, 0x82, 0, 0, 0, 0, 3, 0xED], 1002),
            ([0xC1, 0x80, 0, 0, 0, 0], 1002),
            ([0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28], 1007), ([0x88, 0x83, 0, 0, 0, 0, 3, 0xE8, 0xFF], 1007),
            ([0x82, 0xFF, 0, 0, 0, 0, 0x7F, 0, 0, 0, 0, 0, 0, 0], 1009),
            ([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1002),
        ] as [([UInt8], Int)]) func brokenFramesEndWithACode(_ bytes: [UInt8], _ code: Int)
    {
        for cut in [1, 100] {
            do throws(WebSocketFault) {
                Issue.record("\(try read(bytes, cut: cut))")
            } catch { #expect(error.code == code, "\(error.reason)") }
        }
    }

    @Test func aClientRefusesMasks() {
        #expect(throws: WebSocketFault.self) {
            try read(WebSocketFrame.bytes(.text, [97], mask: 1), cut: 9, server: false)
        }
    }

    @Test func partsTogetherHaveALimit() {
        let part = WebSocketFrame.bytes(.binary, [UInt8](repeating: 0, count: 600), mask: 1, isFinal: false)
        let rest = WebSocketFrame.bytes(.continuation, [UInt8](repeating: 0, count: 600), mask: 1)
        #expect(throws: WebSocketFault(1009, "the message is larger than 1000")) {
            try read(part + rest, cut: 50, limit: 1_000)
        }
    }
}
