/// Images that a person sends along.
package enum ImageFiles {
    /// The smallest of the vendors' limits.
    package static let limit = 5 << 20

    /// - Parameter media: what the prompt says of attachments.
    /// - Throws: `invalidInput` for what is no image; `tooLarge`, `refused` by the limits.
    package static func attachment(
        _ path: String, files: any FileSource, media: MediaLimits? = nil
    ) throws(EngineError) -> Attachment {
        try attachment(
            name: String(path.split(separator: "/").last ?? Substring(path)), bytes: try files.read(path), media: media)
    }

    /// The same for bytes that are there.
    static func attachment(
        name: String, bytes: [UInt8], media: MediaLimits? = nil
    ) throws(EngineError) -> Attachment {
        guard let type = mediaType(bytes) else {
            throw EngineError(
                .invalidInput, "'\(name)' is no image that models take", hint: "PNG, JPEG, GIF and WebP can be sent")
        }
        let own = media?.kinds["image"]
        let most = min(own?.maxMegabytes.map { $0 << 20 } ?? limit, limit)
        guard bytes.count <= most else {
            throw EngineError(
                .tooLarge, "'\(name)' has \(bytes.count >> 10) KiB; at most \(most >> 10) KiB can be sent")
        }
        if let media, !media.enabled || !(media.types.isEmpty || media.types.contains("image")) {
            throw EngineError(.refused, "the prompt takes no images ('media')")
        }
        let format = String(type.dropFirst(6))
        if let formats = own?.formats, !formats.isEmpty, !formats.contains(format),
            !(format == "jpeg" && formats.contains("jpg"))
        {
            throw EngineError(
                .refused, "the prompt takes images as \(formats.joined(separator: ", ")), and '\(name)' is \(format)")
        }
        return Attachment(name: name, mediaType: type, data: Encodings.base64(bytes))
    }

    /// By the first bytes: names lie.
    static func mediaType(_ bytes: [UInt8]) -> String? {
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return "image/png" }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
        if bytes.starts(with: Array("GIF8".utf8)) { return "image/gif" }
        let isWebP = bytes.starts(with: Array("RIFF".utf8)) && bytes.dropFirst(8).starts(with: Array("WEBP".utf8))
        return isWebP ? "image/webp" : nil
    }
}
