/// JSON-RPC 2.0 messages as MCP uses them.
package enum JSONRPC {
    package static func request(id: Int, method: String, params: JSONObject) -> JSONValue {
        ["jsonrpc": "2.0", "id": .int(id), "method": .string(method), "params": .object(params)]
    }

    package static func notification(method: String, params: JSONObject = JSONObject()) -> JSONValue {
        var message: JSONObject = JSONObject([("jsonrpc", "2.0"), ("method", .string(method))])
        if !params.isEmpty { message["params"] = .object(params) }
        return .object(message)
    }

    package static func response(id: JSONValue, result: JSONValue) -> JSONValue {
        ["jsonrpc": "2.0", "id": id, "result": result]
    }

    package static func failure(id: JSONValue, code: Int, message: String) -> JSONValue {
        ["jsonrpc": "2.0", "id": id, "error": ["code": .int(code), "message": .string(message)]]
    }

    /// An error that the other side reported.
    package struct Failure: Error, Sendable, Equatable {
        package var code: Int
        package var message: String
        package var data: JSONValue?

        package init?(_ message: JSONValue) {
            guard let error = message["error"], case .object = error else { return nil }
            self.init(error: error)
        }

        /// - Parameter error: the value of a message's `error`.
        package init(error: JSONValue) {
            code = error["code"]?.int ?? 0
            message = error["message"]?.string ?? "no message"
            data = error["data"]
        }

        package var engineError: EngineError {
            EngineError(code == JSONRPC.invalidParams ? .invalidInput : .refused, "\(message) (\(code))")
        }
    }

    package static let parseError = -32700
    package static let invalidRequest = -32600
    package static let methodNotFound = -32601
    package static let internalError = -32603
    package static let invalidParams = -32602
    /// 2026-07-28: header and body disagree.
    package static let headerMismatch = -32020
    /// 2026-07-28: the server does not speak the version; `data.supported` lists what it speaks.
    package static let unsupportedVersion = -32022
    /// 2025-11-25: pages have to be visited first; `data.elicitations` lists them.
    package static let linksRequired = -32042
}
