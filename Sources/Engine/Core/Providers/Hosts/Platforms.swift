/// Anthropic's models on Amazon Bedrock: the model stands in the address, the version in the body (Bedrock user guide,
/// "Anthropic Claude Messages API").
package struct BedrockAnthropic: WireFormat {
    private let inner = AnthropicMessages()
    package var name: String { inner.name }
    package let standardBaseURL: String

    package init(region: String) { standardBaseURL = "https://bedrock-runtime.\(region).amazonaws.com" }

    package func url(base: String, model: String, streaming: Bool) -> String {
        BaseURL.trimmed(base) + "/model/\(Encodings.percent(model))/"
            + (streaming ? "invoke-with-response-stream" : "invoke")
    }

    /// With a bearer token in place of a signature.
    package func authorization(_ key: Secret) -> Header { Header("Authorization", "Bearer \(key.reveal())") }
    package func headers(_ options: WireOptions) -> [Header] { [] }
    package func decoder(model: String) -> any AnswerDecoder { inner.decoder(model: model) }
    package var framing: StreamFramer.Framing { .frames }

    package func body(_ call: WireCall) -> JSONObject {
        var body = inner.body(call)
        body["model"] = nil
        body["stream"] = nil
        body["anthropic_version"] = .string(call.options.apiVersion ?? "bedrock-2023-05-31")
        if !call.options.betas.isEmpty { body["anthropic_beta"] = .array(call.options.betas.map { .string($0) }) }
        return body
    }
}

/// Models on Google's Vertex AI, whose key is a token that a command gives.
package struct Vertex: WireFormat {
    private let inner: any WireFormat
    private let project: String
    private let region: String
    package var name: String { inner.name }

    /// - Parameter inner: Gemini's or Anthropic's format.
    package init(_ inner: any WireFormat, project: String, region: String) {
        self.inner = inner
        self.project = project
        self.region = region
    }

    package var standardBaseURL: String {
        let host = region == "global" ? "aiplatform.googleapis.com" : "\(region)-aiplatform.googleapis.com"
        return "https://\(host)/v1"
    }

    private var isAnthropic: Bool { inner is AnthropicMessages }

    package func url(base: String, model: String, streaming: Bool) -> String {
        let publisher = isAnthropic ? "anthropic" : "google"
        let method =
            isAnthropic
            ? (streaming ? "streamRawPredict" : "rawPredict")
            : (streaming ? "streamGenerateContent?alt=sse" : "generateContent")
        return BaseURL.versioned(base, "v1")
            + "/projects/\(project)/locations/\(region)/publishers/\(publisher)/models/\(model):\(method)"
    }

    package func authorization(_ key: Secret) -> Header { Header("Authorization", "Bearer \(key.reveal())") }
    package func headers(_ options: WireOptions) -> [Header] { [] }
    package func decoder(model: String) -> any AnswerDecoder { inner.decoder(model: model) }

    package func body(_ call: WireCall) -> JSONObject {
        var body = inner.body(call)
        guard isAnthropic else { return body }
        body["model"] = nil
        body["anthropic_version"] = .string(call.options.apiVersion ?? "vertex-2023-10-16")
        return body
    }
}
