import Engine
import EngineSystem
import Glibc

/// Calls of one tool through the whole tool loop, one after the other, for `make bench`:
/// `bench-tools http|openapi|grpc|mcp-http|mcp-stdio ADDRESS TOOL ARGUMENTS COUNT`. Prints one JSON document.
func monotonic() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

let arguments = CommandLine.arguments
guard arguments.count == 6, let count = Int(arguments[5]), let asked = try? JSONParser.parse(arguments[4]) else {
    print("usage: bench-tools KIND ADDRESS TOOL ARGUMENTS COUNT")
    exit(2)
}
let (kind, address, tool) = (arguments[1], arguments[2], arguments[3])
let descriptor = ToolDescriptor(name: tool, description: "", inputSchema: ["type": "object"], readOnly: true)
let (clock, transport, timeout) = (SystemClock(), CurlTransport(), 30_000)
let handler: any ToolHandler
switch kind {
case "http":
    handler = HTTPToolHandler(
        name: "h", spec: HTTPHandlerSpec(tool: descriptor, url: address), timeout: timeout, transport: transport,
        clock: clock)
case "openapi":
    handler = OpenAPIToolHandler(
        name: "h", spec: OpenAPIHandlerSpec(document: address), timeout: timeout, transport: transport,
        files: DiskFiles(root: "/"), yaml: LibYAMLReader(), clock: clock)
case "grpc":
    handler = GRPCToolHandler(
        name: "h", spec: GRPCHandlerSpec(tool: descriptor, endpoint: address), timeout: timeout, transport: transport,
        clock: clock)
case "mcp-http":
    handler = MCPToolHandler(
        name: "h", kindName: kind, spec: MCPHandlerSpec(transport: .http(url: address, headers: [])), timeout: timeout,
        clock: clock,
        transports: [
            { MCPHTTPTransport(url: address, headers: [], authorizer: nil, http: transport, clock: clock, oauth: nil) }
        ])
default:
    let command = ProcessCommand(arguments: address.split(separator: " ").map(String.init))
    handler = MCPToolHandler(
        name: "h", kindName: kind, spec: MCPHandlerSpec(transport: .stdio(command)), timeout: timeout, clock: clock,
        transports: [{ MCPStdioTransport(command: command, launcher: SpawnLauncher()) }])
}
let tools = ToolBox(handlers: [handler], patterns: PCREPatternCompiler(), clock: clock)
await tools.start()
_ = await tools.waitForStart(milliseconds: 20_000)
var milliseconds: [Double] = []
let began = monotonic()
for number in 0..<count {
    let start = monotonic()
    let call = ToolCall(id: CallID("\(number)"), tool: tool, arguments: asked)
    do throws(EngineError) {
        if let objection = await tools.objection(to: call) { throw objection }
        let answer = try await tools.run(call, host: LonelyHost())
        if answer.isError { throw EngineError(.failed, answer.text) }
    } catch {
        print(JSONValue.object(["failure": .string(error.description)]).text)
        exit(1)
    }
    milliseconds.append(Double(monotonic() - start) / 1e6)
}
let seconds = Double(monotonic() - began) / 1e9
await tools.stop()
let document: JSONValue = ["seconds": .double(seconds), "delays": .array(milliseconds.map { .double($0) })]
print(document.text)
