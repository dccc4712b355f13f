/// Files that the person sends along.
extension RemoteClient {
    /// Above this, bytes go to the server's storage instead of into the message.
    static let inlineLimit = 512 << 10

    /// - Returns: nil when the turn has failed over it.
    func part(of attachment: Attachment) async -> JSONValue? {
        let kind = attachment.mediaType.prefix { $0 != "/" }
        let type = ["image", "audio", "video"].contains(kind) ? String(kind) : "file"
        func part(_ source: (String, String)) -> JSONValue {
            [
                "type": .string(type),
                "media": [
                    source.0: .string(source.1), "mime_type": .string(attachment.mediaType),
                    "filename": .string(attachment.name),
                ],
            ]
        }
        let inline = part(("data", attachment.data))
        guard let uploader, attachment.data.utf8.count > Self.inlineLimit,
            let bytes = Encodings.fromBase64(attachment.data), let session = remote
        else { return inline }
        let ready: Result<FacadeUpload, EngineError> = await withCheckedContinuation { continuation in
            guard upload == nil else {
                return continuation.resume(returning: .failure(EngineError(.busy, "another upload runs")))
            }
            upload = continuation
            Task { await self.request(attachment, bytes.count, session) }
        }
        switch ready {
        case .failure:
            // Agents without storage take small files as they are.
            return inline
        case .success(let place):
            let call = CallID(ids.next("upload"))
            let title = "upload \(attachment.name)"
            journal.emit(
                .toolCallStarted(
                    ToolCallStarted(call: ToolCall(id: call, tool: title, arguments: [:]), handler: address.name)),
                turn?.id)
            let began = clock.now().milliseconds
            var outcome = ToolOutcome(call: call, tool: title, status: .ok, text: place.reference)
            do throws(EngineError) {
                try await uploader.put(bytes, mediaType: attachment.mediaType, to: place.url) { [weak self] part in
                    await self?.progressed(call, part, bytes.count)
                }
            } catch {
                outcome.status = .failed
                outcome.text = "Error: \(error.message)"
            }
            outcome.milliseconds = clock.now().milliseconds - began
            journal.emit(.toolCallFinished(outcome), turn?.id)
            guard outcome.status == .ok else {
                failTurn("UPLOAD_FAILED", outcome.text, hint: "the message was not sent; Alt-r says it again")
                return nil
            }
            return part(("storage_ref", place.reference))
        }
    }

    private func progressed(_ call: CallID, _ part: Double, _ bytes: Int) {
        journal.emit(
            .toolProgress(ToolProgress(call: call, progress: part * Double(bytes), total: Double(bytes))), turn?.id)
    }

    private func request(_ attachment: Attachment, _ bytes: Int, _ session: String) async {
        let sent = await link.send(
            FacadeRequest.upload(
                session: session, filename: attachment.name, mediaType: attachment.mediaType, bytes: bytes
            ).json)
        if !sent { uploadRefused(EngineError(.unreachable, "there is no connection")) }
        try? await clock.sleep(milliseconds: 15_000)
        uploadRefused(EngineError(.timedOut, "the server gave no place for the file"))
    }

    func uploadReady(_ place: FacadeUpload) {
        let waiting = upload
        upload = nil
        waiting?.resume(returning: .success(place))
    }

    func uploadRefused(_ error: EngineError) {
        let waiting = upload
        upload = nil
        waiting?.resume(returning: .failure(error))
    }
}
