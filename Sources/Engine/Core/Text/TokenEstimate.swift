/// A guess at the number of tokens of a text, for when nobody counted. Always shown as an estimate.
package enum TokenEstimate {
    /// About four bytes of Latin text make a token, and one character of the scripts beyond it.
    package static func tokens(_ text: String) -> Int {
        var ascii = 0
        var others = 0
        for byte in text.utf8 {
            if byte < 0x80 { ascii += 1 } else if byte & 0xC0 != 0x80 { others += 1 }
        }
        return (ascii + 3) / 4 + others
    }
}
