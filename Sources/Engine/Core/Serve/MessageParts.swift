/// The parts of a facade's message as the engine takes them: images as they are, texts among the words.
struct MessageParts {
    /// A part that nothing can be made of.
    struct Refusal: Error {
        var code: String
        var message: String
    }

    private(set) var attachments: [Attachment] = []
    /// What follows the message's own text.
    private(set) var more = ""

    private static let countLimit = 20
    private static let textLimit = 256 << 10
    private static let bytesLimit = 16 << 20
    private var bytes = 0

    init(_ parts: JSONValue?, _ uploads: ServedUploads, now: Timestamp) throws(Refusal) {
        let media = (parts?.array ?? []).filter { $0["type"] != "text" }
        guard media.count <= Self.countLimit else {
            throw Refusal(code: "INVALID_MESSAGE", message: "more than \(Self.countLimit) files in one message")
        }
        for part in media { try add(part["media"], part["type"]?.string ?? "", uploads, now) }
    }

    /// What OpenAI calls `image_url`, as a part of a facade's message.
    static func parts(ofChat content: JSONValue?) -> JSONValue {
        let images = (content?.array ?? []).compactMap { part -> JSONValue? in
            guard part["type"] == "image_url", let url = part["image_url"]?["url"]?.string else { return nil }
            let data = url.hasPrefix("data:") ? url.firstRange(of: ";base64,").map { url[$0.upperBound...] } : nil
            let media: JSONObject = data.map { ["data": .string(String($0))] } ?? [:]
            return ["type": "image", "media": .object(media)]
        }
        return .array(images)
    }

    private mutating func add(
        _ media: JSONValue?, _ type: String, _ uploads: ServedUploads, _ now: Timestamp
    ) throws(Refusal) {
        var name = media?["filename"]?.string ?? type
        var mediaType = media?["mime_type"]?.string ?? ""
        let bytes: [UInt8]
        if let data = media?["data"]?.string {
            guard let read = Encodings.fromBase64(data) else {
                throw Refusal(code: "INVALID_MESSAGE", message: "the data of '\(Self.shown(name))' is no Base64")
            }
            bytes = read
        } else if let reference = media?["storage_ref"]?.string {
            guard let upload = uploads.file(reference, now: now) else {
                throw Refusal(code: "INVALID_MESSAGE", message: "there is no file '\(Self.shown(reference))' here")
            }
            (name, mediaType, bytes) = (upload.filename, upload.mediaType, upload.bytes ?? [])
        } else {
            throw Refusal(
                code: "UNSATISFIABLE_FORMAT",
                message: "a file has to come as 'data' or 'storage_ref': nothing is fetched")
        }
        self.bytes += bytes.count
        guard self.bytes <= Self.bytesLimit else {
            throw Refusal(
                code: "INVALID_MESSAGE",
                message: "the files of one message are larger than \(Self.bytesLimit >> 20) MiB")
        }
        if type != "image", mediaType.hasPrefix("text/") || mediaType == "application/json" {
            guard bytes.count <= Self.textLimit, let text = String(validating: bytes, as: UTF8.self) else {
                throw Refusal(
                    code: "UNSATISFIABLE_FORMAT",
                    message: "'\(Self.shown(name))' is no text of at most \(Self.textLimit >> 10) KiB")
            }
            more += "\n\n\(Self.shown(name)):\n\(text)"
            return
        }
        do throws(EngineError) {
            attachments.append(try ImageFiles.attachment(name: Self.shown(name), bytes: bytes))
        } catch {
            throw Refusal(code: "UNSATISFIABLE_FORMAT", message: error.message)
        }
    }

    private static func shown(_ name: String) -> String { SafeText.oneLine(name, limit: 120) }
}
