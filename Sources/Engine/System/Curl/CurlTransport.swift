import CCurl
package import Engine

/// HTTP over libcurl: one thread runs all transfers, bodies wait in a bounded buffer each.
///
/// Concurrency: `loop` is shared and thread-safe; a dropped body closes its connection.
package final class CurlTransport: HTTPTransport {
    private let loop = CurlLoop.shared
    private let network: NetworkSettings
    private let isForTools: Bool

    /// - Parameter isForTools: whether what is asked for may come from a model; then link-local addresses are out of
    ///   reach, unless the settings allow them.
    package init(_ network: NetworkSettings = NetworkSettings(), isForTools: Bool = false) {
        self.network = network
        self.isForTools = isForTools
    }

    package func send(_ request: HTTPRequest) async throws(EngineError) -> HTTPResponse {
        var request = request
        if isForTools { request.mayReachLinkLocal = network.allowsLinkLocal }
        let transfer = CurlTransfer(request, network, loop: loop)
        loop.start(transfer)
        let head = try await transfer.head()
        var response = HTTPResponse(status: head.status, headers: head.headers, body: CurlBody(transfer))
        response.version = head.version
        return response
    }
}

/// Holds a transfer alive for its reader; without a reader it is cancelled.
private final class CurlBody: HTTPBody {
    private let transfer: CurlTransfer

    init(_ transfer: CurlTransfer) { self.transfer = transfer }

    deinit { transfer.cancel() }

    func next() async throws(EngineError) -> [UInt8]? { try await transfer.next() }
    func finish() { transfer.abandon() }
    var trailers: [(name: String, value: String)] { transfer.trailers }
}
