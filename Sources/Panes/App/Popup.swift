import Engine

/// A window over the panes; it takes every key while it is open.
struct Popup {
    enum Content {
        /// Entries that typing narrows down.
        case list([Entry])
        case text([Line])
        case form(Form, FormPurpose)
    }

    /// What a form is filled in for.
    enum FormPurpose: Equatable {
        case question(Question)
        /// A call of a tool.
        case call(String)
        /// A prompt of a server: handler, name.
        case prompt(String, String)
        /// A template of resources: handler, template.
        case resource(String, ResourceSummary)

        var title: String {
            switch self {
            case .question(let question): SafeText.oneLine(question.from, limit: 60) + " asks"
            case .call(let tool): "call " + SafeText.oneLine(tool, limit: 60)
            case .prompt(_, let name): "prompt " + SafeText.oneLine(name, limit: 60)
            case .resource(_, let resource): SafeText.oneLine(resource.name, limit: 60)
            }
        }
    }

    struct Entry: Equatable {
        var label: String
        var note: String
        var choice: Choice
    }

    enum Choice: Equatable {
        case action(Action)
        case session(SessionID)
        /// Moves the workflow.
        case event(String)
        case model(String)
        /// A prompt of a server, by its handler.
        case prompt(String, PromptSummary)
        case resource(String, ResourceSummary)
        case signIn(String)
    }

    enum Outcome {
        case stays, closes
        case chosen(Choice)
        case filled(FormPurpose, JSONValue)
        /// A field of the form changed.
        case edited(Form)
    }

    let title: String
    private(set) var content: Content
    private var filter = ""
    private var selection = Selection()
    private var scroller = Scroller()
    private var page = 10

    init(title: String, content: Content) {
        self.title = title
        self.content = content
    }

    private var shown: [Entry] {
        guard case .list(let entries) = content, !filter.isEmpty else {
            if case .list(let entries) = content { return entries }
            return []
        }
        let words = filter.lowercased().split(separator: " ")
        return entries.filter { entry in
            let text = (entry.label + " " + entry.note).lowercased()
            return words.allSatisfy { text.contains($0) }
        }
    }

    /// The form, where it is one.
    var form: (form: Form, purpose: FormPurpose)? {
        get { if case .form(let form, let purpose) = content { (form, purpose) } else { nil } }
        set { if let newValue { content = .form(newValue.form, newValue.purpose) } }
    }

    private mutating func handle(_ key: Key, _ form: Form, _ purpose: FormPurpose, _ metrics: TextMetrics) -> Outcome {
        var form = form
        let before = form.current?.text
        let outcome = form.handle(key, metrics: metrics)
        content = .form(form, purpose)
        switch outcome {
        case .stays: return form.current?.text == before ? .stays : .edited(form)
        case .closes: return .closes
        case .filled(let values): return .filled(purpose, values)
        }
    }

    mutating func handle(_ key: Key, metrics: TextMetrics) -> Outcome {
        if case .form(let form, let purpose) = content { return handle(key, form, purpose, metrics) }
        if key.code == .escape || key == .control("c") || key == .control("p") { return .closes }
        switch content {
        case .form: break
        case .text(let lines):
            if key == .character("q") || key.code == .enter { return .closes }
            _ = scroller.handle(key, count: lines.count, page: page)
        case .list:
            if key.code == .enter {
                let shown = shown
                return shown.indices.contains(selection.row) ? .chosen(shown[selection.row].choice) : .stays
            }
            if case .character(let character) = key.code, key.modifiers.isSubset(of: .shift) {
                filter.append(character)
                selection = Selection()
            } else if key.code == .backspace {
                if !filter.isEmpty { filter.removeLast() }
                selection = Selection()
            } else {
                _ = selection.handle(key, count: shown.count, page: page)
            }
        }
        return .stays
    }

    mutating func draw(on screen: Canvas) {
        let width = min(screen.width, max(screen.width * 2 / 3, min(screen.width, 72)))
        let wanted: Int =
            switch content {
            case .text(let lines): lines.count + 2
            case .list(let entries): entries.count + 4
            case .form(let form, _): form.rows + 2
            }
        let height = min(wanted, max(screen.height - 2, 3), screen.height)
        let rect = Rect(
            x: (screen.width - width) / 2, y: (screen.height - height) / 2, width: width, height: height)
        screen.part(rect).fill()
        screen.box(rect, title: title, right: "Esc closes", isFocused: true)
        let inside = screen.part(Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2))
        page = max(inside.height - 2, 1)
        screen.surface.cursor = nil
        switch content {
        case .text(let lines): scroller.draw(lines, on: inside)
        case .list: drawList(on: inside)
        case .form(let form, _): form.draw(on: inside)
        }
    }

    private mutating func drawList(on canvas: Canvas) {
        let column = canvas.put("› \(filter)", row: 0, style: .accent)
        canvas.showCursor(row: 0, column: column)
        let shown = shown
        let body = canvas.part(Rect(x: 0, y: 2, width: canvas.width, height: canvas.height - 2))
        for (row, index) in selection.visible(count: shown.count, height: body.height).enumerated() {
            let note = shown[index].note
            let room = canvas.width - canvas.metrics.width(of: note) - 2
            body.put(canvas.metrics.cut(shown[index].label, to: max(room, 8)), row: row)
            if room >= 8 { body.putRight(note, row: row, style: .dim) }
            if index == selection.row { body.restyle(row: row, .selection) }
        }
        if shown.isEmpty { body.put("nothing fits", row: 0, style: .dim) }
    }
}

extension Popup {
    static var palette: Popup {
        let entries = Action.allCases.filter { $0 != .palette }.map { action in
            let command = action.command.map { "/" + $0 + (action.argument.map { " " + $0 } ?? "") }
            return Entry(
                label: action.title,
                note: [command, action.keys.first?.name].compactMap(\.self).joined(separator: "  "),
                choice: .action(action))
        }
        return Popup(title: "every action", content: .list(entries))
    }

    static var help: Popup {
        var lines = [Line("Everywhere", .heading)]
        func row(_ keys: String, _ text: String) {
            let padding = String(repeating: " ", count: max(1, 22 - keys.count))
            lines.append(Line([Run(keys, .key), Run(padding + text)]))
        }
        // Keys that belong together have one line.
        let panes: [Action] = [.chat, .trace, .costs, .tools, .pack, .wire]
        for action in Action.allCases where !action.keys.isEmpty && action != .previousPane && !panes.contains(action) {
            switch action {
            case .nextPane: row("Tab, Shift-Tab", "the next pane, the pane before")
            case .redraw:
                row("Alt-1 … Alt-6", PaneID.allCases.map(\.title).joined(separator: ", "))
                row(action.keys.map(\.name).joined(separator: ", "), action.title)
            default: row(action.keys.map(\.name).joined(separator: ", "), action.title)
            }
        }
        row("^C", "stop the turn, clear what is written; twice: leave")
        lines += [Line(), Line("Writing", .heading)]
        row("Enter", "send; while the agent works, send afterwards")
        row("Alt-Enter, ^J", "a new line")
        row("Up, Down", "what was said before")
        row("Tab", "complete a /command or a tool's name")
        row("^A ^E ^W ^U ^K ^Y", "as in the shell; ^_ and Alt-_ undo and redo")
        row("PgUp, PgDn", "scroll the conversation; End goes to its end")
        lines += [Line(), Line("Trace, Tools, Pack, Wire", .heading)]
        row("Up, Down, k, j", "move; Enter opens, Esc closes")
        row("Left, Right", "the turn before, the turn after")
        row("c, m, l", "Tools: call by hand, answer for the tool, sign in to the server")
        row("d, p", "Pack: what the last save changed; what PromptKit does otherwise")
        row("r, y", "Wire: bytes as they came, or readable; copy as a curl command")
        lines += [Line(), Line("When a tool asks", .heading)]
        row("y", "run it once")
        row("s", "run it, and every call of this tool until you leave")
        row("n", "do not run it, and say why")
        row("a, n", "a question: answer it, or decline")
        return Popup(title: "keys", content: .text(lines))
    }
}
