import Engine

/// A whole conversation on standard output.
enum Shown {
    static func print(_ events: [EngineEvent], asJSON: Bool) {
        if asJSON { return Console.out(JSONValue.array(events.map(\.json)).prettyText) }
        var transcript = Transcript()
        for event in events { transcript.apply(event) }
        for item in transcript.items { Console.out(PlainText.lines(of: item).joined(separator: "\n")) }
    }
}
