/// What a cluster keeps of a session beside what the facade tells: the session API
/// (AltairaLabs/Omnia, `internal/session/api/openapi.yaml`), or the dashboard's routes for the same.
///
/// It is asked after each turn, soon and then more and more seldom: what a turn did is written a few seconds late.
package actor RemoteArchive {
    /// What was learned that was not known before.
    package enum Fact: Sendable {
        case session(JSONValue)
        case toolCall(JSONValue)
        case providerCall(JSONValue)
        case runtimeEvent(JSONValue)
        case evalResult(JSONValue)
        case trouble(EngineError)
    }

    package struct Address: Sendable {
        /// `https://host/api/v1`, or `https://dashboard/api/workspaces/NAME`.
        package var url: String
        package var headers: [Header]
        package var token: KeyReader?
        package var namespace: String?

        package init(url: String, headers: [Header] = [], token: KeyReader? = nil, namespace: String? = nil) {
            self.url = url
            self.headers = headers
            self.token = token
            self.namespace = namespace
        }
    }

    private let address: Address
    private let http: any HTTPTransport
    private let clock: any EngineClock
    private var tell: (@Sendable (Fact) async -> Void)?
    private var polling: Task<Void, Never>?
    private var seen: Set<String> = []
    private var troubles = 0

    private static let pauses = [700, 1_500, 3_000, 5_000, 10_000, 20_000, 30_000]
    private static let page = 500
    private static let bodyLimit = 32 << 20

    package init(_ address: Address, http: any HTTPTransport, clock: any EngineClock) {
        self.address = address
        self.http = http
        self.clock = clock
    }

    package func start(_ tell: @escaping @Sendable (Fact) async -> Void) { self.tell = tell }

    /// What is known now is looked up, and what comes late.
    package func look(at session: String) {
        polling?.cancel()
        polling = Task { [weak self, clock] in
            for pause in Self.pauses {
                guard (try? await clock.sleep(milliseconds: pause)) != nil, !Task.isCancelled else { return }
                await self?.poll(session)
            }
        }
    }

    package func stop() { polling?.cancel() }

    // MARK: reading

    /// - Parameters:
    ///   - path: below the address, with its own slash.
    ///   - query: without values that are empty.
    package func get(_ path: String, _ query: [(String, String)] = []) async throws(EngineError) -> JSONValue {
        let pairs = query.filter { !$0.1.isEmpty }.map { "\($0.0)=\(Encodings.percent($0.1))" }.joined(separator: "&")
        var request = HTTPRequest(
            url: BaseURL.trimmed(address.url) + path + (pairs.isEmpty ? "" : "?" + pairs),
            headers: address.headers.map { ($0.name, $0.value) } + [("Accept", "application/json")])
        request.totalMilliseconds = 30_000
        request.bodyLimit = Self.bodyLimit
        if let token = try await address.token?.key() {
            request.headers.append(("Authorization", "Bearer \(token.reveal())"))
        }
        let response = try await http.send(request)
        let body = try await response.body.collect(limit: Self.bodyLimit)
        guard response.isSuccess else {
            let said =
                (try? JSONParser.parse(body))?["error"]?.string ?? String(decoding: body.prefix(160), as: UTF8.self)
            var error = EngineError(
                response.status == 404
                    ? .notFound : [401, 403].contains(response.status) ? .unauthorized : .unreachable,
                "the session API answers HTTP \(response.status)\(said.isEmpty ? "" : ": \(said)")")
            error.status = response.status
            throw error
        }
        do throws(JSONSyntaxError) {
            return try JSONParser.parse(body)
        } catch {
            throw EngineError(.protocolViolation, "the session API answers with something that is not JSON")
        }
    }

    /// Sessions, newest first.
    package func sessions(_ words: String?, limit: Int) async throws(EngineError) -> [JSONValue] {
        let answer = try await get(
            words == nil ? "/sessions" : "/sessions/search",
            [("q", words ?? ""), ("namespace", address.namespace ?? ""), ("limit", String(min(limit, 100)))])
        return answer["sessions"]?.array ?? answer.array ?? []
    }

    /// Every page of a list that belongs to a session.
    package func all(_ session: String, _ what: String) async throws(EngineError) -> [JSONValue] {
        var rows: [JSONValue] = []
        for _ in 0..<40 {
            // The server says `null` for nothing; its document speaks of an object.
            let answer = try await get(
                "/sessions/\(Encodings.percent(session))/\(what)",
                [("limit", String(Self.page)), ("offset", String(rows.count))])
            let next = answer.array ?? answer["results"]?.array ?? []
            rows += next
            if next.count < Self.page { break }
        }
        return rows
    }

    /// Every message of a session, in order.
    package func messages(_ session: String) async throws(EngineError) -> [JSONValue] {
        var rows: [JSONValue] = []
        for _ in 0..<100 {
            let after = rows.last?["sequenceNum"]?.int.map(String.init) ?? ""
            let answer = try await get(
                "/sessions/\(Encodings.percent(session))/messages", [("limit", "500"), ("after", after)])
            let next = answer["messages"]?.array ?? []
            rows += next
            if next.isEmpty || answer["hasMore"]?.bool != true { break }
        }
        return rows
    }

    private func poll(_ session: String) async {
        guard let tell else { return }
        do throws(EngineError) {
            let row = try await get("/sessions/\(Encodings.percent(session))")
            await tell(.session(row["session"] ?? row))
            for call in try await all(session, "provider-calls") where isFinal(call) && isNew(call, "p") {
                await tell(.providerCall(call))
            }
            for call in try await all(session, "tool-calls") where isNew(call, "t") { await tell(.toolCall(call)) }
            for event in try await all(session, "events") where isNew(event, "e") { await tell(.runtimeEvent(event)) }
            for result in try await all(session, "eval-results") where isNew(result, "v") {
                await tell(.evalResult(result))
            }
            troubles = 0
        } catch {
            // Not there yet is no trouble; the same trouble is said once.
            guard error.code != .notFound, error.code != .cancelled else { return }
            troubles += 1
            if troubles == 1 { await tell(.trouble(error)) }
        }
    }

    private func isFinal(_ row: JSONValue) -> Bool { row["status"]?.string != "pending" }

    private func isNew(_ row: JSONValue, _ kind: String) -> Bool {
        let id = row["id"]?.string ?? row.text
        return seen.insert("\(kind) \(id)").inserted
    }
}
