/// What a person can ask the screen to do. One table gives the palette, the `/commands`, the keys and the help.
package enum Action: String, Sendable, CaseIterable {
    case palette, help, stop, newSession, sessions, rename, prompt, callTool, copy, zoom
    case again, chooseModel, setVariable, attach, mockTool, moveWorkflow, evaluate
    case usePrompt, readResource, signIn
    case nextPane, previousPane, chat, trace, costs, tools, pack, wire, redraw, suspend, quit

    package var title: String {
        switch self {
        case .palette: "every action"
        case .help: "the keys"
        case .stop: "stop the turn"
        case .newSession: "a new session"
        case .sessions: "open another session"
        case .rename: "give the session a name"
        case .prompt: "show the system prompt as it was sent"
        case .callTool: "call a tool by hand"
        case .copy: "copy the last answer"
        case .zoom: "the focused pane alone, and back"
        case .nextPane: "the next pane"
        case .previousPane: "the pane before"
        case .chat: "the conversation"
        case .trace: "the trace"
        case .costs: "tokens and money"
        case .tools: "the tool servers"
        case .pack: "the pack: prompt, values, rules, workflow"
        case .wire: "what went over the network"
        case .again: "say the last message again, after an answer that broke off"
        case .chooseModel: "let another model answer"
        case .attach: "send an image along"
        case .mockTool: "answer for a tool, to see what the agent makes of it"
        case .setVariable: "give a variable of the prompt, or a parameter of the model, a value"
        case .moveWorkflow: "move the workflow by an event"
        case .usePrompt: "write with a prompt that a server offers"
        case .readResource: "put a server's resource into the message"
        case .signIn: "sign in to a server"
        case .evaluate: "run the evals of the whole session"
        case .redraw: "paint the screen anew"
        case .suspend: "to the shell; fg comes back"
        case .quit: "leave"
        }
    }

    /// What is typed after `/`; nil where only a key makes sense.
    package var command: String? {
        switch self {
        case .newSession: "new"
        case .callTool: "call"
        case .costs: "cost"
        case .setVariable: "set"
        case .chooseModel: "model"
        case .mockTool: "mock"
        case .moveWorkflow: "event"
        case .usePrompt: "use"
        case .readResource: "read"
        case .signIn: "login"
        case .evaluate: "evals"
        case .palette, .nextPane, .previousPane, .redraw, .suspend: nil
        default: rawValue
        }
    }

    /// What the command wants behind its name.
    package var argument: String? {
        switch self {
        case .rename: "NAME"
        case .callTool: "TOOL {JSON}"
        case .setVariable: "NAME VALUE"
        case .chooseModel: "NAME"
        case .attach: "FILE"
        case .mockTool: "TOOL ANSWER"
        case .moveWorkflow: "NAME"
        default: nil
        }
    }

    package var keys: [Key] {
        switch self {
        case .palette: [.control("p")]
        case .help: [Key(.function(1))]
        case .stop: [Key(.escape)]
        case .newSession: [.alt("n")]
        case .sessions: [.alt("o")]
        case .prompt: [.alt("p")]
        case .copy: [.alt("c")]
        case .zoom: [.alt("z")]
        case .nextPane: [Key(.tab)]
        case .previousPane: [Key(.tab, .shift)]
        case .chat: [.alt("1")]
        case .trace: [.alt("2")]
        case .costs: [.alt("3")]
        case .tools: [.alt("4")]
        case .pack: [.alt("5")]
        case .wire: [.alt("6")]
        case .chooseModel: [.alt("m")]
        case .again: [.alt("r")]
        case .redraw: [.control("l")]
        case .suspend: [.control("z")]
        case .quit: [.control("q")]
        case .rename, .callTool, .setVariable, .attach, .mockTool, .moveWorkflow, .evaluate, .usePrompt, .readResource,
            .signIn:
            []
        }
    }

    /// The action of a key, wherever the focus is.
    package static func of(_ key: Key) -> Action? { allCases.first { $0.keys.contains(key) } }

    package static func of(command: String) -> Action? { allCases.first { $0.command == command } }
}
