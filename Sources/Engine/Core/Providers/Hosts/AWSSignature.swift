/// A key pair of AWS, perhaps with the token of a session.
package struct AWSKeys: Sendable, Equatable {
    package var accessKey: String
    package var secretKey: Secret
    package var sessionToken: Secret?

    package init(accessKey: String, secretKey: Secret, sessionToken: Secret? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }

    /// What `credential_process` programs and `aws configure export-credentials` print.
    package init?(json: JSONValue) {
        guard let accessKey = json["AccessKeyId"]?.string, let secretKey = json["SecretAccessKey"]?.string else {
            return nil
        }
        self.init(
            accessKey: accessKey, secretKey: Secret(secretKey),
            sessionToken: json["SessionToken"]?.string.map { Secret($0) })
    }
}

/// Signature version 4 (AWS General Reference, "Signing AWS API requests").
package struct AWSSignature: Sendable {
    package var region: String
    package var service: String
    private let digests: any Digests

    package init(region: String, service: String, digests: any Digests) {
        self.region = region
        self.service = service
        self.digests = digests
    }

    /// The headers that sign a request.
    /// - Parameters:
    ///   - url: absolute; its path is encoded once, as it is sent.
    ///   - headers: signed, too, beside `Host` and the date.
    package func headers(
        method: String, url: String, headers: [Header], body: [UInt8], keys: AWSKeys, now: Timestamp
    ) -> [Header] {
        let address = WebAddress(url)
        let (host, path, query) = (address?.authority ?? "", address?.path ?? "/", address?.query ?? "")
        let (day, time) = Self.stamp(now)
        var added = [Header("X-Amz-Date", time)]
        if let token = keys.sessionToken { added.append(Header("X-Amz-Security-Token", token.reveal())) }
        let signed = ([Header("Host", host)] + headers + added)
            .map { (name: $0.name.lowercased(), value: Self.trimmed($0.value)) }.sorted { $0.name < $1.name }
        let names = signed.map(\.name).joined(separator: ";")
        let canonical = [
            method,
            path.split(separator: "/", omittingEmptySubsequences: false)
                .map { Encodings.percent(String($0)) }.joined(separator: "/"),
            query.split(separator: "&").sorted().joined(separator: "&"),
            signed.map { "\($0.name):\($0.value)\n" }.joined(), names, Encodings.hex(digests.sha256(body)),
        ].joined(separator: "\n")
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let digest = Encodings.hex(digests.sha256([UInt8](canonical.utf8)))
        let text = "AWS4-HMAC-SHA256\n\(time)\n\(scope)\n\(digest)"
        var key = [UInt8]("AWS4\(keys.secretKey.reveal())".utf8)
        for part in [day, region, service, "aws4_request"] {
            key = digests.hmacSHA256(key: key, [UInt8](part.utf8))
        }
        let signature = Encodings.hex(digests.hmacSHA256(key: key, [UInt8](text.utf8)))
        added.append(
            Header(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=\(keys.accessKey)/\(scope), SignedHeaders=\(names), Signature=\(signature)"
            ))
        return added
    }

    private static func trimmed(_ value: String) -> String {
        value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }

    /// `20261120` and `20261120T101500Z`.
    private static func stamp(_ now: Timestamp) -> (day: String, time: String) {
        let time = now.utcText.filter { $0 != "-" && $0 != ":" }
        return (String(time.prefix(8)), time)
    }
}
