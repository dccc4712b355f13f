/// What a part of a document has to look like, for one edition of its format or for several at once.
///
/// It says as much as a JSON Schema for the same document, in the words that messages need. Published schemas judge
/// the same documents in the tests.
package indirect enum Shape: Sendable {
    case anything
    case boolean
    case text(TextRule = TextRule())
    case number(min: Double? = nil, max: Double? = nil)
    case integer(min: Int? = nil)
    case null
    case list(Shape, atLeast: Int = 0)
    /// An object whose names are free.
    case map(Shape, atLeast: Int = 0)
    case object(ObjectShape)
    /// Every one of them.
    case all([Shape])
    /// Exactly one of them.
    case one([Shape])
    /// At least one of them.
    case some([Shape])
    /// Binds in these editions only; in the others, anything goes.
    case only(Editions, Shape)
    /// The names that an object with these values lacks.
    case needs(@Sendable (JSONObject) -> [String])
    /// A shape that contains itself.
    case later(@Sendable () -> Shape)

    /// A text that is one of a list.
    package static func word(_ words: String...) -> Shape { .text(TextRule(words: words)) }

    package static func object(_ fields: [Field], rest: ObjectShape.Rest = .closed) -> Shape {
        .object(ObjectShape(fields, rest: rest))
    }

    package static let texts = Shape.list(.text())
}

package struct TextRule: Sendable {
    package var words: [String]?
    /// Bounds of its length, in characters (Unicode scalars).
    package var atLeast: Int
    package var atMost: Int?
    package var form: TextForm?

    package init(words: [String]? = nil, atLeast: Int = 0, atMost: Int? = nil, form: TextForm? = nil) {
        self.words = words
        self.atLeast = atLeast
        self.atMost = atMost
        self.form = form
    }
}

/// A field of an object.
package struct Field: Sendable {
    let name: String
    let shape: Shape
    /// The editions that know it.
    let editions: Editions
    /// The editions that insist on it.
    let required: Editions

    package init(_ name: String, _ shape: Shape, in editions: Editions = .all, required: Editions = []) {
        self.name = name
        self.shape = shape
        self.editions = editions
        self.required = required
    }

    /// A field that every edition insists on.
    package static func need(_ name: String, _ shape: Shape) -> Field { Field(name, shape, required: .all) }
}

package struct ObjectShape: Sendable {
    /// What other names may stand for.
    package enum Rest: Sendable {
        case closed, open
        case shaped(Shape)
    }

    let fields: [String: Field]
    /// In the order in which missing ones are reported.
    let required: [Field]
    let rest: Rest
    let names: [String]

    init(_ fields: [Field], rest: Rest) {
        self.fields = Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0) })
        required = fields.filter { !$0.required.isEmpty }
        names = fields.map(\.name)
        self.rest = rest
    }
}

/// A way in which a text is written.
package struct TextForm: Sendable {
    /// What a message says that it must be.
    let wording: String
    let example: String
    let fits: @Sendable (Substring.UTF8View) -> Bool

    static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    static func isLetter(_ byte: UInt8) -> Bool { isLower(byte | 0x20) }

    /// `[a-z][a-z0-9-]*`
    static let packID = TextForm(wording: "begin with a-z and hold only a-z, 0-9 and '-'", example: "order-support") {
        $0.first.map(isLower) == true && $0.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }
    /// `[a-z][a-z0-9_-]*`
    static let promptID = TextForm(
        wording: "begin with a-z and hold only a-z, 0-9, '_' and '-'", example: "order_support"
    ) {
        $0.first.map(isLower) == true
            && $0.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }
    /// `[a-zA-Z_][a-zA-Z0-9_]*`
    static let identifier = TextForm(
        wording: "begin with a letter or '_' and hold only letters, digits and '_'", example: "order_id"
    ) {
        $0.first.map { isLetter($0) || $0 == UInt8(ascii: "_") } == true
            && $0.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
    }
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`: a name of Prometheus.
    static let metric = TextForm(
        wording: "begin with a letter, '_' or ':' and hold only those and digits", example: "answer_quality"
    ) {
        func isMark(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "_") || byte == UInt8(ascii: ":") }
        return $0.first.map { isLetter($0) || isMark($0) } == true
            && $0.allSatisfy { isLetter($0) || isDigit($0) || isMark($0) }
    }
    /// `[a-z0-9_]+`
    static let mediaType = TextForm(wording: "hold only a-z, 0-9 and '_'", example: "image") {
        !$0.isEmpty && $0.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
    }
    /// `[a-z]{2}`: ISO 639-1.
    static let language = TextForm(wording: "be two letters of ISO 639-1", example: "en") {
        $0.count == 2 && $0.allSatisfy(isLower)
    }
    /// Semantic Versioning 2.0, with or without a leading `v`.
    static let version = TextForm(wording: "be a semantic version", example: "1.0.0") { SemanticVersion.fits($0) }
}

/// <https://semver.org/spec/v2.0.0.html>
enum SemanticVersion {
    static func fits(_ text: Substring.UTF8View) -> Bool {
        var rest = text
        if rest.first == UInt8(ascii: "v") { rest = rest.dropFirst() }
        let plus = rest.firstIndex(of: UInt8(ascii: "+"))
        let build = plus.map { rest[rest.index(after: $0)...] }
        rest = plus.map { rest[..<$0] } ?? rest
        let dash = rest.firstIndex(of: UInt8(ascii: "-"))
        let pre = dash.map { rest[rest.index(after: $0)...] }
        let core = dash.map { rest[..<$0] } ?? rest
        let numbers = core.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return numbers.count == 3 && numbers.allSatisfy(isNumber)
            && pre.map { parts($0, allowLeadingZeros: false) } != false
            && build.map { parts($0, allowLeadingZeros: true) } != false
    }

    private static func isNumber(_ part: Substring.UTF8View) -> Bool {
        !part.isEmpty && part.allSatisfy(TextForm.isDigit) && (part.count == 1 || part.first != UInt8(ascii: "0"))
    }

    private static func parts(_ text: Substring.UTF8View, allowLeadingZeros: Bool) -> Bool {
        text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            guard !part.isEmpty else { return false }
            if !allowLeadingZeros, part.allSatisfy(TextForm.isDigit) { return isNumber(part) }
            return part.allSatisfy {
                TextForm.isLetter($0) || TextForm.isDigit($0) || $0 == UInt8(ascii: "-")
            }
        }
    }
}
