import Engine
import EngineSystem
import Glibc

/// The tool servers of the demo, served by the program itself.
enum DemoTools {
    static func run(_ arguments: Arguments) -> ExitCode {
        switch arguments.words.first {
        case "stdio":
            var server = DemoOrders()
            while let line = readLine() {
                if let answer = server.answer(line) { Console.out(answer) }
            }
            return .done
        case "http":
            do throws(EngineError) {
                let server = try startHTTP()
                Console.out(server.url)
                // Until the reader of this process goes away.
                while readLine() != nil {}
                server.stop()
                return .done
            } catch {
                Console.report(error)
                return .failed
            }
        default:
            Console.err("cleo-tui: 'demo-tools' needs 'stdio' or 'http'\nhint: \(Command.demoTools.usage)")
            return .usage
        }
    }

    /// Says where parcels are: `GET /parcels/PX-1042`.
    static func startHTTP() throws(EngineError) -> LoopbackHTTPServer {
        try LoopbackHTTPServer { request in
            guard request.method == "GET", request.target.hasPrefix("/parcels/") else {
                return .json(["error": "not found"], status: 404)
            }
            let number = request.target.dropFirst(9).prefix { $0 != "?" }.uppercased()
            guard
                let order = DemoOrders.orders.first(where: {
                    $0.parcel == number || $0.parcel == "PX-" + number.dropFirst(2)
                })
            else { return .json(["error": .string("no parcel has the number \(number)")], status: 404) }
            return .json([
                "number": .string(order.parcel), "place": .string(order.place), "event": .string(order.event),
            ])
        }
    }
}

/// An MCP server with three tools (revision 2025-11-25, stdio).
struct DemoOrders {
    struct Order {
        let number: Int
        let status: String
        let summary: String
        let item: String
        let quantity: Int
        let total: String
        let place: String
        let event: String

        var parcel: String { "PX-\(number)" }
    }

    static let orders = [
        Order(
            number: 1040, status: "delivered", summary: "was delivered on Monday.", item: "Moving box, large",
            quantity: 20, total: "$59.80", place: "the front door", event: "delivered, signed by a neighbour"),
        Order(
            number: 1041, status: "delivered", summary: "was delivered on Tuesday.", item: "Packing tape, 50 m",
            quantity: 6, total: "$14.10", place: "the letter box", event: "delivered"),
        Order(
            number: 1042, status: "shipped", summary: "left the warehouse on Tuesday and arrives tomorrow.",
            item: "Wardrobe box", quantity: 4, total: "$47.60", place: "Harrow Junction",
            event: "sorted for the last mile"),
        Order(
            number: 1043, status: "in preparation", summary: "is being packed and leaves the warehouse today.",
            item: "Bubble wrap, 100 m", quantity: 1, total: "$32.00", place: "the warehouse", event: "label printed"),
        Order(
            number: 1044, status: "in preparation", summary: "waits for an item that comes on Friday.",
            item: "Tissue paper, 500 sheets", quantity: 2, total: "$18.40", place: "the warehouse", event: "waiting"),
        Order(
            number: 1045, status: "received", summary: "was received an hour ago.", item: "Moving box, small",
            quantity: 10, total: "$19.90", place: "nowhere yet", event: "announced"),
    ]

    private var cancelled: Set<Int> = []

    /// One JSON-RPC message in, at most one out.
    mutating func answer(_ line: String) -> String? {
        guard let message = try? JSONParser.parse(line), let method = message["method"]?.string else {
            return #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not a JSON-RPC message"}}"#
        }
        guard let id = message["id"] else { return nil }
        var answer: JSONObject = ["jsonrpc": "2.0", "id": id]
        switch method {
        case "initialize": answer["result"] = Self.greeting
        case "ping": answer["result"] = [:]
        case "tools/list": answer["result"] = ["tools": .array(Self.tools)]
        case "tools/call":
            answer["result"] = call(message["params"]?["name"]?.string ?? "", message["params"]?["arguments"])
        default: answer["error"] = ["code": -32601, "message": .string("there is no method '\(method)'")]
        }
        return JSONValue.object(answer).text
    }

    private static let greeting: JSONValue = [
        "protocolVersion": "2025-11-25", "capabilities": ["tools": [:]],
        "serverInfo": ["name": "demo-orders", "version": .string(ProgramInfo.version)],
    ]

    private static func tool(
        _ name: String, _ description: String, readOnly: Bool, _ properties: JSONValue, required: JSONValue
    ) -> JSONValue {
        [
            "name": .string(name), "description": .string(description),
            "inputSchema": ["type": "object", "properties": properties, "required": required],
            "annotations": ["readOnlyHint": .bool(readOnly), "destructiveHint": .bool(!readOnly)],
        ]
    }

    private static let number: JSONValue = ["type": "integer", "description": "The order's number, such as 1042"]

    private static let tools = [
        tool("lookup_order", "Looks up one order.", readOnly: true, ["order_id": number], required: ["order_id"]),
        tool("list_orders", "Lists the numbers of all orders.", readOnly: true, [:], required: []),
        tool(
            "cancel_order", "Cancels an order that has not been shipped.", readOnly: false,
            ["order_id": number, "reason": ["type": "string", "description": "Why the customer cancels"]],
            required: ["order_id"]),
    ]

    private mutating func call(_ name: String, _ arguments: JSONValue?) -> JSONValue {
        switch name {
        case "list_orders":
            let numbers = Self.orders.map { String($0.number) }.joined(separator: ", ")
            return Self.result(["count": .int(Self.orders.count), "numbers": .string(numbers)])
        case "lookup_order", "cancel_order":
            let number = arguments?["order_id"]?.int ?? 0
            guard let order = Self.orders.first(where: { $0.number == number }) else {
                return Self.failure("there is no order \(number); try 1040 to 1045")
            }
            return name == "lookup_order" ? lookup(order) : cancel(order)
        default: return Self.failure("there is no tool '\(name)'")
        }
    }

    private func lookup(_ order: Order) -> JSONValue {
        let isCancelled = cancelled.contains(order.number)
        return Self.result([
            "order_id": .int(order.number), "status": .string(isCancelled ? "cancelled" : order.status),
            "summary": .string(isCancelled ? "was cancelled." : order.summary), "parcel": .string(order.parcel),
            "items": [["name": .string(order.item), "quantity": .int(order.quantity)]], "total": .string(order.total),
        ])
    }

    private mutating func cancel(_ order: Order) -> JSONValue {
        guard order.status != "delivered", order.status != "shipped" else {
            return Self.failure("order \(order.number) has already been \(order.status)")
        }
        guard cancelled.insert(order.number).inserted else {
            return Self.failure("order \(order.number) is cancelled already")
        }
        return Self.result([
            "order_id": .int(order.number), "status": "cancelled", "refund": .string(order.total), "refund_days": 3,
        ])
    }

    private static func result(_ value: JSONValue) -> JSONValue {
        ["content": [["type": "text", "text": .string(value.text)]], "structuredContent": value, "isError": false]
    }

    private static func failure(_ message: String) -> JSONValue {
        ["content": [["type": "text", "text": .string(message)]], "isError": true]
    }
}
