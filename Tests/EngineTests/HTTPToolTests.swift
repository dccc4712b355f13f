import Engine
import EngineSystem
import Support
import Synchronization
import Testing

@Suite struct HTTPToolTests {
    private func handler(_ change: (inout HTTPHandlerSpec) -> Void) -> HTTPToolHandler {
        var spec = HTTPHandlerSpec(tool: Harness.tool("t"), url: "http://127.0.0.1:1/x")
        change(&spec)
        return HTTPToolHandler(
            name: "h", spec: spec, timeout: 5_000, transport: CurlTransport(),
            clock: SystemClock())
    }

    private func call(_ handler: HTTPToolHandler, _ arguments: JSONValue) async throws(EngineError) -> String {
        try await handler.call(ToolCall(id: CallID("c"), tool: "t", arguments: arguments), host: LonelyHost()).text
    }

    @Test func argumentsGoWhereTheFileSays() throws {
        let request = try handler { spec in
            spec.url = "http://127.0.0.1:1/u/{user}/o?z=1"
            spec.headerParams = [Header("cust", "X-Cust")]
            spec.queryParams = ["page"]
            spec.staticQuery = [Header("k", "v v")]
            spec.staticBody = ["fixed": 1, "name": "default"]
        }.request(for: ["user": "a/b", "cust": "c", "page": 2, "name": "given"])
        #expect(request.url == "http://127.0.0.1:1/u/a%2Fb/o?z=1&k=v%20v&page=2")
        #expect(request.method == "POST")
        #expect(request.headers.contains { $0 == ("X-Cust", "c") })
        #expect(String(decoding: request.body ?? [], as: UTF8.self) == #"{"fixed":1,"name":"given"}"#)
    }

    @Test func aGetPutsEverythingIntoTheQuery() throws {
        let request = try handler { $0.method = "GET" }.request(for: ["q": "a&b", "tags": ["x", "y"], "none": nil])
        #expect(request.url == "http://127.0.0.1:1/x?q=a%26b&tags=x&tags=y")
        #expect(request.body == nil)
    }

    @Test func whatCannotBeSentIsSaid() {
        let missing = #expect(throws: EngineError.self) { try handler { $0.url += "/{id}" }.request(for: [:]) }
        #expect(missing?.message == "the address needs the argument 'id'")
        let control = #expect(throws: EngineError.self) {
            try handler { $0.headerParams = [Header("h", "X-H")] }.request(for: ["h": "a\r\nX-Evil: 1"])
        }
        #expect(control?.message.contains("no control characters") == true)
    }

    @Test func failuresAreTriedAgainAsThePolicySays() async throws {
        let tries = Mutex(0)
        let server = try LoopbackHTTPServer { _ in
            let number = tries.withLock { tries in
                tries += 1
                return tries
            }
            return number < 3 ? LoopbackResponse(status: 503) : LoopbackResponse(body: Array("third".utf8))
        }
        defer { server.stop() }
        let url = server.url
        let patient = handler { spec in
            spec.url = url
            spec.retry.maxAttempts = 3
            spec.retry.initialBackoff = 1
        }
        #expect(try await call(patient, [:]) == "third")
        tries.withLock { $0 = 0 }
        await #expect(throws: EngineError.self) { try await call(handler { $0.url = url }, [:]) }
        #expect(tries.withLock { $0 } == 1)
    }

    @Test func fieldsThatNobodyMaySeeAreHidden() async throws {
        let server = try LoopbackHTTPServer { _ in .json(["ssn": "123", "name": "Ada"]) }
        defer { server.stop() }
        let url = server.url
        let text = try await call(
            handler {
                $0.url = url
                $0.redact = ["ssn"]
            }, [:])
        #expect(text == #"{"ssn":"[REDACTED]","name":"Ada"}"#)
    }
}

@Suite struct WorkspaceTests {
    private let folder = TemporaryFolder()
    private let pack =
        #"{"id":"a","name":"A","version":"1.0.0","template_engine":{"version":"v1","syntax":"{{variable}}"},"prompts":{"main":{"id":"main","name":"Main","version":"1.0.0","system_template":"x"},"other":{"id":"other","name":"O","version":"1.0.0","system_template":"y"}}}"#

    private func load(_ change: (inout WorkspaceOptions) -> Void = { _ in }) -> Loaded<Workspace> {
        var options = WorkspaceOptions()
        change(&options)
        let reader = DocumentReader(files: DiskFiles(root: folder.path), yaml: LibYAMLReader())
        return WorkspaceLoader.load(
            options, reader: reader, variables: FixedVariables(), patterns: PCREPatternCompiler())
    }

    private func message(_ loaded: Loaded<Workspace>) -> String {
        loaded.diagnostics.map(\.description).joined(separator: "\n")
    }

    @Test func aFolderWithOnePackIsEnough() throws {
        writeText(folder.path + "/one.pack.json", pack)
        let workspace = try #require(load().value)
        #expect(workspace.prompt.key == "main")
        #expect(workspace.provider.config.kind == .mock)
        #expect(load { $0.prompt = "other" }.value?.prompt.key == "other")
    }

    @Test func whatIsMissingOrDoubtfulIsSaid() {
        #expect(message(load()).contains("there is no pack"))
        writeText(folder.path + "/one.pack.json", pack)
        #expect(message(load { $0.prompt = "othr" }).contains("did you mean 'other'"))
        #expect(message(load { $0.provider = "opnai" }).contains("did you mean 'openai'"))
        #expect(message(load { $0.provider = "openai" }).contains("needs a model"))
        writeText(folder.path + "/two.pack.json", pack)
        #expect(message(load()).contains("there are 2 packs: one.pack.json, two.pack.json"))
    }

    @Test func theCommandLineWinsOverTheFile() throws {
        writeText(folder.path + "/one.pack.json", pack)
        writeText(
            folder.path + "/cleo.yaml",
            "prompt: other\nvariables: {a: file, b: file}\nprovider: {id: p, type: openai, model: file, base_url: 'http://x'}\n"
        )
        let workspace = try #require(
            load {
                $0.model = "given"
                $0.variables = ["a": "given"]
            }.value)
        #expect(workspace.prompt.key == "other")
        #expect(workspace.provider.config.model == "given")
        #expect(workspace.variables == ["a": "given", "b": "file"])
    }

    @Test func theMockFileBesideThePackIsFound() throws {
        writeText(folder.path + "/one.pack.json", pack)
        writeText(folder.path + "/one.mock.yaml", "default_response: beside\n")
        #expect(try #require(load().value).provider.script?.standard == "beside")
    }
}
