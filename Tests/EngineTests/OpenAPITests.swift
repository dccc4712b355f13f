import Engine
import EngineSystem
import Support
import Testing

@Suite struct OpenAPITests {
    private static let folder = "Tests/Fixtures/openapi"

    private func json(_ name: String) throws -> JSONValue {
        try JSONParser.parse(try #require(readText("\(Self.folder)/\(name)")))
    }

    /// Our own vectors; the rows of paths and queries agree with PyPI's `uritemplate`.
    @Test func parametersAreWrittenByTheirStyle() throws {
        let vectors = try #require(try json("vectors-param-styles.json").array)
        #expect(vectors.count == 138)
        for vector in vectors {
            let place = try #require(ParameterStyle.Place(rawValue: vector["in"]?.string ?? ""))
            let style = ParameterStyle(
                style: vector["style"]?.string ?? "", explode: vector["explode"]?.bool ?? false,
                allowsReserved: vector["allowReserved"]?.bool ?? false)
            let text = style.text(vector["name"]?.string ?? "", vector["value"] ?? .null, place)
            #expect(text == vector["serialized"]?.string, "\(vector.text)")
        }
    }

    private func handler(
        _ document: String, _ change: (inout OpenAPIHandlerSpec) -> Void = { _ in }
    ) async throws -> (OpenAPIToolHandler, HandlerUpdate) {
        var spec = OpenAPIHandlerSpec(document: document)
        change(&spec)
        let handler = OpenAPIToolHandler(
            name: "api", spec: spec, timeout: 1_000, transport: ScriptedTransport([]),
            files: DiskFiles(root: packageRoot), yaml: LibYAMLReader(), clock: HastyClock())
        let update = Updates()
        await handler.start { await update.take($0) }
        return (handler, try #require(await update.last))
    }

    private actor Updates {
        var last: HandlerUpdate?
        func take(_ update: HandlerUpdate) { last = update }
    }

    /// The document of traps: what is sent is what the specification's rules give.
    @Test func theCornersAreCutRight() async throws {
        let expected = try json("synthetic-corner-expected.json")
        let keys = ["key": Secret("K"), "q": Secret("Q"), "bear": Secret("T"), "basic": Secret("u:p")]
        let (handler, update) = try await handler("\(Self.folder)/synthetic-corner-3.1.json") {
            $0.credentials = keys
        }
        #expect(update.phase == .ready)
        #expect(update.tools.count == 11)
        for each in try #require(expected["cases"]?.array) {
            let label = each["op"]?.string ?? ""
            let tool = try #require(self.tool(label, update.tools), "\(label)")
            var arguments = JSONObject()
            let properties = tool.inputSchema["properties"]?.object ?? JSONObject()
            func give(_ name: String, _ place: String, _ value: JSONValue) {
                for key in ["\(name)__\(place)", name] where properties[key] != nil {
                    arguments[key] = value
                    return
                }
            }
            for place in ["path", "query", "header", "cookie"] {
                for (name, value) in each[place]?.object ?? JSONObject() { give(name, place, value) }
            }
            if let body = each["body"] {
                if properties["body"] != nil {
                    arguments["body"] = body
                } else {
                    for (name, value) in body.object ?? JSONObject() { give(name, "body", value) }
                }
            }
            let request = try handler.request(
                for: ToolCall(id: CallID("c"), tool: tool.name, arguments: .object(arguments)))
            #expect("\(request.method) \(request.url)" == each["request"]?.string, "\(label)")
            for (name, value) in each["headers"]?.object ?? JSONObject() {
                let sent = request.headers.last { $0.name.lowercased() == name.lowercased() }?.value
                #expect(sent == value.string, "\(label) \(name)")
            }
            for name in each["absent"]?.array?.compactMap(\.string) ?? [] {
                #expect(!request.headers.contains { $0.name.lowercased() == name.lowercased() }, "\(label) \(name)")
            }
            let body = request.body.map { String(decoding: $0, as: UTF8.self) }
            if let bytes = each["bodyBytes"]?.string { #expect(body == bytes, "\(label)") }
            if let any = each["bodyAnyOf"]?.array {
                #expect(any.contains(.string(body ?? "")), "\(label) \(body ?? "")")
            }
            for part in each["parts"]?.array ?? [] {
                let text = part["text"]?.string ?? "\u{0}\u{1}\u{2}"
                let file = part["filename"].map { "; filename=\"\($0.string ?? "")\"" } ?? ""
                let wanted =
                    "name=\"\(part["name"]?.string ?? "")\"\(file)\r\nContent-Type: \(part["contentType"]?.string ?? "")\r\n\r\n\(text)\r\n"
                #expect(body?.contains(wanted) == true, "\(label) \(wanted)")
            }
        }
    }

    private func tool(_ label: String, _ tools: [ToolDescriptor]) -> ToolDescriptor? {
        let plain = String(label.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "_" })
        let named = plain.split(separator: "_").joined(separator: "_")
        return tools.first { $0.name == plain.prefix(64) }
            ?? tools.first { $0.name.lowercased() == named.lowercased() }
    }

    @Test func schemasAreATools() async throws {
        let (_, update) = try await handler("\(Self.folder)/synthetic-corner-3.1.json")
        let tree = try #require(update.tools.first { $0.name == "post_tree" })
        // Recursion stays a reference, which leads somewhere.
        #expect(tree.inputSchema["$defs"]?["Node"]?["properties"]?["kids"]?["items"]?["$ref"] == "#/$defs/Node")
        let item = try #require(update.tools.first { $0.name == "get_item" })
        #expect(item.readOnly)
        let names = item.inputSchema["properties"]?.object?.keys ?? []
        #expect(names.contains("id__path") && names.contains("id__query") && !names.contains("Authorization"))
        #expect(item.inputSchema["required"] == ["id__path"])
        let made = try #require(update.tools.first { $0.name == "mk" })
        // What only answers have is not asked for; what allOf requires is.
        #expect(made.inputSchema["properties"]?["id"] == nil)
        #expect(made.inputSchema["required"] == ["size"])
        for tool in update.tools {
            let schema = JSONSchema(tool.inputSchema, patterns: PCREPatternCompiler())
            _ = schema.issues(in: [:])
            #expect(tool.name.utf8.count <= 64)
        }
    }

    @Test func aCredentialThatIsMissingIsNotDoneWithout() async throws {
        let (handler, _) = try await handler("\(Self.folder)/synthetic-corner-3.1.json")
        let call = ToolCall(id: CallID("c"), tool: "text", arguments: ["body": "hi"])
        do throws(EngineError) {
            _ = try handler.request(for: call)
            Issue.record("it was called without its key")
        } catch {
            #expect(error.code == .unauthorized && error.hint?.contains("credentials: {key:") == true)
        }
    }

    @Test func theFilterNamesWhatItDoesNotFind() async throws {
        let (_, update) = try await handler("\(Self.folder)/synthetic-corner-3.1.json") {
            $0.operations = ["mk", "nope"]
        }
        #expect(update.tools.map(\.name) == ["mk"])
        #expect(update.detail?.contains("operationFilter names 'nope'") == true)
    }

    @Test(arguments: ["{}", "openapi: 4.0.0", "[1]", "x: ["]) func whatIsNoDocumentIsSaid(text: String) async throws {
        let folder = TemporaryFolder()
        writeText(folder.path + "/d.yaml", text)
        let (_, update) = try await handler(folder.path + "/d.yaml")
        #expect(update.phase == .failed && update.detail?.isEmpty == false)
    }

    /// Every operation of every document that there is becomes a tool, or a warning that names it.
    @Test(.enabled(if: hasShared)) func everyDocumentOfUpstreamBecomesTools() async throws {
        var (documents, operations) = (0, 0)
        func visit(_ folder: String) async throws {
            let files = DiskFiles(root: folder)
            for name in files.list(".") {
                let path = folder + "/" + name
                guard name.hasSuffix(".json") || name.hasSuffix(".yaml") || name.hasSuffix(".yml") else {
                    if !name.contains(".") || name.first == "v" { try await visit(path) }
                    continue
                }
                guard let bytes = try? files.read(name), let value = Self.document(bytes),
                    value["openapi"] != nil || value["swagger"] != nil
                else { continue }
                documents += 1
                let (_, update) = try await handler(path) { $0.baseURL = "http://127.0.0.1:1" }
                #expect(update.phase == .ready, "\(path): \(update.detail ?? "")")
                var count = 0
                for (_, item) in value["paths"]?.object ?? JSONObject() {
                    count += (item.object?.keys ?? []).count {
                        ["get", "put", "post", "delete", "patch", "head", "options"].contains($0)
                    }
                }
                let lost = update.detail?.split(separator: ";").count ?? 0
                #expect(update.tools.count == count || lost > 1, "\(path): \(update.tools.count) of \(count)")
                operations += update.tools.count
                for tool in update.tools {
                    #expect(!tool.name.isEmpty && tool.inputSchema["type"] == "object", "\(path)")
                }
            }
        }
        try await visit(sharedFolder + "/upstream")
        #expect(documents >= 35 && operations >= 150, "\(documents) documents, \(operations) operations")
    }

    private static func document(_ bytes: [UInt8]) -> JSONValue? {
        if let value = try? JSONParser.parse(bytes) { return value }
        return LibYAMLReader().read(bytes, file: "x").value?.value
    }

    /// A call of a Swagger 2.0 document, with its form, its list and its key.
    @Test func swaggerTwoIsUnderstood() async throws {
        let folder = TemporaryFolder()
        writeText(
            folder.path + "/s.yaml",
            """
            swagger: "2.0"
            info: {title: Old, version: "1"}
            host: api.example.org
            basePath: /v1
            schemes: [http, https]
            securityDefinitions: {k: {type: apiKey, in: header, name: X-K}}
            security: [{k: []}]
            definitions: {Pet: {type: object, required: [name], properties: {name: {type: string}, id: {type: integer, readOnly: true}}}}
            paths:
              /pets:
                get:
                  operationId: list
                  parameters: [{name: tags, in: query, type: array, items: {type: string}, collectionFormat: pipes}]
                  responses: {}
                post:
                  operationId: add
                  parameters: [{name: pet, in: body, required: true, schema: {$ref: "#/definitions/Pet"}}]
                  responses: {}
              /photo:
                post:
                  operationId: photo
                  consumes: [multipart/form-data]
                  parameters: [{name: file, in: formData, type: file, required: true}, {name: note, in: formData, type: string}]
                  responses: {}
            """)
        let (handler, update) = try await handler(folder.path + "/s.yaml") { $0.credentials = ["k": Secret("K")] }
        #expect(update.tools.map(\.name) == ["list", "add", "photo"])
        let list = try handler.request(
            for: ToolCall(id: CallID("c"), tool: "list", arguments: ["tags": ["a b", "c"]]))
        #expect(list.url == "https://api.example.org/v1/pets?tags=a%20b%7Cc")
        #expect(list.headers.contains { $0.name == "X-K" && $0.value == "K" })
        let add = try handler.request(for: ToolCall(id: CallID("c"), tool: "add", arguments: ["name": "Rex"]))
        #expect(String(decoding: add.body ?? [], as: UTF8.self) == #"{"name":"Rex"}"#)
        #expect(update.tools[1].inputSchema["required"] == ["name"])
        #expect(update.tools[1].inputSchema["properties"]?["id"] == nil)
        let photo = try handler.request(
            for: ToolCall(
                id: CallID("c"), tool: "photo",
                arguments: ["file": ["bytesBase64": "AAEC", "filename": "p"], "note": "x"]))
        #expect(photo.body.map { String(decoding: $0, as: UTF8.self) }?.contains("filename=\"p\"") == true)
    }
}
