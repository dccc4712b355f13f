import Engine

/// What Enter, the commands and the actions do.
extension App {
    // MARK: What is written

    func enter() -> [Effect] {
        if case .refusal(let request) = composer.purpose {
            let reason = composer.take()
            return [.submit(.answerApproval(session, request.call.id, .deny(reason: reason)))]
        }
        if case .answer(let question) = composer.purpose {
            let text = composer.take()
            return text.isEmpty ? [] : reply(question, QuestionReply(.accept, .string(text)))
        }
        if case .value(let value) = composer.purpose {
            let text = composer.take()
            if text.isEmpty { declined.insert(value.name) }
            return text.isEmpty ? [] : [.submit(.setVariables(session, [value.name: .string(text)]))]
        }
        let text = composer.editor.text
        guard !text.allSatisfy(\.isWhitespace) else { return [] }
        if text.hasPrefix("/"), !text.contains("\n") { return command(text) }
        composer.remember(composer.take())
        chat.follow()
        if isRunning || isSending {
            queue.append(text)
            return []
        }
        return send(text)
    }

    func send(_ text: String) -> [Effect] {
        isSending = true
        defer { attachments = [] }
        return [.submit(.send(session, text: text, attachments: attachments))]
    }

    /// Nobody asks a model again by himself once words were shown; the person may.
    private func sayAgain() -> [Effect] {
        guard !isRunning, !isSending else {
            flash = ("the agent is still at work; Esc stops it", .warning)
            return []
        }
        guard let last = lastSaid else {
            flash = ("nothing was said yet", .warning)
            return []
        }
        attachments = last.attachments ?? []
        chat.follow()
        return send(last.text)
    }

    private func command(_ text: String) -> [Effect] {
        let parts = text.dropFirst().split(separator: " ", maxSplits: 1)
        let name = parts.first.map(String.init) ?? ""
        guard let action = Action.of(command: name) else {
            let known = Action.allCases.compactMap(\.command)
            let hint =
                Suggestion.nearest(to: name, among: known).map { "did you mean /\($0)?" } ?? "^P shows every action"
            flash = ("there is no command /\(SafeText.oneLine(name, limit: 40)); \(hint)", .bad)
            return []
        }
        let rest = parts.count > 1 ? String(parts[1]) : ""
        switch action {
        case .rename:
            guard !rest.isEmpty else { break }
            _ = composer.take()
            return [.submit(.rename(session, title: rest))]
        case .callTool:
            guard !rest.isEmpty else { break }
            return callTool(rest)
        case .setVariable:
            guard !rest.isEmpty else { break }
            return setVariable(rest)
        case .chooseModel where !rest.isEmpty:
            _ = composer.take()
            return [.submit(.chooseModel(session, rest))]
        case .mockTool:
            guard !rest.isEmpty else { break }
            let parts = rest.split(separator: " ", maxSplits: 1).map(String.init)
            if parts.count > 1, "{[".contains(parts[1].prefix(1)), (try? JSONParser.parse(parts[1])) == nil {
                flash = ("the answer begins like JSON, and is none", .warning)
                return []
            }
            _ = composer.take()
            let answer = parts.count > 1 ? (try? JSONParser.parse(parts[1])) ?? .string(parts[1]) : Optional.none
            return [.submit(.mockTool(session, parts[0], answer))]
        case .attach:
            guard !rest.isEmpty else { break }
            _ = composer.take()
            return [.attach(rest)]
        case .moveWorkflow where !rest.isEmpty:
            _ = composer.take()
            return [.submit(.moveWorkflow(session, event: rest))]
        default:
            _ = composer.take()
            return perform(action)
        }
        flash = ("write /\(name) \(action.argument ?? "")", .warning)
        return []
    }

    /// `NAME VALUE`, for a variable of the prompt or a parameter of the model; a name alone takes the value back.
    private func setVariable(_ rest: String) -> [Effect] {
        let parts = rest.split(separator: " ", maxSplits: 1)
        let name = String(parts[0])
        let known = pack.state?.variables.map(\.name) ?? []
        if !known.contains(name), ModelParameters.names.contains(name) {
            _ = composer.take()
            let text = parts.count > 1 ? String(parts[1]) : "null"
            return [.submit(.setParameter(session, name, (try? JSONParser.parse(text)) ?? .string(text)))]
        }
        guard known.contains(name) else {
            let all = known + ModelParameters.names
            let hint = Suggestion.nearest(to: name, among: all).map { "did you mean \($0)?" }
            flash = (
                "neither the prompt nor the model has \(SafeText.oneLine(name, limit: 40)); "
                    + (hint ?? "there are: \(SafeText.oneLine(all.joined(separator: ", "), limit: 200))"), .bad
            )
            return []
        }
        _ = composer.take()
        declined.remove(name)
        return [.submit(.setVariables(session, [name: parts.count > 1 ? .string(String(parts[1])) : .null]))]
    }

    private func callTool(_ rest: String) -> [Effect] {
        let parts = rest.split(separator: " ", maxSplits: 1)
        do throws(JSONSyntaxError) {
            let arguments = try JSONParser.parse(parts.count > 1 ? String(parts[1]) : "{}")
            _ = composer.take()
            return [.submit(.callTool(session, tool: String(parts[0]), arguments: arguments))]
        } catch {
            flash = ("the arguments are not JSON: \(error.message), at character \(error.offset + 1)", .bad)
            return []
        }
    }

    // MARK: Actions

    func perform(_ action: Action) -> [Effect] {
        switch action {
        case .palette: popup = .palette
        case .help: popup = .help
        case .stop: return isWorking ? [.submit(.cancelTurn(session))] : []
        case .newSession: return [.open(nil)]
        case .sessions: return [.listSessions]
        case .chooseModel: return [.listModels]
        case .again: return sayAgain()
        case .usePrompt: showPrompts()
        case .readResource: showResources()
        case .signIn: showSignIns()
        case .rename, .callTool, .setVariable, .attach, .mockTool:
            focus = .chat
            composer.editor.set("/\(action.command ?? "") ")
        case .prompt: showPrompt()
        case .copy:
            guard let answer = chat.lastAnswer else { break }
            flash = ("the last answer is on the clipboard, where the terminal allows it", .accent)
            return [.copy(answer)]
        case .zoom: isZoomed.toggle()
        case .nextPane: move(1)
        case .previousPane: move(-1)
        case .chat: focus = .chat
        case .trace: focus = .trace
        case .costs: focus = .costs
        case .tools: focus = .tools
        case .pack: focus = .pack
        case .wire: focus = .wire
        case .moveWorkflow: showEvents()
        case .evaluate: return [.submit(.evaluate(session))]
        case .redraw: return [.redraw]
        case .suspend: return [.suspend]
        case .quit: return [.quit]
        }
        return []
    }

    private func move(_ step: Int) {
        let count = PaneID.allCases.count
        focus = PaneID(rawValue: (focus.rawValue + step + count) % count) ?? .chat
    }

    private func showEvents() {
        guard let state = pack.state?.states.first(where: \.isCurrent), !state.events.isEmpty else {
            flash = ("no event leads anywhere from here", .warning)
            return
        }
        let entries = state.events.sorted { $0.key < $1.key }.map { event, target in
            Popup.Entry(
                label: SafeText.oneLine(event, limit: 80), note: "→ " + SafeText.oneLine(target, limit: 80),
                choice: .event(event))
        }
        popup = Popup(title: "move \(SafeText.oneLine(state.name, limit: 40)) by", content: .list(entries))
    }

    private func showPrompt() {
        guard let prompt = transcript.prompt else {
            flash = ("the prompt is rendered when you say something", .accent)
            return
        }
        var lines = [
            Line(
                "prompt \(SafeText.oneLine(prompt.prompt, limit: 80)), about \(TokenEstimate.tokens(prompt.text)) tokens",
                .dim), Line(),
        ]
        for line in SafeText.block(prompt.text).split(separator: "\n", omittingEmptySubsequences: false) {
            lines += metrics.wrap(Line(String(line)), width: max(min(chatWidth, 68), 10))
        }
        if !prompt.unused.isEmpty {
            lines += [Line(), Line("not used: " + SafeText.oneLine(prompt.unused.joined(separator: ", ")), .dim)]
        }
        popup = Popup(title: "system prompt", content: .text(lines))
    }
}
