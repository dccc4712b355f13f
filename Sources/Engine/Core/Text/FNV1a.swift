/// The hash FNV-1a of 64 bits, which PromptKit samples with (RFC draft-eastlake-fnv).
package enum FNV1a {
    package static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
