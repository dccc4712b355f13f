/// What a piece of text is, not how it looks: the theme of the terminal gives each role its colour and attributes.
package enum Style: UInt16, Sendable, CaseIterable {
    case plain, dim, strong, emphasis, strike, heading, code, link, quote
    case user, assistant, tool, good, warning, bad, accent
    case border, borderFocused, title, titleFocused, status, key, selection, bar, barWaiting
}
