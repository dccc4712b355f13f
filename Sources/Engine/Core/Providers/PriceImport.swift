/// Price files of others, as a table of ours: LiteLLM's (`model_prices_and_context_window.json`) and the project's own.
package enum PriceImport {
    package enum Kind: String, Sendable { case own = "cleo-tui", litellm = "LiteLLM" }

    /// - Parameters:
    ///   - day: of the data, where the file does not say: `2026-11-20`.
    /// - Returns: what kind of file it is, and the table as the project's own file writes it.
    /// - Throws: `invalidInput` for what is no price file.
    package static func read(
        _ document: SourceDocument, day: String
    ) throws(EngineError) -> (kind: Kind, text: String, models: Int) {
        if document.value["models"]?.object != nil, document.value["as_of"] != nil {
            let loaded = PriceTable.load(document)
            guard loaded.value != nil else {
                throw EngineError(
                    .invalidInput, loaded.diagnostics.first?.description ?? "'\(document.file)' cannot be read")
            }
            return (.own, document.value.prettyText + "\n", document.value["models"]?.object?.count ?? 0)
        }
        guard let entries = document.value.object,
            entries.contains(where: { $1["input_cost_per_token"] != nil && $1["litellm_provider"] != nil })
        else {
            throw EngineError(
                .invalidInput, "'\(document.file)' is no price file",
                hint:
                    "LiteLLM's model_prices_and_context_window.json is read, and the form of the table that comes with "
                    + "cleo-tui: {as_of, source, models: {\"vendor/model\": {input, output, …}}}")
        }
        var models = JSONObject()
        for (name, entry) in entries where name != "sample_spec" {
            guard let vendor = vendor(entry), let fields = fields(entry) else { continue }
            let bare = name.hasPrefix(vendor + "/") ? String(name.dropFirst(vendor.count + 1)) : name
            models["\(vendor)/\(bare)"] = .object(fields)
        }
        let table: JSONObject = [
            "as_of": .string(day), "source": .string("LiteLLM, \(document.file.split(separator: "/").last ?? "")"),
            "unit": "USD per 1,000,000 tokens", "models": .object(models),
        ]
        return (.litellm, JSONValue.object(table).prettyText + "\n", models.count)
    }

    /// Only what a conversation can be had with.
    private static func vendor(_ entry: JSONValue) -> String? {
        let mode = entry["mode"]?.string ?? "chat"
        guard mode == "chat" || mode == "responses", let name = entry["litellm_provider"]?.string else { return nil }
        return name.hasPrefix("vertex_ai-language") ? "gemini" : name
    }

    /// Dollars per million tokens, and tiers under the number of tokens above which they hold.
    private static func fields(_ entry: JSONValue) -> JSONObject? {
        let names = [
            ("input_cost_per_token", "input"), ("output_cost_per_token", "output"),
            ("cache_read_input_token_cost", "cache_read"), ("cache_creation_input_token_cost", "cache_write"),
            ("cache_creation_input_token_cost_above_1hr", "cache_write_1h"),
        ]
        func rates(_ suffix: String) -> JSONObject {
            JSONObject(
                names.compactMap { key, name in
                    entry[key + suffix]?.double.map { (name, .double(($0 * 1e9).rounded() / 1e3)) }
                })
        }
        var fields = rates("")
        guard fields["input"] != nil, fields["output"] != nil else { return nil }
        if let window = entry["max_input_tokens"]?.int { fields["context_window"] = .int(window) }
        var tiers = JSONObject()
        for key in entry.object?.keys ?? [] {
            guard let start = key.firstRange(of: "input_cost_per_token_above_"), start.lowerBound == key.startIndex,
                key.hasSuffix("k_tokens"), let thousands = Int(key[start.upperBound...].dropLast(8))
            else { continue }
            var tier = rates("_above_\(thousands)k_tokens")
            for name in ["output", "cache_read", "cache_write"] where tier[name] == nil { tier[name] = fields[name] }
            tiers[String(thousands * 1_000)] = .object(tier)
        }
        if !tiers.isEmpty { fields["over"] = .object(tiers) }
        return fields
    }
}
