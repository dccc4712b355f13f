import Engine
import EngineSystem

/// What models cost.
enum PricesCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        do throws(EngineError) {
            let wiring = try Wiring(arguments)
            let words = arguments.words
            switch words.first {
            case "list", nil: return list(wiring, words.count > 1 ? words[1] : nil, arguments)
            case "update":
                guard words.count == 2 else {
                    throw EngineError(.invalidInput, "'prices update' needs a file", hint: Command.prices.usage)
                }
                return try update(wiring, Folders.absolute(words[1]))
            case .some(let word):
                return list(wiring, word, arguments)
            }
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    private static func list(_ wiring: Wiring, _ words: String?, _ arguments: Arguments) -> ExitCode {
        let table = wiring.prices()
        let entries = table.entries.filter { words.map($0.name.contains) ?? true }
        if arguments.has(.json) {
            let models = entries.map { (name: $0.name, value: $0.price.json) }
            Console.out(
                JSONValue.object([
                    "as_of": .string(table.asOf), "source": .string(table.source),
                    "age_days": age(table, wiring).map { .int($0) } ?? .null,
                    "models": .object(JSONObject(models.map { ($0.name, $0.value) })),
                ]).prettyText)
            return .done
        }
        let width = entries.map(\.name.count).max() ?? 0
        let head = ["input", "output", "cached", "written", "1 hour"].map { padded($0, 9) }.joined()
        if !entries.isEmpty { Console.out("US dollars per million tokens".padding(width) + head + "  window") }
        for entry in entries {
            Console.out(entry.name.padding(width) + columns(entry.price.rates) + window(entry.price))
            for tier in entry.price.tiers {
                Console.out("  over \(NumberText.grouped(tier.over)) sent".padding(width) + columns(tier.rates))
            }
        }
        let days = age(table, wiring)
        let old = days.map { $0 == 0 ? "today's" : "\($0) day\($0 == 1 ? "" : "s") old" } ?? "of unknown age"
        Console.err("\(entries.count) models; prices of \(table.asOf), \(old); source: \(table.source)")
        if let days, days > 60 {
            Console.err("hint: 'cleo-tui prices update FILE' takes newer ones, such as LiteLLM's")
        }
        return entries.isEmpty ? .failed : .done
    }

    private static func columns(_ rates: ModelPrice.Rates) -> String {
        [rates.input, rates.output, rates.cacheRead, rates.cacheWrite, rates.cacheWriteLong].map { rate in
            padded(rate.map { JSONValue.double($0).text } ?? "–", 9)
        }.joined()
    }

    private static func window(_ price: ModelPrice) -> String {
        price.contextWindow.map { "  " + NumberText.grouped($0) } ?? ""
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }

    private static func age(_ table: PriceTable, _ wiring: Wiring) -> Int? {
        let parts = table.asOf.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3 else { return nil }
        return max(0, wiring.clock.now().milliseconds / 86_400_000 - HTTPDate.days(parts[0], parts[1], parts[2]))
    }

    private static func update(_ wiring: Wiring, _ path: String) throws(EngineError) -> ExitCode {
        let bytes = try wiring.files.read(path)
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONParser.parse(bytes)
        } catch {
            throw EngineError(
                .invalidInput, "'\(path)' is not JSON: \(error.message), at character \(error.offset + 1)")
        }
        let day = LocalTime.text(wiring.clock.now()).prefix(10)
        let read = try PriceImport.read(SourceDocument(file: path, value: value, json: bytes), day: String(day))
        try DiskFiles.write(read.text, to: wiring.pricesFile, mayReplace: true)
        Console.err("\(read.models) models from \(read.kind.rawValue)'s file, kept in \(wiring.pricesFile)")
        return .done
    }
}

extension String {
    fileprivate func padding(_ width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
