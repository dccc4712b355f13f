/// How this machine reaches others.
package struct NetworkSettings: Sendable, Equatable {
    /// `http://proxy:3128`; nil: what `https_proxy` and its kin say.
    package var proxy: String?
    /// Hosts that are reached without the proxy, separated by commas.
    package var noProxy: String?
    /// A file of certificates (PEM) that are trusted in the place of the system's.
    package var caFile: String?
    /// A certificate (PEM) that shows who asks, and its key.
    package var clientCertificate: String?
    package var clientKey: String?
    /// Whether a server has to prove who it is.
    package var verifiesServers = true
    /// Whether tools may reach link-local addresses, where clouds keep their metadata and credentials.
    package var allowsLinkLocal = false
    /// Further hosts that a tool's server may redirect to; its own always may.
    package var redirectHosts: [String] = []
    /// False keeps to HTTP/1.1.
    package var http2 = true

    package init() {}
}
