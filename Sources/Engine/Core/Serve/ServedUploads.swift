import Synchronization

/// Files on their way into messages: kept in memory, for a while, and never more than so many bytes
/// (AltairaLabs/Omnia, `internal/media/handler.go`).
final class ServedUploads: Sendable {
    struct Upload: Sendable {
        var session: String
        var filename: String
        var mediaType: String
        var size: Int
        var created: Timestamp
        var until: Timestamp
        var bytes: [UInt8]?
    }

    static let fileLimit = 16 << 20
    private static let allLimit = 128 << 20
    private static let countLimit = 1_000
    /// Of one session's files together, and of a name.
    private static let sessionLimit = 64 << 20
    private static let nameLimit = 255
    private static let lifetime = 15 * 60_000

    private let uploads = Mutex<[String: Upload]>([:])

    /// What is wrong with a request, in the original's words; nil when it is well.
    static func objection(_ wanted: JSONValue?) -> String? {
        guard let wanted, wanted.object != nil else { return "upload_request field is required" }
        if wanted["filename"]?.string?.isEmpty != false { return "filename is required" }
        if wanted["mime_type"]?.string?.isEmpty != false { return "mime_type is required" }
        for name in ["filename", "mime_type", "session_id"] where wanted[name]?.string?.utf8.count ?? 0 > nameLimit {
            return "\(name) is longer than \(nameLimit) bytes"
        }
        guard let size = wanted["size_bytes"]?.int, size > 0 else { return "size_bytes must be positive" }
        return size > fileLimit ? "the file is larger than \(fileLimit >> 20) MiB" : nil
    }

    static func reference(_ id: String, _ session: String) -> String { "omnia://sessions/\(session)/media/\(id)" }

    /// A place for a file.
    /// - Parameter wanted: of which `objection` says nothing.
    /// - Returns: what the client is told; nil when too much is kept already.
    func prepare(_ wanted: JSONValue, session: String, id: String, base: String, now: Timestamp) -> JSONValue? {
        let upload = Upload(
            session: session, filename: wanted["filename"]?.string ?? "", mediaType: wanted["mime_type"]?.string ?? "",
            size: wanted["size_bytes"]?.int ?? 0, created: now,
            until: Timestamp(milliseconds: now.milliseconds + Self.lifetime))
        let fits = uploads.withLock { uploads in
            uploads = uploads.filter { $0.value.until > now }
            let kept = uploads.values.reduce(0) { $0 + $1.size }
            let own = uploads.values.reduce(0) { $0 + ($1.session == session ? $1.size : 0) }
            guard uploads.count < Self.countLimit, kept + upload.size <= Self.allLimit,
                own + upload.size <= Self.sessionLimit
            else { return false }
            uploads[id] = upload
            return true
        }
        guard fits else { return nil }
        return [
            "upload_id": .string(id), "upload_url": .string("\(base)/media/upload/\(id)"),
            "storage_ref": .string(Self.reference(id, session)), "expires_at": .string(upload.until.utcText),
        ]
    }

    /// The file that a message names.
    func file(_ reference: String, now: Timestamp) -> Upload? {
        uploads.withLock { uploads in
            guard let id = reference.split(separator: "/").last.map(String.init), let upload = uploads[id],
                upload.until > now, upload.bytes != nil, Self.reference(id, upload.session) == reference
            else { return nil }
            return upload
        }
    }

    // MARK: HTTP

    static let root = "/media/"

    /// - Parameter id: for a new upload.
    func answer(_ request: ServerRequest, id: String, base: String, now: Timestamp) -> ServerResponse {
        let parts = request.path.dropFirst(Self.root.count).split(separator: "/").map(String.init)
        switch (request.method, parts.first, parts.count) {
        case ("POST", "request-upload", 1):
            let wanted = try? JSONParser.parse(request.body)
            if let words = Self.objection(wanted) { return .text(400, words) }
            let session = wanted?["session_id"]?.string ?? ""
            guard let ready = prepare(wanted ?? [:], session: session, id: id, base: base, now: now) else {
                return .text(507, "too many files wait already")
            }
            return .json(200, ready)
        case ("PUT", "upload", 2): return put(parts[1], request.body, now: now)
        case ("POST", "confirm-upload", 2):
            let isThere = uploads.withLock { $0[parts[1]]?.bytes != nil }
            return isThere ? ServerResponse(204, [], []) : .text(404, "no such upload")
        case ("GET", "info", 3), ("GET", "download", 3):
            guard let upload = file(Self.reference(parts[2], parts[1]), now: now), let bytes = upload.bytes else {
                return .text(404, "no such file")
            }
            guard parts[0] == "info" else {
                // A page that it is might act in this server's name.
                return ServerResponse(
                    200,
                    [
                        Header("Content-Type", "application/octet-stream"), Header("Content-Disposition", "attachment"),
                        Header("X-Content-Type-Options", "nosniff"),
                    ], bytes)
            }
            return .json(
                200,
                [
                    "StorageRef": .string(Self.reference(parts[2], parts[1])), "Filename": .string(upload.filename),
                    "MIMEType": .string(upload.mediaType), "SizeBytes": .int(bytes.count),
                    "CreatedAt": .string(upload.created.utcText), "ExpiresAt": .string(upload.until.utcText),
                ])
        default: return .text(404, "there is nothing here")
        }
    }

    private func put(_ id: String, _ bytes: [UInt8], now: Timestamp) -> ServerResponse {
        uploads.withLock { uploads in
            guard var upload = uploads[id], upload.until > now else { return .text(404, "no such upload") }
            guard bytes.count <= upload.size else {
                return .text(413, "the file is larger than was said: \(upload.size) bytes")
            }
            upload.bytes = bytes
            uploads[id] = upload
            return ServerResponse(204, [], [])
        }
    }
}
