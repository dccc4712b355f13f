/// What a person did: a key, a paste, the mouse's wheel.
package enum Input: Sendable, Equatable {
    case key(Key)
    case paste(String)
    /// Lines to move: negative is up.
    case wheel(Int, row: Int, column: Int)
    case click(row: Int, column: Int)
    case focus(Bool)
}

/// A key with its modifiers.
package struct Key: Sendable, Hashable {
    package enum Code: Sendable, Hashable {
        case character(Character)
        case enter, tab, backspace, escape, up, down, left, right, home, end, pageUp, pageDown, insert, delete
        case function(Int)
    }

    package struct Modifiers: OptionSet, Sendable, Hashable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let shift = Modifiers(rawValue: 1)
        package static let alt = Modifiers(rawValue: 2)
        package static let control = Modifiers(rawValue: 4)
    }

    package var code: Code
    package var modifiers: Modifiers

    package init(_ code: Code, _ modifiers: Modifiers = []) {
        self.code = code
        self.modifiers = modifiers
    }

    package static func character(_ character: Character) -> Key { Key(.character(character)) }
    package static func control(_ character: Character) -> Key { Key(.character(character), .control) }
    package static func alt(_ character: Character) -> Key { Key(.character(character), .alt) }

    /// As people write it: `^P`, `Alt-1`, `Shift-Tab`, `PgUp`.
    package var name: String {
        if modifiers == .control, case .character(let character) = code { return "^" + character.uppercased() }
        var prefix = ""
        if modifiers.contains(.control) { prefix += "Ctrl-" }
        if modifiers.contains(.alt) { prefix += "Alt-" }
        if modifiers.contains(.shift) { prefix += "Shift-" }
        return prefix + codeName
    }

    private var codeName: String {
        switch code {
        case .character(" "): "Space"
        case .character(let character): String(character)
        case .enter: "Enter"
        case .tab: "Tab"
        case .backspace: "Backspace"
        case .escape: "Esc"
        case .up: "Up"
        case .down: "Down"
        case .left: "Left"
        case .right: "Right"
        case .home: "Home"
        case .end: "End"
        case .pageUp: "PgUp"
        case .pageDown: "PgDn"
        case .insert: "Ins"
        case .delete: "Del"
        case .function(let number): "F\(number)"
        }
    }
}
