import Engine
import EngineSystem
import Panes

extension Wiring {
    /// What `/model` offers: the workspace's provider files, and the models of vendors whose key is at hand.
    var modelOptions: [ModelOption] {
        let names = WorkspaceLoader.providerNames(files)
        var options = names.map { ModelOption(name: $0, note: "providers/") }
        let entries = prices().entries
        for kind in [ProviderConfig.Kind.claude, .openai, .gemini] {
            let config = ProviderConfig(name: kind.rawValue, kind: kind)
            guard config.usualVariables.contains(where: { variables.value(of: $0)?.isEmpty == false }) else { continue }
            for entry in entries where entry.name.hasPrefix(config.vendor + "/") {
                let model = entry.name.dropFirst(config.vendor.count + 1)
                options.append(ModelOption(name: "\(kind.rawValue)/\(model)", note: Self.note(entry.price)))
            }
        }
        return options + [ModelOption(name: "mock", note: "plays a script")]
    }

    private static func note(_ price: ModelPrice) -> String {
        func dollars(_ rate: Double) -> String { "$" + JSONValue.double(rate).text }
        let window = price.contextWindow.map { "  \(NumberText.grouped($0 / 1_000))k" } ?? ""
        return "\(dollars(price.rates.input)) in  \(dollars(price.rates.output)) out\(window)"
    }
}
