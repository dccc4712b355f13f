import Engine

/// The command line: a command, its options, its words. GNU habits: `--long VALUE`, `--long=VALUE`, `-s VALUE`, `--`.
struct Arguments: Equatable {
    var command: Command
    var words: [String] = []
    private var values: [Option: [String]] = [:]

    /// A command line that cannot be understood; exit code 2.
    struct UsageError: Error, Equatable {
        var message: String
        var hint: String
    }

    func has(_ option: Option) -> Bool { values[option] != nil }
    subscript(option: Option) -> String? { values[option]?.last }
    func all(_ option: Option) -> [String] { values[option] ?? [] }

    /// - Parameter arguments: without the program's name. Options may stand before the command.
    init(_ arguments: [String]) throws(UsageError) {
        var rest = arguments[...]
        command = .chat
        var isNamed = false
        while let argument = rest.popFirst() {
            if argument == "--" {
                words += rest
                break
            }
            if argument.hasPrefix("-"), argument != "-" {
                try take(argument, &rest)
            } else if isNamed {
                words.append(argument)
            } else {
                command = try Self.command(argument)
                isNamed = true
            }
        }
        for option in values.keys where !option.isCommon && !command.options.contains(option) {
            throw UsageError(
                message: "'cleo-tui \(command.rawValue)' does not take '\(option.spelling)'",
                hint: "see 'cleo-tui help \(command.rawValue)'")
        }
        if has(.version) { command = .version }
        if has(.help) {
            words = [command.rawValue]
            command = .help
        }
    }

    private static func command(_ name: String) throws(UsageError) -> Command {
        if let command = Command(rawValue: name) { return command }
        throw UsageError(
            message: "there is no command '\(name)'",
            hint: Suggestion.hint(for: name, among: Command.allCases.map(\.rawValue)) ?? "see 'cleo-tui help'")
    }

    private mutating func take(_ argument: String, _ rest: inout ArraySlice<String>) throws(UsageError) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let option = Option.allCases.first(where: { $0.spelling == name || $0.short == name }) else {
            throw UsageError(
                message: "there is no option '\(name)'",
                hint: Suggestion.hint(for: name, among: Option.allCases.map(\.spelling)) ?? "see 'cleo-tui help'")
        }
        guard let placeholder = option.placeholder else {
            guard parts.count == 1 else {
                throw UsageError(message: "'\(name)' takes no value", hint: "write '\(name)' alone")
            }
            values[option] = []
            return
        }
        if parts.count == 2 {
            values[option, default: []].append(String(parts[1]))
        } else if let value = rest.popFirst() {
            values[option, default: []].append(value)
        } else {
            throw UsageError(
                message: "'\(name)' needs a value", hint: "write '\(name) \(placeholder)'")
        }
    }
}

enum Option: String, CaseIterable {
    case workspace, agent, pack, prompt, variable = "var", variables = "vars", semantics = "as", tools, provider, model,
        baseURL = "base-url", scenario
    case session, resume = "continue", new, text, json, events, yes, quiet, limit, asOmnia = "as-omnia",
        asMock = "as-mock",
        tokenEnv = "token-env", sessionAPI = "session-api", remote, context, listen, jwks, jwtSecretEnv =
        "jwt-secret-env", audience
    case login, recordedTools = "recorded-tools"
    case certificate, key, quirks = "faithful-quirks", maxRunning = "max-running"
    case record, replay, pace, attach
    case format, strict, parity, target = "for", output, force
    case help, version

    var spelling: String { "--" + rawValue }

    var short: String? {
        switch self {
        case .workspace: "-w"
        case .text: "-p"
        case .resume: "-c"
        case .quiet: "-q"
        case .output: "-o"
        case .help: "-h"
        case .version: "-V"
        default: nil
        }
    }

    /// What stands for its value in the help; nil for a switch.
    var placeholder: String? {
        switch self {
        case .workspace: "DIR"
        case .pack, .tools, .variables, .output: "FILE"
        case .semantics: "strict|promptkit"
        case .target: "spec|promptkit"
        case .format: "text|json|sarif|events|recording|mock"
        case .record, .replay: "DIR"
        case .pace: "recorded|instant|N"
        case .attach: "FILE"
        case .agent, .prompt, .model, .scenario: "NAME"
        case .variable: "NAME=VALUE"
        case .provider: "NAME|FILE"
        case .baseURL: "URL"
        case .session: "ID"
        case .tokenEnv: "NAME"
        case .listen: "ADDRESS:PORT"
        case .certificate, .key: "FILE"
        case .maxRunning: "N"
        case .jwks: "FILE"
        case .jwtSecretEnv: "NAME"
        case .audience: "TEXT"
        case .remote, .context: "CONTEXT|URL"
        case .sessionAPI: "URL"
        case .text: "TEXT"
        case .limit: "N"
        default: nil
        }
    }

    var isCommon: Bool { self == .help || self == .version }

    var summary: String {
        switch self {
        case .workspace: "the folder with prompts/, tools.yaml and cleo.yaml (default: this one; else the demo)"
        case .agent: "one of the workspace's agents (default: the first; for serve: all of them)"
        case .pack: "the PromptPack to run"
        case .prompt: "the prompt of the pack (default: 'default', else the first)"
        case .variable: "a value for a variable of the prompt; may be repeated"
        case .variables: "a file of values for variables, JSON or YAML"
        case .semantics: "whose rules apply: the specification's (strict), or what PromptKit does in production"
        case .format: "what is printed"
        case .record:
            "write what goes over the network, and what tools say, to DIR/recording.jsonl (attach: DIR/facade.jsonl)"
        case .replay: "play a recording instead of the network: no key, no server, no tool is needed"
        case .pace: "how fast a recording is played (default: recorded)"
        case .attach: "an image to send along; may be repeated"
        case .strict: "deviations from PromptArena's own schemas are errors"
        case .parity: "also what PromptKit does differently in production"
        case .target: "which closed schema the pack is for (default: spec)"
        case .output: "the file to write (default: standard output)"
        case .force: "replace files that are there"
        case .tools: "the tools file"
        case .provider: "mock, openai, claude, gemini, ollama, vllm, a name in providers/, or a provider file"
        case .model: "the model"
        case .scenario: "the scenario that a mock plays"
        case .baseURL: "the address of the provider's server, such as http://127.0.0.1:8000/v1"
        case .session: "a session to go on with"
        case .resume: "go on with the workspace's last session"
        case .new: "begin a new session"
        case .text: "what to say (long form: --text)"
        case .json: "one JSON document on standard output"
        case .events: "one JSON event per line on standard output"
        case .yes: "run every tool without asking"
        case .quiet: "nothing but the answer"
        case .limit: "at most so many"
        case .remote:
            "chat: the engine behind a running 'serve', http://HOST:PORT; sessions: those of a cluster instead of the stored ones"
        case .listen: "where to listen (default: 127.0.0.1:8080); another address than loopback needs a token"
        case .certificate: "speak TLS, with this certificate (PEM, those that lead to its authority behind it)"
        case .login: "sign in to the dashboard of 'session_api' with the browser; the token is kept nowhere"
        case .recordedTools: "tools say what they said in the first run"
        case .quirks: "do what Omnia's facade does where that is wrong: for testing clients"
        case .maxRunning: "answer at most so many messages at once (default: 1000); others are told to wait"
        case .key: "the certificate's key (PEM; default: in the certificate's file)"
        case .jwks: "take tokens signed with a key of this JSON Web Key Set (RS256, ES256)"
        case .jwtSecretEnv: "take tokens signed with the secret in this variable (HS256)"
        case .audience: "what 'aud' of such tokens has to name"
        case .context: "also look at an agent in a cluster"
        case .tokenEnv: "the variable that holds the token (default: CLEO_ATTACH_TOKEN; for serve: CLEO_SERVE_TOKEN)"
        case .sessionAPI:
            "where the session API is: https://HOST/api/v1, or a dashboard's https://HOST/api/workspaces/NAME"
        case .asMock: "write the call's answer as a mock, PromptKit's 'kind: Tool' (with -o: into a file)"
        case .asOmnia: "do not call: show what is sent from here beside what Omnia's runtime sends from a cluster"
        case .help: "this help"
        case .version: "the version"
        }
    }
}

enum Command: String, CaseIterable {
    case chat, run, attach, serve, validate, render, compile, `init`, tools, mcp, sessions, prices, doctor, help,
        version
    case demoTools = "demo-tools"

    var options: [Option] {
        switch self {
        case .chat: Self.agent + [.session, .resume, .new, .remote, .tokenEnv]
        case .run: Self.agent + [.text, .attach, .session, .resume, .json, .events, .yes, .quiet]
        case .attach:
            [.workspace, .text, .session, .resume, .tokenEnv, .sessionAPI, .login, .json, .record, .replay, .pace]
        case .serve:
            Self.agent + [
                .listen, .certificate, .key, .tokenEnv, .jwks, .jwtSecretEnv, .audience, .yes, .maxRunning, .quirks,
            ]
        case .validate: [.json, .format, .strict, .parity]
        case .render: [.workspace, .agent, .pack, .prompt, .variable, .variables, .semantics, .model, .json]
        case .compile: [.output, .target, .strict]
        case .`init`: [.force]
        case .tools: [.workspace, .agent, .tools, .json, .asOmnia, .asMock, .output, .force]
        case .mcp: [.workspace]
        case .sessions:
            Self.agent + [
                .json, .limit, .format, .output, .remote, .tokenEnv, .sessionAPI, .login, .recordedTools, .yes,
            ]
        case .prices: [.json, .workspace]
        case .doctor: [.workspace, .json, .context, .tokenEnv, .sessionAPI, .login]
        case .help, .version, .demoTools: []
        }
    }

    private static let agent: [Option] = [
        .workspace, .agent, .pack, .prompt, .variable, .variables, .semantics, .tools, .provider, .model, .scenario,
        .baseURL, .record, .replay, .pace,
    ]

    var usage: String {
        switch self {
        case .chat: "cleo-tui [chat] [OPTIONS]"
        case .run: "cleo-tui run [-p TEXT] [OPTIONS]"
        case .attach: "cleo-tui attach wss://HOST/ws?agent=NAME | CONTEXT [-p TEXT] [--session ID [--continue]]"
        case .serve: "cleo-tui serve [--listen 127.0.0.1:8080]"
        case .validate: "cleo-tui validate PATH…"
        case .render: "cleo-tui render [PACK] [OPTIONS]"
        case .compile: "cleo-tui compile FILE… [-o FILE]"
        case .`init`: "cleo-tui init [TEMPLATE [FOLDER]]"
        case .tools:
            "cleo-tui tools list | call NAME [JSON] | describe NAME | probe [NAME …] | prompt SERVER NAME [JSON] | read SERVER URI | login SERVER"
        case .mcp: "cleo-tui mcp"
        case .sessions:
            "cleo-tui sessions list | show ID | search TEXT | export ID | rm ID | rerun ID | compare ID ID | pull ID --remote CONTEXT"
        case .prices: "cleo-tui prices [list [TEXT]] | prices update FILE"
        case .doctor: "cleo-tui doctor"
        case .help: "cleo-tui help [COMMAND]"
        case .version: "cleo-tui --version"
        case .demoTools: "cleo-tui demo-tools stdio | http"
        }
    }

    var summary: String {
        switch self {
        case .chat: "the screen; a plain conversation where there is no screen"
        case .run: "one answer, no screen; what stands on standard input is added to the text"
        case .attach: "the screen, with an agent in a cluster behind it (Omnia's facade)"
        case .serve: "the local agent behind Omnia's facade (WebSocket) and OpenAI's chat interface"
        case .validate: "checks packs, tools files, mock files, provider files and cleo.yaml"
        case .render: "what the model would be sent, and what gave each part of it"
        case .compile: "PromptConfig files or an arena file as one pack, the same bytes for the same input"
        case .`init`: "writes a small workspace to begin with; without a template, lists them"
        case .tools: "what the tool servers offer; a call by hand"
        case .mcp: "the built-in tools and the stored conversations, as an MCP server on standard input and output"
        case .sessions: "stored conversations"
        case .prices: "what models cost, where that is from, and how old it is"
        case .doctor: "what works here, what does not, what to do"
        case .help: "this help, or a command's"
        case .version: "the version"
        case .demoTools: "the tool servers of the demo"
        }
    }
}
