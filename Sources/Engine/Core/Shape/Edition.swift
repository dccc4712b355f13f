/// A published schema of PromptPack. All of them carry the same `$id`, so a pack cannot say which one it means.
package enum Edition: UInt8, Sendable, CaseIterable {
    case spec10, spec11, spec130, spec131, spec140
    /// PromptKit's own branch, which calls itself 1.5.0.
    case promptKit

    /// As people name it.
    package var title: String {
        switch self {
        case .spec10: "1.0"
        case .spec11: "1.1"
        case .spec130: "1.3.0"
        case .spec131: "1.3.1"
        case .spec140: "1.4.0"
        case .promptKit: "PromptKit 1.5.0"
        }
    }

    /// The programs that check packs against it.
    package var runtimes: String? {
        switch self {
        case .spec131: "Omnia"
        case .spec140: "the specification as it stands"
        case .promptKit: "PromptKit, PromptArena"
        case .spec10, .spec11, .spec130: nil
        }
    }
}

/// A set of editions.
package struct Editions: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package init(_ edition: Edition) { rawValue = 1 << edition.rawValue }

    package static let promptKit = Editions(.promptKit)
    package static let spec10 = Editions(.spec10)
    package static let spec140 = Editions(.spec140)
    package static let all = Editions(rawValue: (1 << UInt8(Edition.allCases.count)) - 1)
    /// Everything that the specification published.
    package static let spec = all.subtracting(promptKit)

    /// An edition of the specification and all that are newer, PromptKit's included.
    package static func since(_ edition: Edition) -> Editions {
        Edition.allCases.filter { $0.rawValue >= edition.rawValue }.reduce(into: Editions()) {
            $0.formUnion(Editions($1))
        }
    }

    package func contains(_ edition: Edition) -> Bool { contains(Editions(edition)) }

    package var members: [Edition] { Edition.allCases.filter { contains($0) } }
}
