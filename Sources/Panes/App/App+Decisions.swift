import Engine

/// Questions to the person, forms, and what is done with tools by hand.
extension App {
    func decide(_ answer: ApprovalCard.Answer, _ request: ApprovalRequest) -> [Effect] {
        switch answer {
        case .once: return [.submit(.answerApproval(session, request.call.id, .once))]
        case .session: return [.submit(.answerApproval(session, request.call.id, .session))]
        case .deny:
            composer.askReason(request)
            return []
        }
    }

    func decide(_ answer: QuestionCard.Answer, _ question: Question) -> [Effect] {
        switch answer {
        case .decline: return reply(question, QuestionReply(.decline))
        case .copy:
            flash = ("the address is on the clipboard, where the terminal allows it", .accent)
            return [.copy(question.url ?? "")]
        case .paste:
            composer.askAnswer(question)
            return []
        case .accept:
            switch question.kind {
            case .answer: composer.askAnswer(question)
            case .form: show(form: .question(question), question.schema ?? [:], [:], intro: question.message)
            case .link, .model, .confirm: return reply(question, QuestionReply(.accept))
            }
            return []
        }
    }

    func reply(_ question: Question, _ reply: QuestionReply) -> [Effect] {
        [.submit(.answerQuestion(session, question.id, reply))]
    }

    private func show(form purpose: Popup.FormPurpose, _ schema: JSONValue, _ values: JSONValue, intro: String) {
        let lines = SafeText.block(intro).split(separator: "\n").prefix(8).flatMap {
            metrics.wrap(Line(String($0), .dim), width: 60)
        }
        let form = Form(schema: schema, values: values, intro: lines)
        popup = Popup(title: purpose.title, content: .form(form, purpose))
    }

    /// A form was sent.
    func filled(_ purpose: Popup.FormPurpose, _ values: JSONValue) -> [Effect] {
        switch purpose {
        case .question(let question): return reply(question, QuestionReply(.accept, values))
        case .call(let tool):
            focus = .chat
            return [.submit(.callTool(session, tool: tool, arguments: values))]
        case .prompt(let handler, let name):
            return [.submit(.usePrompt(session, handler: handler, name: name, arguments: Self.texts(values)))]
        case .resource(let handler, let template):
            return [.submit(.readResource(session, handler: handler, uri: template.expanded(Self.texts(values))))]
        }
    }

    private static func texts(_ values: JSONValue) -> [String: String] {
        var texts: [String: String] = [:]
        for (name, value) in values.object ?? JSONObject() { texts[name] = value.string ?? value.text }
        return texts
    }

    /// A text field of a prompt's form changed: the server may know what goes there.
    func complete(_ form: Form) -> [Effect] {
        guard case .prompt(let handler, let name)? = popup?.form?.purpose, let current = form.current else { return [] }
        var chosen = form.texts
        chosen[current.name] = nil
        return [
            .submit(
                .completeArgument(
                    session, handler: handler, prompt: name, argument: current.name, value: current.text,
                    chosen: chosen))
        ]
    }

    // MARK: tools by hand

    func handleTools(_ key: Key) -> [Effect]? {
        switch key {
        case .character("c"):
            guard let tool = tools.selectedTool else { return nil }
            let last = tools.table.lastCalls[tool.name]?.call.arguments
            let properties = tool.inputSchema["properties"]?.object
            guard properties?.isEmpty == false || last != nil else {
                // Nothing to fill in.
                focus = .chat
                return [.submit(.callTool(session, tool: tool.name, arguments: [:]))]
            }
            show(form: .call(tool.name), tool.inputSchema, last ?? [:], intro: tool.description)
            return []
        case .character("m"):
            guard let tool = tools.selectedTool else { return nil }
            // A failure is no answer to give again.
            let last = tools.table.lastCalls[tool.name]?.outcome
            let answer = last?.status == .ok ? last?.text ?? "{}" : "{}"
            focus = .chat
            composer.editor.set("/mock \(tool.name) \(SafeText.oneLine(answer, limit: 10_000))")
            return []
        case .character("l"):
            guard let handler = tools.selectedHandler else { return nil }
            return [.submit(.signIn(session, handler: handler))]
        default: return nil
        }
    }

    func showPrompts() {
        let entries = tools.table.handlers.flatMap { handler in
            (handler.prompts ?? []).map { prompt in
                Popup.Entry(
                    label: SafeText.oneLine("\(handler.handler)/\(prompt.name)", limit: 100),
                    note: SafeText.oneLine(prompt.description, limit: 200), choice: .prompt(handler.handler, prompt))
            }
        }
        guard !entries.isEmpty else { return flash = ("no server offers prompts", .warning) }
        popup = Popup(title: "prompts of servers", content: .list(entries))
    }

    func showResources() {
        let entries = tools.table.handlers.flatMap { handler in
            (handler.resources ?? []).map { resource in
                Popup.Entry(
                    label: SafeText.oneLine(resource.uri, limit: 200),
                    note: SafeText.oneLine("\(handler.handler) · \(resource.name)", limit: 100),
                    choice: .resource(handler.handler, resource))
            }
        }
        guard !entries.isEmpty else { return flash = ("no server offers resources", .warning) }
        popup = Popup(title: "resources of servers", content: .list(entries))
    }

    func showSignIns() {
        let entries = tools.table.handlers.filter { $0.kind.hasPrefix("mcp/http") }.map { handler in
            Popup.Entry(
                label: SafeText.oneLine(handler.handler, limit: 100), note: handler.phase.rawValue,
                choice: .signIn(handler.handler))
        }
        guard !entries.isEmpty else { return flash = ("there is no server to sign in to", .warning) }
        popup = Popup(title: "sign in to", content: .list(entries))
    }

    func usePrompt(_ handler: String, _ prompt: PromptSummary) -> [Effect] {
        guard !prompt.arguments.isEmpty else { return filled(.prompt(handler, prompt.name), [:]) }
        show(form: .prompt(handler, prompt.name), prompt.schema, [:], intro: prompt.description)
        return []
    }

    func readResource(_ handler: String, _ resource: ResourceSummary) -> [Effect] {
        guard resource.isTemplate else { return [.submit(.readResource(session, handler: handler, uri: resource.uri))] }
        show(form: .resource(handler, resource), resource.schema, [:], intro: resource.uri)
        return []
    }

    /// What a server gave for the next message.
    func take(_ content: ServerContent) {
        attachments += content.attachments
        if !content.text.isEmpty {
            focus = .chat
            composer.editor.insert(content.text)
        }
        let words = content.attachments.isEmpty ? "is in the message" : "goes with the next message"
        flash = ("\(SafeText.oneLine(content.name, limit: 100)) \(words)", .accent)
    }
}
