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
            code = error["code"]?.int ?? 0
            self.message = error["message"]?.string ?? "no message"
            data = error["data"]
        }
    }

    package static let methodNotFound = -32601
    /// 2026-07-28: the server does not speak the version; `data.supported` lists what it speaks.
    package static let unsupportedVersion = -32022
}
