/// Finds passages in folders of documents: by words (BM25), and by meaning where an embedding model is configured. The
/// two lists become one by their ranks (reciprocal rank fusion, Cormack et al. 2009).
package actor RetrieveTools {
    private let folder: any ConfinedFolder
    private let folders: [String]
    private let index: any PassageIndex
    private let embedder: (any Embedder)?
    /// The one refresh that runs at a time.
    private let refreshing = SharedWork<String?>()

    private static let fileLimit = 2 << 20
    private static let filesLimit = 20_000
    /// A passage ends at the first blank line after this many bytes.
    private static let passageBytes = 900
    private static let passageLimit = 2_000
    private static let batch = 64
    private static let rankConstant = 60.0

    package init(_ folder: any ConfinedFolder, folders: [String], index: any PassageIndex, embedder: (any Embedder)?) {
        self.folder = folder
        self.folders = folders
        self.index = index
        self.embedder = embedder
    }

    package nonisolated var tools: [BuiltInTool] {
        [
            BuiltInTool(
                "retrieve",
                "Finds passages in the documents of: \(folders.joined(separator: ", ")). Each comes with its file and line.",
                [
                    "query": Argument.text("a question, or words"),
                    "limit": Argument.number("how many passages; 5 when not given", 1...50),
                ], required: ["query"]
            ) { call async throws(EngineError) in try await self.retrieve(call) }
        ]
    }

    private func retrieve(_ call: BuiltInCall) async throws(EngineError) -> ToolAnswer {
        let (query, limit) = (call.text("query"), call.number("limit", 5))
        let problem = try await refreshed(call)
        var lists = [try await index.search(query, limit: 4 * limit)]
        var words: String?
        if let embedder, problem == nil {
            do throws(EngineError) {
                let vector = try await embedder.vectors([query]).first ?? []
                lists.append(try await index.nearest(to: vector, embedder.model, limit: 4 * limit))
            } catch {
                words = error.message
            }
        }
        let found = Self.fused(lists).prefix(limit)
        let passages: [JSONValue] = found.map {
            ["file": .string($0.path), "line": .int($0.line), "text": .string($0.text)]
        }
        var value: JSONObject = ["passages": .array(passages)]
        // A model that knows that only words were compared asks with other words.
        if let words = problem ?? words { value["note"] = .string("found by words only: \(words)") }
        var answer = ToolAnswer(text: JSONValue.object(value).text)
        answer.structured = .object(value)
        answer.attributes["cleo.retrieve.lists"] = .int(lists.count)
        return answer
    }

    static func fused(_ lists: [[Passage]]) -> [Passage] {
        var scores: [Int: (score: Double, passage: Passage)] = [:]
        for list in lists {
            for (rank, passage) in list.enumerated() {
                scores[passage.id, default: (0, passage)].score += 1 / (rankConstant + Double(rank + 1))
            }
        }
        return scores.values.sorted { ($0.score, -$0.passage.id) > ($1.score, -$1.passage.id) }.map(\.passage)
    }

    // MARK: keeping up with the files

    /// - Returns: why there are no vectors; nil when there are, or none are wanted.
    private func refreshed(_ call: BuiltInCall) async throws(EngineError) -> String? {
        try await refreshing.run { [weak self] () async throws(EngineError) -> String? in
            try await self?.readFiles(call)
            return await self?.embed(call)
        }
    }

    private func readFiles(_ call: BuiltInCall) async throws(EngineError) {
        let known = try await index.files()
        let (folder, folders) = (folder, folders)
        let present = try await folder.apart { isCancelled in
            Result { () throws(EngineError) in
                var present: [String: IndexedFile] = [:]
                for start in folders {
                    try FolderWalk.files(folder, below: start, limit: Self.filesLimit) { path, entry in
                        if entry.bytes <= Self.fileLimit {
                            present[path] = IndexedFile(bytes: entry.bytes, modified: entry.modified)
                        }
                        return !isCancelled()
                    }
                }
                return present
            }
        }
        for path in known.keys where present[path] == nil {
            try await index.put(path, IndexedFile(bytes: 0, modified: Timestamp(milliseconds: 0)), [])
        }
        let changed = present.filter { known[$0.key] != $0.value }.sorted { $0.key < $1.key }
        for (done, (path, state)) in changed.enumerated() {
            if Task.isCancelled { throw EngineError(.cancelled, "cancelled") }
            let passages = await passages(path)
            try await index.put(path, state, passages)
            if done % 50 == 0, changed.count > 50 {
                await call.host.progressed(
                    ToolProgress(
                        call: call.id, progress: Double(done), total: Double(changed.count), message: "reading \(path)")
                )
            }
        }
    }

    private func passages(_ path: String) async -> [Passage] {
        let folder = folder
        return
            (try? await folder.apart { _ in
                Result { () throws(EngineError) in
                    FileTools.text(try folder.read(path, limit: Self.fileLimit)).map { Self.passages(of: $0, path) }
                        ?? []
                }
            }) ?? []
    }

    /// Cuts a text at blank lines and headings, so that each passage can be read alone.
    static func passages(of text: String, _ path: String) -> [Passage] {
        var passages: [Passage] = []
        var lines: [Substring] = []
        var (bytes, first) = (0, 1)
        func end(_ next: Int) {
            let whole = lines.joined(separator: "\n")
            if whole.contains(where: { !$0.isWhitespace }) {
                passages.append(Passage(path: path, line: first, text: whole))
            }
            (lines, bytes, first) = ([], 0, next)
        }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let isBlank = line.allSatisfy(\.isWhitespace)
            let isHeading = line.hasPrefix("#")
            if (isHeading && bytes > Self.passageBytes / 4) || bytes + line.utf8.count > Self.passageLimit {
                end(index + 1)
            }
            lines.append(line.prefix(Self.passageLimit))
            bytes += line.utf8.count + 1
            if isBlank, bytes > Self.passageBytes { end(index + 2) }
        }
        end(0)
        return passages
    }

    /// - Returns: what went wrong; words are still compared then.
    private func embed(_ call: BuiltInCall) async -> String? {
        guard let embedder else { return nil }
        var done = 0
        do throws(EngineError) {
            while true {
                let waiting = try await index.withoutVector(embedder.model, limit: Self.batch)
                guard !waiting.isEmpty else { return nil }
                let vectors = try await embedder.vectors(waiting.map(\.text))
                guard vectors.count == waiting.count else {
                    return "'\(embedder.model)' gave \(vectors.count) vectors for \(waiting.count) texts"
                }
                try await index.put(Array(zip(waiting.map(\.id), vectors)), embedder.model)
                done += waiting.count
                await call.host.progressed(
                    ToolProgress(call: call.id, progress: Double(done), message: "\(done) passages have vectors"))
            }
        } catch {
            return error.message
        }
    }
}
