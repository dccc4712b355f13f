import CProcess
import CTerminal
import Engine
import Glibc

@main
enum Main {
    static func main() {
        cproc_ignore_sigpipe()
        term_set_locale()
        do throws(Arguments.UsageError) {
            let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
            exit(run(arguments).rawValue)
        } catch {
            Console.err("cleo-tui: \(error.message)\nhint: \(error.hint)")
            exit(ExitCode.usage.rawValue)
        }
    }

    private static func run(_ arguments: Arguments) -> ExitCode {
        switch arguments.command {
        case .chat: ChatCommand.run(arguments)
        case .run: RunCommand.run(arguments)
        case .attach: AttachCommand.run(arguments)
        case .serve: ServeCommand.run(arguments)
        case .validate: ValidateCommand.run(arguments)
        case .render: RenderCommand.run(arguments)
        case .compile: CompileCommand.run(arguments)
        case .`init`: InitCommand.run(arguments)
        case .tools: ToolsCommand.run(arguments)
        case .mcp: MCPCommand.run(arguments)
        case .sessions: SessionsCommand.run(arguments)
        case .prices: PricesCommand.run(arguments)
        case .doctor: DoctorCommand.run(arguments)
        case .demoTools: DemoTools.run(arguments)
        case .help: HelpCommand.run(arguments)
        case .version: HelpCommand.version()
        }
    }
}
