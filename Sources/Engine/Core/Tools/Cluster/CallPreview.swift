/// A call as it would be sent, without sending it.
package struct SentCall: Sendable, Equatable {
    /// `POST`, `gRPC`, `tools/call`.
    package var method: String
    /// Whereto.
    package var target: String
    /// Without credentials.
    package var headers: [Header]
    package var body: String?

    package init(method: String, target: String, headers: [Header] = [], body: String? = nil) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    init(_ request: HTTPRequest) {
        self.init(
            method: request.method, target: request.url, headers: request.headers.map { Header($0.name, $0.value) },
            body: request.body.map { String(decoding: $0, as: UTF8.self) })
    }

    package var json: JSONValue {
        var headers = JSONObject()
        for header in self.headers { headers[header.name] = .string(header.value) }
        return [
            "method": .string(method), "target": .string(target), "headers": .object(headers),
            "body": body.map { .string($0) } ?? .null,
        ]
    }
}

/// What is sent from here beside what Omnia's runtime sends from a cluster, for the same call of the same file.
package struct CallPreview: Sendable, Equatable {
    package var here: SentCall
    package var cluster: SentCall
    /// Why they differ, for people.
    package var notes: [String]

    package init(here: SentCall, cluster: SentCall, notes: [String]) {
        self.here = here
        self.cluster = cluster
        self.notes = notes
    }
}
