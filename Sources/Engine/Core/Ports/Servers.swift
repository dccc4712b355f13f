/// A connection that somebody else opened.
package protocol ServerSocket: Sendable {
    /// What came; nil when the other side has gone, or nothing came for so long.
    /// - Parameter milliseconds: zero: for ever.
    func next(within milliseconds: Int) async -> [UInt8]?
    /// Whether nothing that is written arrives any more.
    var isGone: Bool { get }
    /// What was written and has not gone out.
    var waitingBytes: Int { get }
    /// Queues bytes.
    /// - Returns: false when the other side has gone, or reads so slowly that it is dropped.
    @discardableResult func write(_ bytes: [UInt8]) -> Bool
    /// Ends the connection once everything has gone out.
    func close()
}
