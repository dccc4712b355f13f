/// What several checks of media have in common. An answer without media fails all of them.
enum MediaRules {
    typealias Media = CheckSubject.Media

    private static func all(
        _ kind: String, _ media: [Media], _ fits: (Media) -> Bool, _ describe: (Media) -> String
    ) -> CheckResult {
        let mine = media.filter { $0.mimeType.hasPrefix(kind + "/") }
        guard !mine.isEmpty else { return .yes(false, "the answer holds no \(kind)") }
        return .yes(mine.allSatisfy(fits), mine.map(describe).joined(separator: ", "))
    }

    static func formats(_ formats: [String], _ kind: String, _ media: [Media]) -> CheckResult {
        let same = ["jpg": "jpeg", "mp3": "mpeg"]
        let wanted = formats.map { same[$0.lowercased()] ?? $0.lowercased() }
        return all(kind, media) { part in
            let format = part.mimeType.split(separator: "/").last.map(String.init) ?? ""
            return wanted.contains(format) || wanted.contains(part.mimeType)
        } _: {
            $0.mimeType
        }
    }

    static func seconds(_ fields: inout FieldReader) -> ClosedRange<Double> {
        let low = fields.number("min_seconds") ?? 0
        let high = fields.number("max_seconds") ?? .infinity
        if high < low {
            fields.error("'max_seconds' is less than 'min_seconds'", at: "max_seconds")
            return 0...0
        }
        return low...high
    }

    static func duration(_ bounds: ClosedRange<Double>, _ kind: String, _ media: [Media]) -> CheckResult {
        all(kind, media) {
            $0.seconds.map { bounds.contains($0) } ?? false
        } _: {
            $0.seconds.map { "\(JSONValue.double($0).text) s" } ?? "of unknown length"
        }
    }

    static func size(_ kind: String, _ media: [Media], _ fits: (Int, Int) -> Bool) -> CheckResult {
        all(kind, media) { part in
            guard let width = part.width, let height = part.height else { return false }
            return fits(width, height)
        } _: {
            "\($0.width.map(String.init) ?? "?")×\($0.height.map(String.init) ?? "?")"
        }
    }
}

/// Bounds of a width and a height, in pixels.
struct SizeRule: Sendable {
    private let width: Int?
    private let height: Int?
    private let minWidth: Int?
    private let minHeight: Int?
    private let maxWidth: Int?
    private let maxHeight: Int?
    private let presets: [String]

    /// Heights of the usual names.
    private static let heights = [
        "480p": 480, "720p": 720, "1080p": 1_080, "1440p": 1_440, "4k": 2_160, "2160p": 2_160,
    ]

    init(_ fields: inout FieldReader) {
        width = fields.int("width", atLeast: 1)
        height = fields.int("height", atLeast: 1)
        minWidth = fields.int("min_width", atLeast: 1)
        minHeight = fields.int("min_height", atLeast: 1)
        maxWidth = fields.int("max_width", atLeast: 1)
        maxHeight = fields.int("max_height", atLeast: 1)
        presets = fields.strings(anyOf: ["presets"]).map { $0.lowercased() }
        for preset in presets where Self.heights[preset] == nil {
            fields.error(
                "there is no preset '\(preset)'; expected one of: \(Self.heights.keys.sorted().joined(separator: ", "))",
                at: "presets")
        }
    }

    func judge(_ kind: String, _ media: [CheckSubject.Media]) -> CheckResult {
        MediaRules.size(kind, media) { w, h in
            w == width ?? w && h == height ?? h && w >= minWidth ?? 0 && h >= minHeight ?? 0
                && w <= maxWidth ?? .max && h <= maxHeight ?? .max
                && (presets.isEmpty || presets.contains { Self.heights[$0] == h })
        }
    }
}
