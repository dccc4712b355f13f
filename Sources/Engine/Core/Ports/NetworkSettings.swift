/// How this machine reaches others.
package struct NetworkSettings: Sendable, Equatable {
    /// `http://proxy:3128`; nil: what `https_proxy` and its kin say.
    package var proxy: String?
    /// Hosts that are reached without the proxy, separated by commas.
    package var noProxy: String?
    /// A file of certificates (PEM) that are trusted in the place of the system's.
    package var caFile: String?
    /// False keeps to HTTP/1.1.
    package var http2 = true

    package init() {}
}
