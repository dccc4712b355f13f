/// What cannot be written is saved, and shown as a line.
extension RemoteClient {
    func show(_ part: FacadePart) {
        if part.type == "text" { return }
        if let bytes = part.bytes {
            keep(bytes, part.mediaType)
        } else if let reference = part.reference {
            note(.note, "\(part.type) (\(part.mediaType)): \(reference)")
        }
    }

    /// Of all media together whose end has not come.
    private static let mediaLimit = 64 << 20

    func take(_ chunk: FacadeMedia) {
        if droppedMedia.contains(chunk.id) {
            if chunk.isLast { droppedMedia.remove(chunk.id) }
            return
        }
        guard mediaBytes + chunk.bytes.count <= Self.mediaLimit, media.count < 1_000 else {
            mediaBytes -= media.removeValue(forKey: chunk.id)?.count ?? 0
            // What comes of it later is a piece, and no file.
            if !chunk.isLast, droppedMedia.count < 1_000 { droppedMedia.insert(chunk.id) }
            if !saidMediaLimit {
                saidMediaLimit = true
                note(
                    .warning,
                    "media of more than \(Self.mediaLimit >> 20) MiB have begun and not ended; more of them is dropped")
            }
            return
        }
        media[chunk.id, default: []] += chunk.bytes
        mediaBytes += chunk.bytes.count
        guard chunk.isLast, let bytes = media.removeValue(forKey: chunk.id) else { return }
        mediaBytes -= bytes.count
        saidMediaLimit = false
        keep(bytes, chunk.mediaType)
    }

    private func keep(_ bytes: [UInt8], _ mediaType: String) {
        do throws(EngineError) {
            let path = try save(mediaType, bytes)
            note(.note, "\(mediaType.isEmpty ? "a file" : mediaType), \(bytes.count) bytes: \(path)")
        } catch {
            note(.warning, "\(mediaType), \(bytes.count) bytes, could not be kept: \(error.message)")
        }
    }
}
