import Engine

/// Where the person writes: messages, `/commands`, and the reason of a refusal.
struct Composer: Equatable {
    /// What Enter does.
    enum Purpose: Equatable {
        case message
        /// Why this call may not run.
        case refusal(ApprovalRequest)
        /// What answers a question: a client tool's, or the address where a sign-in ended.
        case answer(Question)
        /// The value of a variable.
        case value(PackState.Value)
    }

    var editor = TextEditor()
    private(set) var purpose = Purpose.message
    private var draft: TextEditor?
    /// Where in the history it stands, counted from the end; nil: in the draft.
    private var historyPlace: Int?
    private var unsent = TextEditor()
    /// The completions that Tab goes through.
    private var candidates: [String] = []
    private var candidate = 0

    private static let historyLimit = 500

    /// What the person said before, oldest first.
    var history: [String] = []

    var isEmpty: Bool { editor.isEmpty }

    mutating func remember(_ text: String) {
        guard history.last != text else { return }
        history.append(text)
        if history.count > Self.historyLimit { history.removeFirst() }
    }

    /// Takes what was written and begins anew.
    mutating func take() -> String {
        let text = editor.text
        editor.clear()
        historyPlace = nil
        if let kept = draft {
            editor = kept
            draft = nil
        }
        purpose = .message
        return text
    }

    /// Asks for the reason of a refusal; the draft comes back afterwards.
    mutating func askReason(_ request: ApprovalRequest) {
        draft = editor
        editor.clear()
        purpose = .refusal(request)
    }

    /// Asks for the answer to a question; the draft comes back afterwards.
    mutating func askAnswer(_ question: Question) {
        draft = editor
        editor.clear()
        purpose = .answer(question)
    }

    /// Asks for the value of a variable; the draft comes back afterwards.
    mutating func ask(_ value: PackState.Value) {
        draft = editor
        editor.clear()
        purpose = .value(value)
    }

    mutating func giveUpReason() { _ = take() }

    // MARK: Keys

    /// - Returns: false when the key is not for the composer.
    mutating func handle(_ key: Key, width: Int, metrics: TextMetrics) -> Bool {
        if key.code != .tab { candidates = [] }
        if editor.handle(key, width: width, metrics: metrics) {
            if key.code != .up, key.code != .down { historyPlace = nil }
            return true
        }
        guard purpose == .message, key.modifiers.isEmpty else { return false }
        switch key.code {
        case .up: return walk(1)
        case .down: return walk(-1)
        default: return false
        }
    }

    private mutating func walk(_ step: Int) -> Bool {
        let place = (historyPlace ?? 0) + step
        guard place >= 0, place <= history.count, place != 0 || historyPlace != nil else { return false }
        if historyPlace == nil { unsent = editor }
        if place == 0 {
            editor = unsent
            historyPlace = nil
        } else {
            editor = TextEditor(history[history.count - place])
            historyPlace = place
        }
        return true
    }

    /// Completes a `/command` or, behind `/call`, a tool; again for the next one.
    /// - Returns: false when there is nothing to complete.
    mutating func complete(tools: [String], backwards: Bool) -> Bool {
        guard purpose == .message else { return false }
        if candidates.isEmpty {
            candidates = Self.completions(of: editor.text, tools: tools)
            candidate = backwards ? candidates.count - 1 : 0
        } else {
            candidate = (candidate + (backwards ? candidates.count - 1 : 1)) % candidates.count
        }
        guard !candidates.isEmpty else { return false }
        let kept = candidates
        editor.set(candidates[candidate])
        candidates = kept
        return true
    }

    /// What the text may become.
    static func completions(of text: String, tools: [String]) -> [String] {
        guard text.hasPrefix("/"), !text.contains("\n") else { return [] }
        if text.hasPrefix("/call ") {
            let name = text.dropFirst(6)
            guard !name.contains(" ") else { return [] }
            return tools.filter { $0.hasPrefix(name) }.map { "/call \($0) {}" }
        }
        return Action.allCases.compactMap { action in
            guard let command = action.command, "/\(command)".hasPrefix(text) else { return nil }
            return "/\(command)" + (action.argument == nil ? "" : " ")
        }
    }

    // MARK: Drawing

    static let prompt = "› "

    /// Rows that it wants, at most so many.
    func rows(width: Int, limit: Int, metrics: TextMetrics) -> Int {
        min(editor.layout(width: width - 2, metrics: metrics).rows.count, max(limit, 1))
    }

    func draw(on canvas: Canvas, isFocused: Bool) {
        let layout = editor.layout(width: canvas.width - 2, metrics: canvas.metrics)
        let top = max(0, min(layout.cursor.row - canvas.height + 1, layout.rows.count - canvas.height))
        for (row, text) in layout.rows.dropFirst(top).prefix(canvas.height).map(\.text).enumerated() {
            if row + top == 0 { canvas.put(Self.prompt, row: row, style: isFocused ? .accent : .dim) }
            canvas.put(text, row: row, column: 2)
        }
        if editor.isEmpty { canvas.put(canvas.metrics.cut(hint, to: canvas.width - 2), row: 0, column: 2, style: .dim) }
        if isFocused { canvas.showCursor(row: layout.cursor.row - top, column: 2 + layout.cursor.column) }
    }

    private var hint: String {
        switch purpose {
        case .message: "say something, or /help"
        case .refusal(let request):
            "why may \(SafeText.oneLine(request.call.tool, limit: 60)) not run? Enter sends it, Esc goes back"
        case .answer(let question):
            question.kind == .link
                ? "the address at which the browser ended; Enter sends it, Esc goes back"
                : "what does \(SafeText.oneLine(question.from, limit: 60)) answer? Enter sends it, Esc goes back"
        case .value(let value): question(value)
        }
    }

    private func question(_ value: PackState.Value) -> String {
        let name = "\(SafeText.oneLine(value.name, limit: 60)) (\(SafeText.oneLine(value.type, limit: 20)))"
        let about = value.description.map { ": " + SafeText.oneLine($0, limit: 200) } ?? ""
        let problem = value.problem.map { "; " + SafeText.oneLine($0, limit: 200) } ?? ""
        return "the prompt needs \(name)\(about)\(problem); Esc leaves it"
    }
}
