/// What the built-in tools need of the machine.

/// A folder that nothing leads out of: paths are relative to it, and links that leave it are refused. The calls wait
/// for the disk.
package protocol ConfinedFolder: Sendable {
    /// - Returns: files and folders, sorted by name; hidden ones are left out.
    func list(_ path: String) throws(EngineError) -> [FolderEntry]
    func read(_ path: String, limit: Int) throws(EngineError) -> [UInt8]
    /// Writes a file whole or not at all; folders on the way are made.
    func write(_ path: String, _ bytes: [UInt8]) throws(EngineError)
    /// Runs something that waits for the disk on a thread of its own.
    /// - Parameter work: is told, when it asks, whether the task was cancelled; then it ends soon.
    func apart<Value: Sendable>(
        _ work: @escaping @Sendable (_ isCancelled: () -> Bool) -> Result<Value, EngineError>
    ) async throws(EngineError) -> Value
}

package struct FolderEntry: Sendable, Equatable {
    package var name: String
    package var isFolder: Bool
    package var bytes: Int
    package var modified: Timestamp

    package init(name: String, isFolder: Bool, bytes: Int, modified: Timestamp) {
        self.name = name
        self.isFolder = isFolder
        self.bytes = bytes
        self.modified = modified
    }
}

/// What an agent was told to remember.
package protocol Memories: Sendable {
    func remember(_ text: String, _ scope: MemoryScope) async throws(EngineError) -> Memory
    /// The best matches in any of the scopes first; without words, the newest.
    func recall(_ words: String, _ scopes: [MemoryScope], limit: Int) async throws(EngineError) -> [Memory]
    /// - Returns: whether there was such a one in the scopes.
    func forget(_ id: Int, _ scopes: [MemoryScope]) async throws(EngineError) -> Bool
}

/// Whose memory it is.
package struct MemoryScope: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Every agent of this person.
        case user
        /// This agent alone.
        case agent
        /// This conversation alone.
        case session
    }

    package var kind: Kind
    /// Empty for the user.
    package var owner: String

    package init(_ kind: Kind, owner: String = "") {
        self.kind = kind
        self.owner = owner
    }
}

package struct Memory: Sendable, Equatable {
    package var id: Int
    package var scope: MemoryScope.Kind
    package var text: String
    package var at: Timestamp

    package init(id: Int, scope: MemoryScope.Kind, text: String, at: Timestamp) {
        self.id = id
        self.scope = scope
        self.text = text
        self.at = at
    }
}

/// Passages of documents, found by words and by vectors.
package protocol PassageIndex: Sendable {
    /// The files that are in it, with their state when they were read.
    func files() async throws(EngineError) -> [String: IndexedFile]
    /// Puts a file's passages in the place of those that it had; an empty list takes it away.
    func put(_ path: String, _ state: IndexedFile, _ passages: [Passage]) async throws(EngineError)
    /// Best first (BM25).
    func search(_ words: String, limit: Int) async throws(EngineError) -> [Passage]
    /// Passages that have no vector of this model yet.
    func withoutVector(_ model: String, limit: Int) async throws(EngineError) -> [Passage]
    func put(_ vectors: [(passage: Int, vector: [Float])], _ model: String) async throws(EngineError)
    /// The nearest by cosine, best first.
    func nearest(to vector: [Float], _ model: String, limit: Int) async throws(EngineError) -> [Passage]
}

package struct IndexedFile: Sendable, Equatable {
    package var bytes: Int
    package var modified: Timestamp

    package init(bytes: Int, modified: Timestamp) {
        self.bytes = bytes
        self.modified = modified
    }
}

package struct Passage: Sendable, Equatable {
    package var id: Int
    package var path: String
    /// Of its first line, from one on.
    package var line: Int
    package var text: String

    package init(id: Int = 0, path: String, line: Int, text: String) {
        self.id = id
        self.path = path
        self.line = line
        self.text = text
    }
}

/// Makes vectors of texts.
package protocol Embedder: Sendable {
    var model: String { get }
    /// - Returns: one vector per text, all of one length.
    func vectors(_ texts: [String]) async throws(EngineError) -> [[Float]]
}
