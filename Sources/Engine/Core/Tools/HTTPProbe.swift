/// Whether an HTTP service is there: a HEAD of its origin, which changes nothing. Any answer below 500 is a sign of life,
/// as for Omnia's runtime.
enum HTTPProbe {
    static func reach(_ url: String, _ transport: any HTTPTransport) async throws(EngineError) {
        guard let address = WebAddress(url) else { return }
        var request = HTTPRequest(url: address.origin + "/", method: "HEAD")
        request.totalMilliseconds = 5_000
        let response = try await transport.send(request)
        response.body.finish()
        // Who does not know HEAD (501) is there, too.
        guard response.status < 500 || response.status == 501 else {
            throw EngineError(.unreachable, "\(address.origin) answers HTTP \(response.status)")
        }
    }
}
