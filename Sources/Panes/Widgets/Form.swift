import Engine

/// Values that a person fills in, made from a JSON Schema of an object: a tool's arguments, or what a server asks.
struct Form {
    private enum Kind {
        case text, number, integer, json
        case choice([JSONValue])
        case many([JSONValue])
    }

    private struct Field {
        let name: String
        let title: String
        let about: String
        let kind: Kind
        let isRequired: Bool
        let schema: JSONValue
        let labels: [String]
        var editor = TextEditor()
        /// The chosen option; for several, where the cursor stands.
        var option: Int?
        var picked: Set<Int> = []
    }

    enum Outcome {
        case stays, closes
        case filled(JSONValue)
    }

    private var fields: [Field]
    private var row = 0
    /// What is wrong, for the field under the cursor.
    private var problem: String?
    /// Values that a server proposes for the field under the cursor.
    var suggestions: [String] = []
    /// Lines over the fields.
    let intro: [Line]

    /// - Parameter values: what stands there at first; defaults of the schema where nothing is given.
    init(schema: JSONValue, values: JSONValue = [:], intro: [Line] = []) {
        let required = schema["required"]?.array?.compactMap(\.string) ?? []
        self.intro = intro
        fields = (schema["properties"]?.object ?? JSONObject()).map { name, property in
            Self.field(name, property, required.contains(name), values[name] ?? property["default"])
        }
    }

    var isEmpty: Bool { fields.isEmpty }

    /// The field under the cursor and what it holds, where that is text.
    var current: (name: String, text: String)? {
        guard fields.indices.contains(row), case .text = fields[row].kind else { return nil }
        return (fields[row].name, fields[row].editor.text)
    }

    /// What the text fields hold.
    var texts: [String: String] {
        Dictionary(fields.filter { !$0.editor.isEmpty }.map { ($0.name, $0.editor.text) }) { first, _ in first }
    }

    private static func field(_ name: String, _ schema: JSONValue, _ isRequired: Bool, _ value: JSONValue?) -> Field {
        let kind: Kind
        var labels: [String] = []
        let options = options(of: schema)
        let items = schema["items"].flatMap(Self.options)
        let type = schema["type"]?.string ?? schema["type"]?.array?.compactMap(\.string).first { $0 != "null" }
        if let options {
            kind = .choice(options.values)
            labels = options.labels
        } else if type == "array", let items {
            kind = .many(items.values)
            labels = items.labels
        } else {
            switch type {
            case "boolean":
                kind = .choice([true, false])
                labels = ["yes", "no"]
            case "string": kind = .text
            case "integer": kind = .integer
            case "number": kind = .number
            default: kind = .json
            }
        }
        var field = Field(
            name: name, title: SafeText.oneLine(schema["title"]?.string ?? name, limit: 40),
            about: about(schema, type), kind: kind, isRequired: isRequired, schema: schema,
            labels: labels.map { SafeText.oneLine($0, limit: 60) })
        guard let value else { return field }
        switch kind {
        case .text: field.editor = TextEditor(value.string ?? value.text)
        case .number, .integer, .json: field.editor = TextEditor(value.text)
        case .choice(let values): field.option = values.firstIndex(of: value)
        case .many(let values):
            field.picked = Set((value.array ?? []).compactMap { values.firstIndex(of: $0) })
        }
        return field
    }

    /// The values of an `enum`, or of titled constants.
    private static func options(of schema: JSONValue) -> (values: [JSONValue], labels: [String])? {
        if let values = schema["enum"]?.array {
            let names = schema["enumNames"]?.array?.compactMap(\.string) ?? []
            return (values, values.enumerated().map { $0 < names.count ? names[$0] : $1.string ?? $1.text })
        }
        guard let choices = schema["oneOf"]?.array ?? schema["anyOf"]?.array, !choices.isEmpty else { return nil }
        let values = choices.compactMap { $0["const"] }
        guard values.count == choices.count else { return nil }
        return (values, choices.enumerated().map { $1["title"]?.string ?? values[$0].string ?? values[$0].text })
    }

    private static func about(_ schema: JSONValue, _ type: String?) -> String {
        let bounds = [
            ("minimum", "at least ", ""), ("maximum", "at most ", ""), ("minLength", "at least ", " characters"),
            ("maxLength", "at most ", " characters"), ("pattern", "must fit ", ""),
        ].compactMap { key, before, after in schema[key].map { "\(before)\($0.string ?? $0.text)\(after)" } }
        let parts = [schema["description"]?.string, schema["format"]?.string ?? type].compactMap(\.self) + bounds
        return SafeText.oneLine(parts.joined(separator: "; "), limit: 400)
    }

    // MARK: keys

    mutating func handle(_ key: Key, metrics: TextMetrics) -> Outcome {
        switch (key.code, key.modifiers) {
        case (.escape, _): return .closes
        case (.character("c"), .control): return .closes
        case (.enter, []), (.enter, .alt): return submit()
        case (.tab, []), (.down, []): move(1)
        case (.tab, .shift), (.up, []): move(-1)
        default: edit(key, metrics)
        }
        return .stays
    }

    mutating func insert(_ text: String) {
        guard fields.indices.contains(row) else { return }
        fields[row].editor.insert(text)
    }

    private mutating func move(_ step: Int) {
        guard !fields.isEmpty else { return }
        row = (row + step + fields.count) % fields.count
        problem = nil
        suggestions = []
    }

    private mutating func edit(_ key: Key, _ metrics: TextMetrics) {
        guard fields.indices.contains(row) else { return }
        problem = nil
        switch fields[row].kind {
        case .choice(let values):
            let at = fields[row].option
            switch key.code {
            case .left: fields[row].option = at.map { ($0 + values.count - 1) % values.count } ?? values.count - 1
            case .right, .character(" "): fields[row].option = at.map { ($0 + 1) % values.count } ?? 0
            case .backspace, .delete: fields[row].option = nil
            default: break
            }
        case .many(let values):
            let at = fields[row].option ?? 0
            switch key.code {
            case .left: fields[row].option = (at + values.count - 1) % values.count
            case .right: fields[row].option = (at + 1) % values.count
            case .character(" "):
                fields[row].option = at
                if fields[row].picked.remove(at) == nil { fields[row].picked.insert(at) }
            default: break
            }
        case .text, .number, .integer, .json:
            let isAtEnd = fields[row].editor.cursor == fields[row].editor.text.count
            if key.code == .right, isAtEnd, let first = suggestions.first {
                fields[row].editor.set(first)
                suggestions = []
                return
            }
            _ = fields[row].editor.handle(key, width: 10_000, metrics: metrics)
        }
    }

    private mutating func submit() -> Outcome {
        var values = JSONObject()
        for index in fields.indices {
            switch value(of: fields[index]) {
            case .success(let value?): values[fields[index].name] = value
            case .success(nil): break
            case .failure(let wrong):
                row = index
                problem = wrong.text
                return .stays
            }
        }
        return .filled(.object(values))
    }

    private struct Wrong: Error { var text: String }

    private func value(of field: Field) -> Result<JSONValue?, Wrong> {
        func wrong(_ text: String) -> Result<JSONValue?, Wrong> { .failure(Wrong(text: "\(field.title) \(text)")) }
        switch field.kind {
        case .choice(let values):
            guard let option = field.option else { return field.isRequired ? wrong("is needed") : .success(nil) }
            return .success(values[option])
        case .many(let values):
            let chosen = values.indices.filter(field.picked.contains).map { values[$0] }
            if chosen.isEmpty, !field.isRequired { return .success(nil) }
            if let least = field.schema["minItems"]?.int, chosen.count < least {
                return wrong("needs \(least) or more")
            }
            if let most = field.schema["maxItems"]?.int, chosen.count > most { return wrong("takes at most \(most)") }
            return .success(.array(chosen))
        case .text:
            let text = field.editor.text
            if text.isEmpty { return field.isRequired ? wrong("is needed") : .success(nil) }
            if let least = field.schema["minLength"]?.int, text.count < least { return wrong("is too short") }
            if let most = field.schema["maxLength"]?.int, text.count > most { return wrong("is too long") }
            return .success(.string(text))
        case .number, .integer, .json:
            let text = field.editor.text.filter { $0 != "\n" }
            if text.allSatisfy(\.isWhitespace) { return field.isRequired ? wrong("is needed") : .success(nil) }
            guard let value = try? JSONParser.parse(text) else {
                if case .json = field.kind { return wrong("is not JSON") }
                return wrong("must be a number")
            }
            return check(value, field).map { wrong($0) } ?? .success(value)
        }
    }

    private func check(_ value: JSONValue, _ field: Field) -> String? {
        if case .json = field.kind { return nil }
        guard let number = value.double else { return "must be a number" }
        if case .integer = field.kind, value.int == nil { return "must be a whole number" }
        if let least = field.schema["minimum"]?.double, number < least { return "must be at least \(least)" }
        if let most = field.schema["maximum"]?.double, number > most { return "must be at most \(most)" }
        return nil
    }

    // MARK: drawing

    /// Rows that it wants.
    var rows: Int { intro.count + (intro.isEmpty ? 0 : 1) + max(fields.count, 1) + 4 }

    func draw(on canvas: Canvas) {
        var top = 0
        // The fields matter more than what stands over them.
        for line in intro.prefix(max(canvas.height - fields.count - 5, 1)) {
            canvas.put(line, row: top)
            top += 1
        }
        if top > 0 { top += 1 }
        let bottom = canvas.height - 3
        let metrics = canvas.metrics
        let widest = fields.map { metrics.width(of: $0.title) + 1 }.max() ?? 0
        let column = min(widest, canvas.width / 3) + 2
        let room = max(bottom - top, 1)
        let first = max(0, min(row - room + 1, fields.count - room))
        for (place, field) in fields.enumerated().dropFirst(first).prefix(room) {
            let line = top + place - first
            let isHere = place == row
            canvas.put(
                metrics.cut(field.title + (field.isRequired ? "*" : ""), to: column - 2), row: line,
                style: isHere ? .accent : .plain)
            draw(field, on: canvas, row: line, column: column, isHere: isHere)
        }
        if fields.isEmpty { canvas.put("nothing to fill in", row: top, style: .dim) }
        let about = fields.indices.contains(row) ? fields[row].about : ""
        let proposal = suggestions.isEmpty ? nil : "→ takes: " + suggestions.prefix(5).joined(separator: ", ")
        let note = problem ?? proposal.map { SafeText.oneLine($0, limit: 300) } ?? about
        canvas.put(
            metrics.cut(note, to: canvas.width), row: canvas.height - 2,
            style: problem == nil ? (proposal == nil ? .dim : .accent) : .bad)
        canvas.put(
            Line([
                Run("Enter", .key), Run(" sends  ", .dim), Run("Tab", .key), Run(" next  ", .dim),
                Run("← → Space", .key), Run(" choose", .dim),
            ]), row: canvas.height - 1)
    }

    private func draw(_ field: Field, on canvas: Canvas, row: Int, column: Int, isHere: Bool) {
        let width = max(canvas.width - column, 1)
        switch field.kind {
        case .choice:
            let text = field.option.map { "‹ \(field.labels[$0]) ›" } ?? "‹ – ›"
            canvas.put(
                canvas.metrics.cut(text, to: width), row: row, column: column, style: isHere ? .selection : .plain)
            if isHere { canvas.surface.cursor = nil }
        case .many:
            var at = column
            for (index, label) in field.labels.enumerated() {
                let mark = field.picked.contains(index) ? "[x] " : "[ ] "
                let style: Style = isHere && index == field.option ?? 0 ? .selection : .plain
                at = canvas.put(mark + label, row: row, column: at, style: style) + 2
            }
            if isHere { canvas.surface.cursor = nil }
        case .text, .number, .integer, .json:
            // The part around the cursor.
            let metrics = canvas.metrics
            let head = SafeText.oneLine(field.editor.head, limit: 10_000)
            let whole = SafeText.oneLine(field.editor.text, limit: 10_000)
            let skipped = max(metrics.width(of: head) - width + 1, 0)
            let shown = skipped == 0 ? whole : String(whole.dropFirst(skipped))
            canvas.put(metrics.cut(shown, to: width), row: row, column: column)
            if whole.isEmpty { canvas.put("…", row: row, column: column, style: .dim) }
            if isHere { canvas.showCursor(row: row, column: column + metrics.width(of: head) - skipped) }
        }
    }
}
