import Synchronization

/// One vendor's way of asking a model over HTTP: what is sent, and how the answer is read.
package protocol WireFormat: Sendable {
    /// Stable: native answers and recordings carry it.
    var name: String { get }
    /// What the address ends in when none is named, up to the version.
    var standardBaseURL: String { get }
    /// The whole address of one request.
    func url(base: String, model: String, streaming: Bool) -> String
    /// The header that carries a key.
    func authorization(_ key: Secret) -> Header
    /// Headers beside the key's, such as a version.
    func headers(_ options: WireOptions) -> [Header]
    /// The request's body.
    func body(_ call: WireCall) -> JSONObject
    func decoder(model: String) -> any AnswerDecoder
    /// How a stream is cut, where its media type does not say.
    var framing: StreamFramer.Framing { get }
}

extension WireFormat {
    package var framing: StreamFramer.Framing { .events }
}

/// One request as a format encodes it.
package struct WireCall: Sendable {
    package var request: ProviderRequest
    package var model: String
    package var options: WireOptions
    package var isStreaming: Bool
    package var names: ToolNames
    /// What could not be sent as it was asked for.
    package let losses = LossList()

    package init(
        request: ProviderRequest, model: String, options: WireOptions = WireOptions(), isStreaming: Bool = true
    ) {
        self.request = request
        self.model = model
        self.options = options
        self.isStreaming = isStreaming
        names = ToolNames(request, limit: options.toolNameLimit)
    }

    /// The answer in this format's own words, when this model gave it.
    package func native(_ message: Message, _ format: String) -> [JSONValue]? {
        guard let native = message.native, native.format == format, native.model == model else { return nil }
        return native.items
    }

    /// The images of a message that the model may be shown. What it cannot take is left out, and said.
    package func images(_ message: Message) -> [Attachment] {
        message.attachments.filter { attachment in
            guard attachment.mediaType.hasPrefix("image/") else {
                losses.add("'\(attachment.name)' (\(attachment.mediaType)) is left out: only images are sent")
                return false
            }
            guard options.takesImages else {
                losses.add("'\(attachment.name)' is left out: \(model) takes no images (its 'capabilities')")
                return false
            }
            return true
        }
    }

    /// A call's name as every vendor takes it: letters, digits, `_` and `-`, 40 at the most.
    package func callID(_ id: CallID) -> String {
        let raw = id.rawValue
        let isPlain = raw.utf8.allSatisfy { ToolNames.isPlain($0) }
        return isPlain && !raw.isEmpty && raw.utf8.count <= 40
            ? raw : "call_" + String(FNV1a.hash(raw), radix: 16)
    }

    /// The schema of the answer, when the model is to be told. Tools and a schema at once are more than some models
    /// take, and the engine checks the answer itself.
    package func outputSchema(usually: Bool) -> JSONValue? {
        guard options.structuredOutput ?? usually, request.tools.isEmpty else { return nil }
        return request.outputSchema
    }

    /// Says which of the parameters that were asked for this API does not have.
    package func lacks(_ names: Set<String>, _ api: String) {
        let lost = request.parameters.given.map(\.name).filter { names.contains($0) }
        if !lost.isEmpty { losses.add("\(lost.joined(separator: ", ")) left out: \(api) has no such thing") }
    }

    /// Whether a parameter may be sent; one that the provider's file forbids is left out.
    package func allows(_ parameter: String) -> Bool { !options.unsupported.contains(parameter) }
}

/// Collects, while a request is encoded, what is lost. It never leaves the call that makes the request.
package final class LossList: Sendable {
    private let state = Mutex<[String]>([])

    package func add(_ text: String) { state.withLock { if !$0.contains(text) { $0.append(text) } } }
    package var texts: [String] { state.withLock { $0 } }
}

/// How one provider's format is used. Each field is the provider file's of that name, or of `additional_config`.
package struct WireOptions: Sendable, Equatable {
    /// False asks for the answer in one piece.
    package var isStreaming = true
    /// Anthropic's and Azure's.
    package var apiVersion: String?
    /// Anthropic's `anthropic-beta`.
    package var betas: [String] = []
    /// Marks tools, system prompt and conversation for the vendor's cache, where the vendor wants marks.
    package var promptCaching = true
    /// OpenAI's `auto`, `concise`, `detailed`.
    package var reasoningSummary: String?
    package var parallelToolCalls: Bool?
    /// Schemas that OpenAI's strict mode can hold are sent as strict.
    package var strictTools = false
    /// Whether the model is told the schema that an answer has to fit; nil: as the format's models usually can.
    package var structuredOutput: Bool?
    /// Ollama's `keep_alive`.
    package var keepAlive: String?
    /// Ollama's `num_ctx`.
    package var contextWindow: Int?
    /// The old servers' `max_tokens` in place of `max_completion_tokens`.
    package var usesOldMaxTokens = false
    /// Parameters that this model refuses.
    package var unsupported: Set<String> = []
    package var takesImages = true
    package var toolNameLimit = 64
    /// Put into the body last, so that whatever a server needs can be said.
    package var extraBody = JSONObject()

    package init() {}
}

/// Reads an answer piece by piece.
package protocol AnswerDecoder: Sendable {
    /// - Parameter value: the data of one event, one line, or a whole answer.
    /// - Throws: the server's own error, when it holds one.
    mutating func decode(_ value: JSONValue) throws(EngineError) -> [ProviderEvent]
    /// What the end brings: calls, usage, the reason. Empty when it was already told.
    mutating func finish() -> [ProviderEvent]
    /// Whether the format's own end has come.
    var isFinished: Bool { get }
    /// Whether the model has said why it stopped, even if the stream's own end is missing.
    var hasReason: Bool { get }
}

/// Texts of tools' arguments, as they come in pieces.
package enum ArgumentText {
    /// - Returns: the arguments; the text itself where the model wrote something that is not JSON.
    package static func value(_ text: String) -> JSONValue {
        guard text.contains(where: { !$0.isWhitespace }) else { return .object(JSONObject()) }
        return (try? JSONParser.parse(text)) ?? .string(text)
    }

    /// As formats want them that take an object only.
    package static func object(_ arguments: JSONValue) -> JSONValue {
        arguments.object != nil ? arguments : ["value": arguments]
    }

    /// As formats want them that take a text. What the model wrote, when it was not JSON, goes back as it was.
    package static func text(_ arguments: JSONValue) -> String { arguments.string ?? arguments.text }
}

/// Addresses.
package enum BaseURL {
    /// The base without a slash at its end, with a version where it names none.
    /// - Parameter version: `v1`; put behind an address that does not end in a version.
    package static func versioned(_ base: String, _ version: String) -> String {
        let base = trimmed(base)
        let last = base.split(separator: "/").last ?? ""
        let isVersion = last.first == "v" && last.dropFirst().first?.isNumber == true
        return isVersion ? base : base + "/" + version
    }

    /// The version only behind an address without any path, because compatible servers put theirs anywhere.
    package static func versionedHost(_ base: String, _ version: String) -> String {
        let base = trimmed(base)
        let parts = base.split(separator: "/", omittingEmptySubsequences: true)
        return parts.count <= 2 ? base + "/" + version : base
    }

    package static func trimmed(_ base: String) -> String {
        var base = base
        while base.hasSuffix("/") { base.removeLast() }
        return base
    }

    /// Whether it names this machine.
    package static func isLocal(_ base: String) -> Bool {
        let rest = base.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: true)
        guard rest.count >= 2 else { return false }
        let host = rest[1].split(separator: "@").last ?? ""
        return ["localhost", "127.0.0.1", "[::1]"].contains { host == $0 || host.hasPrefix($0 + ":") }
    }
}
