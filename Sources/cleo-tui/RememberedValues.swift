import Engine
import EngineSystem
import Synchronization

/// Values for variables that a person gave on the screen, kept for each workspace in a file beside the conversations.
final class RememberedValues: Sendable {
    private let path: String
    private let state: Mutex<[String: JSONValue]>

    init(folder: String, workspace: String) {
        path = folder + "/variables/" + String(FNV1a.hash(workspace), radix: 16) + ".json"
        let bytes = (try? DiskFiles(root: "/").read(path)) ?? []
        let stored = (try? JSONParser.parse(bytes))?["values"]?.object ?? JSONObject()
        state = Mutex(Dictionary(stored.map { ($0, $1) }) { $1 })
    }

    var values: [String: JSONValue] { state.withLock { $0 } }

    /// Keeps values; null takes one back. A value whose name says that it is secret is not written down.
    func keep(_ values: [String: JSONValue]) {
        let all = state.withLock { kept in
            for (name, value) in values { kept[name] = value.isNull ? nil : value }
            return kept
        }
        let open = all.filter { !WorkspaceVariables.isSecret($0.key) }.sorted { $0.key < $1.key }
        let document: JSONValue = ["values": .object(JSONObject(open.map { ($0.key, $0.value) }))]
        // What cannot be kept is asked for again.
        try? DiskFiles.write(document.prettyText + "\n", to: path, mayReplace: true)
    }
}
