import Engine

/// Prints what the model would be sent, and what gave each part of it.
enum RenderCommand {
    static func run(_ arguments: Arguments) -> ExitCode {
        do throws(EngineError) {
            return try render(arguments)
        } catch {
            Console.report(error)
            return ExitCode(error.code.rawValue)
        }
    }

    private static func render(_ arguments: Arguments) throws(EngineError) -> ExitCode {
        let wiring = try Wiring(arguments)
        var options = try Wiring.options(arguments)
        if let file = arguments.words.first { options.pack = Folders.absolute(file) }
        options.tools = nil
        options.provider = "mock"
        let loaded = WorkspaceLoader.load(
            options, reader: wiring.reader, variables: wiring.variables, patterns: wiring.patterns,
            withTools: false)
        Console.report(loaded.diagnostics.filter { $0.severity != .note })
        guard let workspace = loaded.value else { return .usage }
        let prompt = workspace.prompt.adapted(to: options.model ?? "")
        let provided = workspace.pack.provided(semantics: workspace.config.semantics)
        let values = VariableValues(
            prompt.variables, given: workspace.variables, bindings: workspace.config.bindings, provided: provided,
            patterns: wiring.patterns)
        let isStrict = workspace.config.semantics == .strict
        let begun = ContinuousClock.now
        let account =
            isStrict
            ? PromptRenderer.account(prompt, fragments: workspace.pack.fragments, values: values)
            : PromptKitRenderer.account(
                workspace.prompt, fragments: workspace.pack.fragments, given: workspace.variables, provided: provided)
        let time = ContinuousClock.now - begun
        let problem = PromptRenderer.problem(with: account, prompt, workspace.pack.fragments, values)
        if arguments.has(.json) {
            Console.out(document(account, workspace, values, time, problem).prettyText)
        } else if let problem, isStrict {
            throw problem
        } else {
            Console.out(account.text)
            Console.err(summary(account, values))
        }
        return problem == nil || !isStrict ? .done : .usage
    }

    /// What gave how much, on standard error, where it does not mix with the prompt.
    private static func summary(_ account: RenderedPrompt, _ values: VariableValues) -> String {
        var bytes: [(name: String, count: Int)] = []
        for span in account.spans {
            let name: String =
                switch span.source {
                case .template: "the template"
                case .variable(let name): "{{\(name)}} (\(values.origins[name]?.rawValue ?? "given"))"
                case .fragment(let name): "fragment \(name)"
                case .unresolved(let name): "{{\(name)}}, which nothing fills"
                }
            if let index = bytes.firstIndex(where: { $0.name == name }) {
                bytes[index].count += span.length
            } else {
                bytes.append((name, span.length))
            }
        }
        var lines = ["about \(account.tokens) tokens, \(account.text.utf8.count) bytes:"]
        lines += bytes.map { "  \($0.count)\t\($0.name)" }
        if !account.unused.isEmpty { lines.append("unused: \(account.unused.joined(separator: ", "))") }
        return lines.joined(separator: "\n")
    }

    private static func document(
        _ account: RenderedPrompt, _ workspace: Workspace, _ values: VariableValues, _ time: Duration,
        _ problem: EngineError?
    ) -> JSONValue {
        func names(_ list: [String]) -> JSONValue { .array(list.map { .string($0) }) }
        var from = 0
        let spans = account.spans.map { span -> JSONValue in
            defer { from += span.length }
            var object: JSONObject = ["from": .int(from), "to": .int(from + span.length)]
            switch span.source {
            case .template: object["source"] = "template"
            case .variable(let name):
                object["source"] = "variable"
                object["name"] = .string(name)
                object["origin"] = values.origins[name].map { .string($0.rawValue) }
            case .fragment(let name):
                object["source"] = "fragment"
                object["name"] = .string(name)
            case .unresolved(let name):
                object["source"] = "unresolved"
                object["name"] = .string(name)
            }
            return .object(object)
        }
        var document: JSONObject = [
            "pack": .string("\(workspace.pack.id)@\(workspace.pack.version)"),
            "prompt": .string(workspace.prompt.key), "semantics": .string(workspace.config.semantics.rawValue),
            "system": .string(account.text), "estimated_tokens": .int(account.tokens),
            "milliseconds": .double(Double(Int(time / .microseconds(1))) / 1_000), "spans": .array(spans),
            "used": names(account.used), "unused": names(account.unused),
            "missing": names(account.missing), "unresolved": names(account.unresolved),
            "invalid": names(account.invalid),
        ]
        if let problem { document["error"] = JSONValue(encoding: problem.info) }
        return .object(document)
    }
}
