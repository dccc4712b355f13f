/// Reads a tools file: the `handlers:` list that Omnia's runtime reads, or a ToolRegistry resource with the same
/// list under `spec`.
///
/// A handler that cannot be used is reported and left out; the others stay.
package struct ToolsFileLoader {
    private let document: SourceDocument
    private let report = DiagnosticSink()

    /// - Parameter secrets: where the cluster's secrets are here, by `NAME/KEY` (`secrets:` of `cleo.yaml`).
    package static func load(
        _ document: SourceDocument, variables: any VariableSource, secrets: [String: KeySource] = [:]
    ) -> Loaded<[HandlerSpec]> {
        let sink = DiagnosticSink()
        let expanded = VariableExpansion.expand(document, from: variables, report: sink)
        let unset = sink.diagnostics.filter { $0.severity == .error }.compactMap(\.path)
        let loader = ToolsFileLoader(document: expanded, secrets: secrets, unset: unset)
        let handlers = loader.handlers()
        return Loaded(value: handlers, diagnostics: sink.diagnostics + loader.report.diagnostics)
    }

    private let secrets: [String: KeySource]

    /// Where variables stand that are not set.
    private let unset: [String]

    private init(document: SourceDocument, secrets: [String: KeySource], unset: [String]) {
        self.document = document
        self.unset = unset
        self.secrets = secrets
    }

    private func handlers() -> [HandlerSpec] {
        if document.value.isNull { return [] }
        guard var root = FieldReader(document, at: "", value: document.value, what: "a tools file", report: report)
        else { return [] }
        let list: [FieldReader]
        var registry: String?
        if root.object["kind"] != nil || root.object["spec"] != nil {
            _ = root.choice("kind", of: ["ToolRegistry"], required: true)
            root.ignore(["apiVersion", "metadata", "status"])
            registry = root.object["metadata"]?["name"]?.string
            guard var spec = root.child("spec", required: true) else { return [] }
            list = spec.children("handlers", required: true)
            spec.ignore(["probe"])
            spec.finish()
        } else {
            list = root.children("handlers", required: true)
        }
        root.finish()
        var names: Set<String> = []
        return list.compactMap { fields in
            guard var handler = handler(fields) else { return nil }
            handler.registry = registry
            guard names.insert(handler.name).inserted else {
                fields.error("a second handler is called '\(handler.name)'", at: "name")
                return nil
            }
            return handler
        }
    }

    private func handler(_ fields: FieldReader) -> HandlerSpec? {
        let errorsBefore = errorCount
        var fields = fields
        let name = fields.string("name", required: true) ?? ""
        if !name.isEmpty { checkName(name, fields) }
        let type = fields.choice("type", of: ["http", "grpc", "mcp", "openapi", "client"], required: true)
        let timeout = fields.duration("timeout") ?? HandlerSpec.defaultTimeout
        fields.ignore(["endpoint"])
        let kind: HandlerSpec.Kind?
        switch type {
        case "http": kind = http(&fields).map { .http($0) }
        case "mcp": kind = mcp(&fields).map { .mcp($0) }
        case "openapi": kind = openapi(&fields).map { .openapi($0) }
        case "client": kind = client(&fields).map { .client($0) }
        case "grpc": kind = grpc(&fields).map { .grpc($0) }
        default:
            fields.ignore(["tool", "auth", "httpConfig", "mcpConfig", "grpcConfig", "openAPIConfig", "clientConfig"])
            kind = nil
        }
        fields.finish()
        // Without its value an address, or a credential, is another one.
        let place = fields.pointer + "/"
        guard let kind, errorCount == errorsBefore, !unset.contains(where: { $0.hasPrefix(place) }) else { return nil }
        return HandlerSpec(name: name, kind: kind, timeout: timeout)
    }

    private var errorCount: Int { report.diagnostics.count { $0.severity == .error } }

    private func checkName(_ name: String, _ fields: FieldReader) {
        let allowed = name.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
        }
        if !allowed || name.hasPrefix("-") || name.hasSuffix("-") || name.utf8.count > 63 {
            fields.error(
                "the handler name '\(name)' may hold only a-z, 0-9 and '-', at most 63, with '-' only inside",
                at: "name")
        }
    }

    // MARK: http

    private func http(_ fields: inout FieldReader) -> HTTPHandlerSpec? {
        let auth = auth(&fields)
        let tool = tool(&fields)
        guard var config = fields.child("httpConfig", required: true) else { return nil }
        let endpoint = config.string("endpoint", required: config.object["urlTemplate"] == nil)
        let url = config.string("urlTemplate") ?? endpoint ?? ""
        checkURL(url, config, config.object["urlTemplate"] == nil ? "endpoint" : "urlTemplate")
        let method = (config.string("method") ?? "POST").uppercased()
        var spec = HTTPHandlerSpec(
            tool: tool ?? ToolDescriptor(name: "", description: "", inputSchema: ["type": "object"], readOnly: false),
            method: method, url: url)
        spec.isTemplate = config.object["urlTemplate"] != nil
        spec.headers = headers(&config, "headers")
        spec.contentType = config.string("contentType") ?? spec.contentType
        spec.credential = auth ?? flatCredential(&config)
        spec.queryParams = config.strings("queryParams") ?? []
        spec.headerParams = headers(&config, "headerParams")
        spec.staticQuery = headers(&config, "staticQuery")
        spec.staticBody = config.value("staticBody")?.object
        spec.redact = config.strings("redact") ?? []
        spec.retry = retryPolicy(&config)
        spec.bodyMapping = mapping(&config, "bodyMapping")
        spec.responseMapping = mapping(&config, "responseMapping")
        config.finish()
        if method == "GET" || method == "HEAD" { spec.tool.readOnly = true }
        return tool == nil ? nil : spec
    }

    /// A JMESPath expression.
    private func mapping(_ fields: inout FieldReader, _ key: String) -> JMESPath? {
        guard let text = fields.string(key), !text.isEmpty else { return nil }
        do throws(JMESPathError) {
            return try JMESPath(text)
        } catch {
            let place = error.offset.map { ", at character \($0 + 1)" } ?? ""
            fields.error("'\(key)' is no JMESPath expression: \(error.message)\(place)", at: key)
            return nil
        }
    }

    func tool(_ fields: inout FieldReader) -> ToolDescriptor? {
        guard var tool = fields.child("tool", required: true) else { return nil }
        let name = tool.string("name", required: true) ?? ""
        let letters = name.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_")
        }
        if !name.isEmpty, !letters || name.utf8.count > 64 || name.first?.isLetter != true {
            tool.error(
                "the tool name '\(name)' must begin with a letter and hold only a-z, 0-9 and '_', at most 64",
                at: "name")
        }
        let description = tool.string("description", required: true) ?? ""
        let schema = tool.value("inputSchema") ?? ["type": "object"]
        if tool.object["inputSchema"] == nil { tool.missing("inputSchema") }
        var descriptor = ToolDescriptor(
            name: name, description: description, inputSchema: schema, readOnly: false)
        descriptor.outputSchema = tool.value("outputSchema")
        tool.finish()
        return descriptor
    }

    private func checkURL(_ url: String, _ fields: FieldReader, _ key: String) {
        guard !url.isEmpty, !url.hasPrefix("http://"), !url.hasPrefix("https://") else { return }
        fields.error("'\(url)' is not an http or https address", at: key)
    }

    func headers(_ fields: inout FieldReader, _ key: String) -> [Header] {
        let headers = (fields.texts(key) ?? []).map { Header($0.0, $0.1) }
        for header in headers where header.value.unicodeScalars.contains(where: { $0.value < 0x20 }) {
            fields.error("the value of '\(header.name)' holds a control character", at: key)
        }
        return headers
    }

    func retryPolicy(_ fields: inout FieldReader, forGRPC isGRPC: Bool = false) -> RetryPolicy {
        var policy = RetryPolicy()
        guard var retry = fields.child("retryPolicy") else { return policy }
        policy.maxAttempts = retry.int("maxAttempts", atLeast: 1) ?? 1
        policy.initialBackoff = retry.duration("initialBackoff") ?? policy.initialBackoff
        if let multiplier = retry.value("backoffMultiplier") {
            // The resource writes a string, the runtime's file a number.
            if let number = multiplier.double ?? multiplier.string.flatMap({ Double($0) }), number >= 1 {
                policy.multiplier = number
            } else {
                retry.error("'backoffMultiplier' must be a number of at least 1", at: "backoffMultiplier")
            }
        }
        policy.maxBackoff = retry.duration("maxBackoff") ?? policy.maxBackoff
        if isGRPC {
            policy.retryOn = statusCodes(&retry)
        } else if let codes = retry.value("retryOn") {
            let numbers = codes.array?.compactMap(\.int)
            if let numbers, numbers.count == codes.array?.count {
                policy.retryOn = numbers
            } else {
                retry.error("'retryOn' must be a list of status codes", at: "retryOn")
            }
        }
        policy.retryOnNetworkError = retry.bool("retryOnNetworkError") ?? true
        policy.respectRetryAfter = retry.bool("respectRetryAfter") ?? true
        retry.finish()
        return policy
    }

    // MARK: credentials

    /// `auth:` of the resource.
    func auth(_ fields: inout FieldReader) -> Credential? {
        guard var auth = fields.child("auth") else { return nil }
        let type = auth.choice(
            "type", of: ["none", "bearer", "basic", "serviceAccount", "workloadIdentity"], required: true)
        switch type {
        case "bearer", "basic":
            defer { auth.finish() }
            return secret(&auth, "secretRef", type == "basic" ? .basic : .bearer)
        case "serviceAccount", "workloadIdentity":
            auth.error(
                "'\(type ?? "")' exists only in a cluster", at: "type",
                hint: "use 'authType: bearer' with 'authToken: ${VARIABLE}' or 'authTokenPath'")
        default: break
        }
        auth.ignore(["secretRef", "serviceAccount", "workloadIdentity"])
        auth.finish()
        return nil
    }

    /// What stands for a secret of the cluster here.
    private func secret(_ fields: inout FieldReader, _ name: String, _ scheme: Credential.Scheme) -> Credential? {
        guard var reference = fields.child(name, required: true) else { return nil }
        let secret = reference.string("name", required: true) ?? ""
        let key = reference.string("key") ?? "token"
        reference.finish()
        guard let source = secrets["\(secret)/\(key)"] else {
            fields.error(
                "the cluster's secret '\(secret)', key '\(key)', is not known here", at: name,
                hint: "say in cleo.yaml where it is: secrets: {\(secret): {\(key): {env: VARIABLE}}}")
            return nil
        }
        return Credential(scheme: scheme, source: source)
    }

    /// `authType`, `authToken`, `authTokenPath` inside a handler's block. A handler whose credential is missing never
    /// calls without it: that is an error here.
    func flatCredential(_ fields: inout FieldReader) -> Credential? {
        let type = fields.string("authType")?.lowercased()
        let token = fields.string("authToken")
        let path = fields.string("authTokenPath")
        fields.ignore(["authHeader", "authCloud", "authAudience"])
        if fields.object["authSecretRef"] != nil {
            return secret(&fields, "authSecretRef", type == "basic" ? .basic : .bearer)
        }
        guard let type, !type.isEmpty, type != "none" else { return nil }
        guard let scheme = Credential.Scheme(rawValue: type) else {
            let isCloud = type == "workloadidentity"
            fields.error(
                isCloud
                    ? "'workloadIdentity' exists only in a cluster"
                    : "'authType' is '\(type)'; expected one of: bearer, basic", at: "authType",
                hint: isCloud ? "use 'authType: bearer' with 'authToken: ${VARIABLE}' or 'authTokenPath'" : nil)
            return nil
        }
        if let path { return Credential(scheme: scheme, source: .file(path)) }
        guard let token, !token.isEmpty else {
            fields.error(
                "'authType: \(type)' needs 'authToken' or 'authTokenPath'", at: "authType",
                hint: "authToken: ${VARIABLE}")
            return nil
        }
        if scheme == .basic, !token.contains(":") {
            fields.error("the token for 'basic' must be USER:PASSWORD", at: "authToken")
        }
        return Credential(scheme: scheme, source: .value(Secret(token)))
    }

    private func client(_ fields: inout FieldReader) -> ClientToolSpec? {
        let tool = tool(&fields)
        fields.ignore(["auth"])
        var message: String?
        var categories: [String] = []
        if var config = fields.child("clientConfig") {
            message = config.string("consentMessage")
            categories = config.strings("categories") ?? []
            config.finish()
        }
        return tool.map { ClientToolSpec(tool: $0, message: message, categories: categories) }
    }

    // MARK: openapi

    private func openapi(_ fields: inout FieldReader) -> OpenAPIHandlerSpec? {
        let auth = auth(&fields)
        let address = fields.string("endpoint")
        fields.ignore(["tool"])
        guard var config = fields.child("openAPIConfig", required: true) else { return nil }
        let document = config.string("specURL") ?? address
        if document == nil { config.missing("specURL") }
        var spec = OpenAPIHandlerSpec(document: document ?? "", baseURL: config.string("baseURL"))
        if let base = spec.baseURL { checkURL(base, config, "baseURL") }
        spec.operations = config.strings("operationFilter") ?? []
        spec.headers = headers(&config, "headers")
        spec.credential = auth ?? flatCredential(&config)
        spec.redact = config.strings("redact") ?? []
        for (name, text) in config.texts("credentials") ?? [] { spec.credentials[name] = Secret(text) }
        spec.retry = retryPolicy(&config)
        config.finish()
        return document == nil ? nil : spec
    }

    // MARK: mcp

    private func mcp(_ fields: inout FieldReader) -> MCPHandlerSpec? {
        let auth = auth(&fields)
        fields.ignore(["tool"])
        guard var config = fields.child("mcpConfig", required: true) else { return nil }
        let transport = config.choice("transport", of: ["stdio", "streamable-http", "sse"], required: true)
        let endpoint = config.string("endpoint")
        let command = config.string("command")
        let arguments = config.strings("args") ?? []
        let directory = config.string("workDir")
        let environment = config.texts("env") ?? []
        let headers = headers(&config, "headers")
        let credential = auth ?? flatCredential(&config)
        var allowlist: [String] = []
        var blocklist: [String] = []
        if var filter = config.child("toolFilter") {
            allowlist = filter.strings("allowlist") ?? []
            blocklist = filter.strings("blocklist") ?? []
            filter.finish()
        }
        var retry = retryPolicy(&config)
        retry.retryOn = []
        var way: MCPHandlerSpec.Transport?
        switch transport {
        case "stdio":
            if let command {
                way = .stdio(
                    ProcessCommand(
                        arguments: [command] + arguments,
                        environment: Dictionary(environment) { _, last in last }, directory: directory))
            } else {
                config.missing("command")
            }
            if credential != nil {
                config.error("credentials do not go with stdio", at: "authType", hint: "use 'env' instead")
            }
        case "streamable-http":
            if let endpoint {
                checkURL(endpoint, config, "endpoint")
                way = .http(url: endpoint, headers: headers)
            } else {
                config.missing("endpoint")
            }
        case "sse":
            if let endpoint {
                checkURL(endpoint, config, "endpoint")
                way = .sse(url: endpoint, headers: headers)
            } else {
                config.missing("endpoint")
            }
        default: break
        }
        config.finish()
        return way.map { way in
            var spec = MCPHandlerSpec(
                transport: way, credential: credential, allowlist: allowlist, blocklist: blocklist)
            spec.retry = retry
            return spec
        }
    }
}
