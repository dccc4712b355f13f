/// Tools behind a gRPC server that speaks `omnia.tools.v1.ToolService`
/// (AltairaLabs/Omnia, `api/proto/tools/v1/tools.proto`).
package struct GRPCToolHandler: ToolHandler {
    package let name: String
    package var kindName: String { "grpc" }
    package let timeout: Int
    let spec: GRPCHandlerSpec
    private let authorizer: Authorizer?
    private let clock: any EngineClock
    private let caller: GRPCCaller

    private static let service = "/omnia.tools.v1.ToolService/"

    package init(
        name: String, spec: GRPCHandlerSpec, timeout: Int, transport: any HTTPTransport, authorizer: Authorizer? = nil,
        clock: any EngineClock
    ) {
        self.name = name
        self.spec = spec
        self.timeout = timeout
        self.authorizer = authorizer
        self.clock = clock
        caller = GRPCCaller(origin: "\(spec.tls == nil ? "http" : "https")://\(spec.endpoint)", transport: transport)
    }

    /// A tool of the file stands as it is written; without one, the server says what it has.
    package func start(report: @escaping @Sendable (HandlerUpdate) async -> Void) async {
        if let tool = spec.tool {
            return await report(HandlerUpdate(.ready, tools: [tool], detail: spec.endpoint))
        }
        do throws(EngineError) {
            await report(HandlerUpdate(.ready, tools: try await list(), detail: spec.endpoint))
        } catch {
            await report(HandlerUpdate(.failed, detail: error.description))
        }
    }

    package func stop() async {}

    package func probe() async throws(EngineError) {
        do throws(EngineError) {
            _ = try await list()
        } catch {
            // Who does not list is there all the same.
            guard error.status == GRPCStatus.unimplemented.rawValue, spec.tool != nil else { throw error }
        }
    }

    private func list() async throws(EngineError) -> [ToolDescriptor] {
        var reader = ProtobufReader(try await send("ListTools", [], milliseconds: 10_000))
        var tools: [ToolDescriptor] = []
        while let field = try reader.next() {
            guard field.number == 1, case .bytes(let bytes) = field.value else { continue }
            var tool = ToolDescriptor(name: "", description: "", inputSchema: ["type": "object"], readOnly: false)
            var parts = ProtobufReader(bytes)
            while let part = try parts.next() {
                switch part.number {
                case 1: tool.name = part.value.text ?? ""
                case 2: tool.description = part.value.text ?? ""
                case 3:
                    if let text = part.value.text, let schema = try? JSONParser.parse(text), schema.object != nil {
                        tool.inputSchema = schema
                    }
                default: break
                }
            }
            if !tool.name.isEmpty { tools.append(tool) }
        }
        return tools
    }

    package func call(
        _ call: ToolCall, host: any ToolHost
    ) async throws(EngineError) -> ToolAnswer {
        var message = ProtobufWriter()
        message.field(1, call.tool)
        message.field(2, call.arguments.text)
        let bytes = message.bytes
        return try await spec.retry.run(clock: clock) { attempt throws(EngineError) in
            var answer = try Self.answer(
                try await send("Execute", bytes, milliseconds: timeout, headers: host.headers))
            answer.attributes = [
                "rpc.system.name": "grpc", "rpc.method": "omnia.tools.v1.ToolService/Execute",
                "server.address": .string(spec.endpoint), "rpc.response.status_code": "OK",
            ]
            if attempt > 1 { answer.attributes["cleo.rpc.resend_count"] = .int(attempt - 1) }
            return answer
        }
    }

    private static func answer(_ bytes: ArraySlice<UInt8>) throws(EngineError) -> ToolAnswer {
        var reader = ProtobufReader(bytes)
        var (result, failed, message) = ("", false, "")
        while let field = try reader.next() {
            switch field.number {
            case 1: result = field.value.text ?? ""
            case 2: failed = field.value.bool ?? false
            case 3: message = field.value.text ?? ""
            default: break
            }
        }
        if failed { return ToolAnswer(text: message.isEmpty ? result : message, isError: true) }
        let value = try? JSONParser.parse(result)
        var answer = ToolAnswer(text: value?.string ?? result)
        answer.structured = value
        return answer
    }

    private func send(
        _ method: String, _ message: [UInt8], milliseconds: Int, headers: [Header] = []
    ) async throws(EngineError) -> ArraySlice<UInt8> {
        var metadata = (spec.metadata + headers).map { (name: $0.name.lowercased(), value: $0.value) }
        if let authorizer {
            metadata.append(("authorization", try await authorizer.authorization().reveal()))
        }
        return try await caller.call(Self.service + method, message, metadata: metadata, milliseconds: milliseconds)
    }
}
