extension PackShape {
    static let media = Shape.object(
        [
            .need("enabled", .boolean), Field("supported_types", .list(.text(TextRule(form: .mediaType)))),
            Field("image", image), Field("audio", audio), Field("video", video), Field("document", document),
            Field("examples", .list(example)),
        ],
        rest: .shaped(.one([image, audio, video, document, otherMedia])))

    private static func formats(_ words: String...) -> Shape {
        .list(.all([.text(), .only(.promptKit, .text(TextRule(words: words)))]))
    }

    private static let size = Field("max_size_mb", .integer(min: 1))

    private static let image = Shape.object([
        size, Field("allowed_formats", formats("jpeg", "jpg", "png", "webp", "gif", "bmp")),
        Field("default_detail", .all([.text(), .only(.promptKit, .word("low", "high", "auto"))])),
        Field("require_caption", .boolean), Field("max_images_per_msg", .integer(min: 1)),
    ])

    private static let audio = Shape.object([
        size, Field("allowed_formats", formats("mp3", "wav", "opus", "flac", "m4a", "aac", "ogg")),
        Field("max_duration_sec", .integer(min: 1)), Field("require_metadata", .boolean),
    ])

    private static let video = Shape.object([
        size, Field("allowed_formats", formats("mp4", "webm", "mov", "avi", "mkv")),
        Field("max_duration_sec", .integer(min: 1)), Field("require_metadata", .boolean),
    ])

    private static let document = Shape.object([
        size, Field("allowed_formats", .texts), Field("max_pages", .integer(min: 1)),
        Field("require_metadata", .boolean), Field("extraction_mode", .word("text", "structured", "raw")),
    ])

    private static let otherMedia = Shape.object(
        [
            size, Field("allowed_formats", .texts), Field("require_metadata", .boolean),
            Field("validation_params", .object([], rest: .open)),
        ], rest: .open)

    private static let example = Shape.object([
        .need("name", .text()), Field("description", .text()), .need("role", .word("user", "assistant", "system")),
        .need(
            "parts",
            .list(
                .object([
                    .need("type", .text(TextRule(form: .mediaType))), Field("text", .text()),
                    Field("media", mediaReference),
                ]), atLeast: 1)),
    ])

    private static let mediaReference = Shape.object([
        Field("file_path", .text()), Field("url", .text()), Field("base64", .text()), .need("mime_type", .text()),
        Field("detail", .word("low", "high", "auto")), Field("caption", .text()),
    ])
}
