import Engine
import Testing

@Suite struct GRPCTests {
    @Test func aMessageIsReadBack() throws {
        var writer = ProtobufWriter()
        writer.field(1, "lookup")
        writer.field(2, String(repeating: "ä", count: 100))
        writer.field(3, ["b": "2", "a": ""])
        writer.field(4, "")
        var reader = ProtobufReader(writer.bytes[...])
        var fields: [(Int, String?)] = []
        while let field = try reader.next() { fields.append((field.number, field.value.text)) }
        #expect(fields.map(\.0) == [1, 2, 3, 3])
        #expect(fields[1].1?.count == 100)
        #expect(fields[2].1 == "\n\u{1}a")
    }

    @Test(
        arguments: [
            [0x0A], [0x0A, 5, 1], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], [0x0B], [0x00, 0],
            [0x09, 1, 2], [0x08, 0x80], [0x0D, 1],
            [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
        ] as [[UInt8]]) func brokenBytesAreRefused(_ bytes: [UInt8])
    {
        var reader = ProtobufReader(bytes[...])
        #expect(throws: EngineError.self) { while try reader.next() != nil {} }
    }

    @Test func everyKindOfFieldIsSteppedOver() throws {
        var reader = ProtobufReader([0x08, 0x96, 1, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x1D, 2, 0, 0, 0, 0x22, 1, 0x61])
        var numbers: [UInt64] = []
        while let field = try reader.next() {
            if case .number(let number) = field.value {
                numbers.append(number)
            } else {
                #expect(field.value.text == "a")
            }
        }
        #expect(numbers == [150, 1, 2])
    }

    @Test func statusesHaveTheirNames() {
        #expect(GRPCStatus.allCases.map(\.rawValue) == Array(0...16))
        #expect(GRPCStatus.deadlineExceeded.name == "DEADLINE_EXCEEDED")
        #expect(GRPCStatus.internal.name == "INTERNAL")
        #expect(GRPCStatus(name: "DeadlineExceeded") == .deadlineExceeded)
        #expect(GRPCStatus(name: "14") == .unavailable)
        #expect(GRPCStatus(name: "UNAVAILABEL") == nil)
    }
}
