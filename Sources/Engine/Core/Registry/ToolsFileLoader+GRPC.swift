extension ToolsFileLoader {
    /// `grpcConfig`, with `metadata` as an addition of ours.
    func grpc(_ fields: inout FieldReader) -> GRPCHandlerSpec? {
        let auth = auth(&fields)
        let tool = fields.object["tool"] == nil ? nil : tool(&fields)
        guard var config = fields.child("grpcConfig", required: true) else { return nil }
        var spec = GRPCHandlerSpec(tool: tool, endpoint: config.string("endpoint", required: true) ?? "")
        checkEndpoint(spec.endpoint, config)
        spec.tls = tls(&config)
        spec.metadata = headers(&config, "metadata")
        for header in spec.metadata where header.name.lowercased().hasPrefix("grpc-") {
            config.error("names that begin with 'grpc-' belong to gRPC itself", at: "metadata")
        }
        spec.credential = auth ?? flatCredential(&config)
        spec.retry = retryPolicy(&config, forGRPC: true)
        config.finish()
        return spec
    }

    private func checkEndpoint(_ endpoint: String, _ config: FieldReader) {
        guard !endpoint.isEmpty else { return }
        let port = endpoint.lastIndex(of: ":").map { endpoint[endpoint.index(after: $0)...] }
        guard port.flatMap({ Int($0) }).map({ (1...65_535).contains($0) }) == true, !endpoint.contains("/") else {
            return config.error("'\(endpoint)' is not HOST:PORT", at: "endpoint")
        }
    }

    private func tls(_ config: inout FieldReader) -> GRPCHandlerSpec.TLS? {
        var tls = GRPCHandlerSpec.TLS()
        tls.certificateFile = config.string("tlsCertPath")
        tls.keyFile = config.string("tlsKeyPath")
        tls.caFile = config.string("tlsCAPath")
        tls.verifiesServer = config.bool("tlsInsecureSkipVerify") != true
        if (tls.certificateFile == nil) != (tls.keyFile == nil) {
            config.error(
                "'tlsCertPath' and 'tlsKeyPath' go together", at: tls.keyFile == nil ? "tlsCertPath" : "tlsKeyPath")
        }
        let isOn = config.bool("tls") ?? false
        if !isOn, tls != GRPCHandlerSpec.TLS() {
            config.warning("the other 'tls' fields do nothing without 'tls: true'", at: "grpcConfig")
        }
        return isOn ? tls : nil
    }

    /// `retryableStatusCodes`: names of gRPC's statuses.
    func statusCodes(_ retry: inout FieldReader) -> [Int] {
        guard let names = retry.strings("retryableStatusCodes") else {
            return [GRPCStatus.unavailable, .deadlineExceeded, .resourceExhausted].map(\.rawValue)
        }
        return names.compactMap { name in
            guard let status = GRPCStatus(name: name) else {
                let hint = Suggestion.hint(for: name, among: GRPCStatus.allCases.map(\.name))
                retry.error("'\(name)' is no status of gRPC", at: "retryableStatusCodes", hint: hint)
                return nil
            }
            return status.rawValue
        }
    }
}
