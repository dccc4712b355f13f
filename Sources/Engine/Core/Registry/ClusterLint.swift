/// Warns of what Omnia's runtime does otherwise with a tools file, or does not do at all, without a word
/// (AltairaLabs/Omnia, `internal/runtime/tools`). For whoever checks files; nobody is told at a start.
package struct ClusterLint {
    private let document: SourceDocument
    private let report = DiagnosticSink()

    /// - Parameter document: a tools file, or a ToolRegistry resource.
    package static func diagnostics(_ document: SourceDocument) -> [Diagnostic] {
        let lint = ClusterLint(document: document)
        lint.check()
        return lint.report.diagnostics
    }

    private init(document: SourceDocument) { self.document = document }

    private func check() {
        let isResource = document.value["spec"] != nil
        let root = isResource ? "/spec/handlers" : "/handlers"
        let handlers = (isResource ? document.value["spec"]?["handlers"] : document.value["handlers"])?.array ?? []
        var tools: Set<String> = []
        var remote: [String] = []
        var saidHeaders = false
        for (index, handler) in handlers.enumerated() {
            let place = "\(root)/\(index)"
            let type = handler.text("type") ?? ""
            if let tool = handler["tool"]?.text("name"), !tools.insert(tool).inserted {
                warn(
                    "two handlers have the tool '\(tool)': the cluster takes the last one in silence, here it is the first",
                    at: place + "/tool/name", "cluster-same-tool")
            }
            if ["mcp", "openapi"].contains(type) { remote.append(place) }
            if !isResource, handler["timeout"] == nil {
                warn(
                    "without 'timeout', a call has no limit at all in the runtime's file; here it is 30 s", at: place,
                    "cluster-no-timeout")
            }
            if ["http", "openapi"].contains(type), !saidHeaders {
                saidHeaders = true
                warn(
                    "the cluster sends simple arguments as X-Omnia-Param headers, too, which end up in access logs",
                    at: place, "cluster-argument-headers")
            }
            switch type {
            case "http": http(handler, place + "/httpConfig")
            case "openapi": openAPI(handler, place + "/openAPIConfig")
            case "grpc": grpc(handler, place + "/grpcConfig")
            case "mcp": mcp(handler, place + "/mcpConfig")
            case "client":
                if handler["clientConfig"]?["consentMessage"] != nil {
                    warn(
                        "the cluster loses 'consentMessage' before the client sees it",
                        at: place + "/clientConfig/consentMessage", "cluster-consent")
                }
            default: break
            }
        }
        if handlers.count > 1, let first = remote.first {
            warn(
                "when an MCP server or an OpenAPI document cannot be reached at the start, the cluster's agent has no tools at all; here only that one is missing",
                at: first, "cluster-all-or-nothing")
        }
    }

    private func warn(_ message: String, at pointer: String, _ rule: String) {
        report.add(.warning, message, in: document, at: pointer, rule: rule)
    }

    /// Fields that only this program knows.
    private func foreign(_ config: JSONValue?, _ names: [String], _ place: String) {
        for name in names where config?[name] != nil {
            warn(
                "'\(name)' is known here only; the cluster refuses the resource", at: "\(place)/\(name)",
                "cluster-unknown-field")
        }
    }

    private func retries(_ config: JSONValue?, _ place: String) {
        if (config?["retryPolicy"]?["maxAttempts"]?.int ?? 0) >= 5 {
            warn(
                "with five attempts or more, one call opens the cluster's breaker: it sits inside the retries",
                at: place + "/retryPolicy/maxAttempts", "cluster-breaker")
        }
    }

    private func http(_ handler: JSONValue, _ place: String) {
        let config = handler["httpConfig"]
        retries(config, place)
        let method = (config?.text("method") ?? "POST").uppercased()
        let query = config?["queryParams"]?.array ?? []
        if !["POST", "PUT", "PATCH"].contains(method), !query.isEmpty {
            warn(
                "with 'queryParams' on a \(method), the cluster drops all other arguments", at: place + "/queryParams",
                "cluster-dropped-arguments")
        }
        if let template = config?.text("urlTemplate"), template.contains("{") {
            warn(
                "the cluster does not escape '/' in arguments of an address, and writes numbers from a million on with an exponent",
                at: place + "/urlTemplate", "cluster-address")
        }
        if config?["redact"]?.array?.isEmpty == false {
            warn(
                "the cluster redacts only fields at the top of an answer, and only in JSON; here at every depth",
                at: place + "/redact", "cluster-redact")
        }
    }

    private func openAPI(_ handler: JSONValue, _ place: String) {
        let config = handler["openAPIConfig"]
        retries(config, place)
        foreign(config, ["redact", "credentials"], place)
        warn(
            "the cluster does not fill in parameters of the path, puts those of the header elsewhere, and resolves no $ref",
            at: place, "cluster-openapi")
        let url = config?.text("specURL") ?? ""
        if [".yaml", ".yml"].contains(where: url.hasSuffix) {
            warn("the cluster reads OpenAPI documents in JSON only", at: place + "/specURL", "cluster-openapi-yaml")
        }
        if !url.isEmpty, !url.hasPrefix("http") {
            warn("the cluster fetches OpenAPI documents over HTTP only", at: place + "/specURL", "cluster-openapi-file")
        }
        if config?["authTokenPath"] != nil {
            warn(
                "for OpenAPI the cluster reads the token once, at the start", at: place + "/authTokenPath",
                "cluster-token")
        }
    }

    private func grpc(_ handler: JSONValue, _ place: String) {
        let config = handler["grpcConfig"]
        retries(config, place)
        foreign(config, ["metadata"], place)
        guard let policy = config?["retryPolicy"] else { return }
        let names = policy["retryableStatusCodes"]?.array?.compactMap(\.string)
        let lost = (names ?? ["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"]).filter { $0.contains("_") }
        if !lost.isEmpty {
            warn(
                "the cluster never retries \(lost.joined(separator: ", ")): it compares with names without '_'",
                at: place + "/retryPolicy" + (names == nil ? "" : "/retryableStatusCodes"), "cluster-retry-codes")
        }
    }

    private func mcp(_ handler: JSONValue, _ place: String) {
        let config = handler["mcpConfig"]
        retries(config, place)
        foreign(config, ["headers"], place)
        if config?.text("transport") == "stdio", config?["env"]?.object?.isEmpty == false {
            warn(
                "with 'env', the server's environment in the cluster is only that: no PATH, no HOME",
                at: place + "/env",
                "cluster-environment")
        }
    }
}
