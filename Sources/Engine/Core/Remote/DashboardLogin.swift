/// Signing in to a dashboard with the browser, as its interface for command lines wants it
/// (AltairaLabs/Omnia, `dashboard/src/app/api/cli`). The token holds for an hour, and for one workspace.
package struct DashboardLogin: Sendable {
    package struct Grant: Sendable {
        package var token: Secret
        /// The session API's routes of the workspace that the person chose.
        package var sessionAPI: String
    }

    private let origin: String
    private let http: any HTTPTransport
    private let clock: any EngineClock
    private let state: String

    private static let patience = 5 * 60_000

    /// - Parameters:
    ///   - dashboard: its address, or one of its routes.
    ///   - state: what the browser has to bring back; nobody may guess it.
    /// - Throws: `invalidInput` for what is no address.
    package init(
        _ dashboard: String, http: any HTTPTransport, clock: any EngineClock, state: String
    ) throws(EngineError) {
        guard let address = WebAddress(dashboard), address.scheme == "https" || address.isLoopback else {
            throw EngineError(
                .invalidInput, "'\(dashboard)' is no https address of a dashboard",
                hint: "session_api: https://HOST/api/workspaces/NAME")
        }
        origin = "\(address.scheme)://\(address.authority)"
        self.http = http
        self.clock = clock
        self.state = state
    }

    /// - Parameters:
    ///   - listener: where the browser comes back to.
    ///   - show: is told the address that the person has to open.
    /// - Throws: `timedOut` after five minutes; `unauthorized` for a browser that brings back something else.
    package func signIn(
        _ listener: any RedirectListener, show: (String) -> Void
    ) async throws(EngineError) -> Grant {
        show("\(origin)/api/cli/authorize?callback=\(Encodings.percent(listener.address))&state=\(state)")
        let target = try await withDeadline(milliseconds: Self.patience, clock: clock, "signing in") {
            () async throws(EngineError) in await listener.wait()
        }
        let query = Encodings.query((target ?? "").drop { $0 != "?" }.dropFirst())
        guard query["state"] == state, let code = query["code"], !code.isEmpty else {
            let why = SafeText.oneLine(query["error"] ?? "it came back without a code of ours", limit: 120)
            throw EngineError(.unauthorized, "the dashboard did not sign you in: \(why)")
        }
        return try await exchange(code)
    }

    private func exchange(_ code: String) async throws(EngineError) -> Grant {
        var request = HTTPRequest(
            url: origin + "/api/cli/token", method: "POST", headers: [("Content-Type", "application/json")],
            body: JSONValue.object(["code": .string(code)]).bytes)
        request.totalMilliseconds = 30_000
        let response = try await http.send(request)
        let body = try await response.body.collect(limit: 1 << 20)
        guard response.isSuccess, let json = try? JSONParser.parse(body), let token = json["token"]?.string,
            !token.isEmpty, let workspace = json["profile"]?["workspace"]?.string, !workspace.isEmpty
        else {
            throw EngineError(
                .unauthorized, "the dashboard gave no token (HTTP \(response.status))",
                hint: "the code holds for a minute: sign in again")
        }
        return Grant(
            token: Secret(token), sessionAPI: "\(origin)/api/workspaces/\(Encodings.percent(workspace))")
    }
}
