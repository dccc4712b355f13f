/// Where an agent of a cluster is, and how to get in.
package struct RemoteAddress: Sendable {
    /// For people: the context's name, or the host.
    package var name: String
    /// `ws://` or `wss://`, with its query.
    package var url: String
    package var headers: [Header]
    /// Asked at each connection, so that a rotated token works.
    package var token: KeyReader?

    package init(name: String, url: String, headers: [Header] = [], token: KeyReader? = nil) {
        self.name = name
        self.url = url
        self.headers = headers
        self.token = token
    }

    /// What is dialled, with the token as it is now.
    package func request() async throws(EngineError) -> WebSocketRequest {
        var request = WebSocketRequest(url: url, headers: headers)
        if let token = try await token?.key() {
            request.headers.append(Header("Authorization", "Bearer \(token.reveal())"))
        }
        return request
    }
}

/// Keeps one connection to a server: dials again with growing pauses, for as long as somebody wants it.
package actor RemoteLink {
    package enum News: Sendable {
        case message(WebSocketMessage)
        case lost(WebSocketEnding)
        /// It will be tried again.
        case failed(EngineError, next: Int)
        /// Trying again is of no use before somebody changes something.
        case refused(EngineError)
    }

    private let address: RemoteAddress
    private let dialer: any WebSocketDialer
    private let clock: any EngineClock
    private let chance: @Sendable () -> Double
    private let isGreeting: @Sendable (WebSocketMessage) -> Bool
    /// Of one message that comes in.
    private let messageLimit: Int
    private var connection: (any WebSocketConnection)?
    private var loop: Task<Void, Never>?
    /// Who waits between two tries; waking it dials at once.
    private var pausing: Task<Void, Never>?

    private static let greetingPatience = 10_000
    private static let firstPause = 1_000
    private static let lastPause = 30_000

    /// - Parameters:
    ///   - chance: from zero to one, for spreading tries.
    ///   - isGreeting: a connection without such a message is given up soon.
    package init(
        _ address: RemoteAddress, dialer: any WebSocketDialer, clock: any EngineClock,
        messageLimit: Int = 16 << 20, chance: @escaping @Sendable () -> Double = { .random(in: 0...1) },
        isGreeting: @escaping @Sendable (WebSocketMessage) -> Bool
    ) {
        self.isGreeting = isGreeting
        self.messageLimit = messageLimit
        self.address = address
        self.dialer = dialer
        self.clock = clock
        self.chance = chance
    }

    package func start(_ tell: @escaping @Sendable (News) async -> Void) {
        guard loop == nil else { return }
        loop = Task { await self.run(tell) }
    }

    /// - Returns: false when there is no connection.
    package func send(_ json: JSONValue) -> Bool { connection?.send(.text(json.text)) ?? false }

    /// Leaves the connection and dials at once.
    package func reconnect() {
        connection?.close(1_000, "")
        pausing?.cancel()
    }

    package func stop() async {
        loop?.cancel()
        pausing?.cancel()
        connection?.close(1_000, "")
        await loop?.value
    }

    private func run(_ tell: @escaping @Sendable (News) async -> Void) async {
        var failures = 0
        while !Task.isCancelled {
            do throws(EngineError) {
                let connection = try await dial()
                self.connection = connection
                let hasGreeted = await read(connection, tell)
                self.connection = nil
                guard !Task.isCancelled else { return }
                guard hasGreeted else {
                    throw EngineError(.unreachable, "the server took the connection and ended it without a greeting")
                }
                failures = 0
                await tell(.lost(connection.ending ?? WebSocketEnding(code: 1_006, reason: "")))
            } catch {
                guard error.code != .cancelled else { return }
                failures += 1
                // What the server says about us does not change by asking again.
                if let status = error.status, (400..<500).contains(status), status != 429 {
                    await tell(.refused(error))
                    await pause(.max)
                    continue
                }
                let wait = pauseLength(failures, error)
                await tell(.failed(error, next: wait))
                await pause(wait)
                continue
            }
            // A server that restarts is given a moment.
            await pause(Int(Double(Self.firstPause) * (0.2 + 0.3 * chance())))
        }
    }

    private func pauseLength(_ failures: Int, _ error: EngineError) -> Int {
        let longest = min(Self.firstPause << min(failures - 1, 10), Self.lastPause)
        let asked = error.retryAfter.map { Int(min(max($0, 0), 60) * 1_000) } ?? 0
        return max(Int(Double(longest) * (0.5 + 0.5 * chance())), asked)
    }

    private func pause(_ milliseconds: Int) async {
        let clock = clock
        let task = Task { _ = try? await clock.sleep(milliseconds: min(milliseconds, 86_400_000)) }
        pausing = task
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        pausing = nil
    }

    private func dial() async throws(EngineError) -> any WebSocketConnection {
        do throws(EngineError) {
            return try await dialer.dial(try await request())
        } catch {
            // A command may give another token.
            guard error.status == 401, address.token?.refused() == true else { throw error }
            return try await dialer.dial(try await request())
        }
    }

    private func request() async throws(EngineError) -> WebSocketRequest {
        var request = try await address.request()
        request.messageLimit = messageLimit
        return request
    }

    /// - Returns: whether the server greeted.
    private func read(
        _ connection: any WebSocketConnection, _ tell: @escaping @Sendable (News) async -> Void
    ) async -> Bool {
        var hasGreeted = false
        // A network that lost a byte may leave both sides waiting for the other.
        let greeting = Task { [clock] in
            if (try? await clock.sleep(milliseconds: Self.greetingPatience)) != nil {
                connection.close(1_002, "no greeting came")
            }
        }
        defer { greeting.cancel() }
        while let message = await connection.next() {
            if !hasGreeted, isGreeting(message) {
                hasGreeted = true
                greeting.cancel()
            }
            await tell(.message(message))
        }
        return hasGreeted
    }
}
