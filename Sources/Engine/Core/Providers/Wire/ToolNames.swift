/// Names of tools as every vendor takes them, and back. MCP allows dots, slashes and 128 characters; most vendors
/// take letters, digits, `_` and `-`, and 64.
package struct ToolNames: Sendable {
    private var wireNames: [String: String] = [:]
    private var ownNames: [String: String] = [:]

    package static let empty = ToolNames([], limit: 64)

    /// Every name that the request can hold: offered ones, and those that were called before.
    init(_ request: ProviderRequest, limit: Int) {
        self.init(request.tools.map(\.name) + request.messages.flatMap { $0.toolCalls.map(\.tool) }, limit: limit)
    }

    init(_ names: [String], limit: Int) {
        // Names that are good as they are keep themselves, whatever comes before them.
        for name in names where Self.isGood(name, limit) {
            wireNames[name] = name
            ownNames[name] = name
        }
        for name in names where wireNames[name] == nil {
            let plain = String(decoding: name.utf8.map { Self.isPlain($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
            var wire = plain
            if wire.utf8.count > limit || ownNames[wire] != nil || wire.isEmpty {
                let mark = "_" + String(FNV1a.hash(name) & 0xFFFF_FFFF, radix: 16)
                wire = String(decoding: plain.utf8.prefix(limit - mark.utf8.count), as: UTF8.self) + mark
            }
            wireNames[name] = wire
            ownNames[wire] = name
        }
    }

    /// The name that is sent.
    package func wire(_ name: String) -> String { wireNames[name] ?? name }
    /// The tool that the model means.
    package func own(_ wire: String) -> String { ownNames[wire] ?? wire }

    static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private static func isGood(_ name: String, _ limit: Int) -> Bool {
        !name.isEmpty && name.utf8.count <= limit && name.utf8.allSatisfy { isPlain($0) }
    }
}
